//! What a plugin says besides its answers: panics and messages end in errors and in our log, never on the screen.

use std::process::Command;
use std::sync::{Arc, Mutex};

use unmask_api::{BackendError, ErrorCode, Session, TopRequest, TopRows};
use unmask_tests::{OwnedPass, SPEC, load_spec, model, open, plugin, run, session, try_model};

#[test]
fn a_panic_anywhere_is_an_error_with_its_text() {
    let backend = open(&plugin("test-plugin-panics"));
    let text = |place: &str| {
        format!("panics: the backend panicked: told to panic in {place}; its log has more")
    };
    let error = backend.check(&load_spec("check", 8)).map(|_| ());
    assert_eq!(error.expect_err("it panics").to_string(), text("check"));
    for place in ["load", "facts"] {
        let error = try_model(&*backend, place)
            .map(|_| ())
            .expect_err("it panics");
        assert_eq!(
            (error.code(), error.to_string()),
            (ErrorCode::Panicked, text(place))
        );
    }
    let error = model(&*backend, "session").session(SPEC).map(|_| ());
    assert_eq!(error.expect_err("it panics").to_string(), text("session"));

    let told = |place: &str, ask: &dyn Fn(&mut dyn Session) -> Result<(), BackendError>| {
        let error = ask(&mut *session(&*model(&*backend, place)));
        assert_eq!(error.expect_err("it panics").to_string(), text(place));
    };
    let compute = |session: &mut dyn Session| run(session, 16, &OwnedPass::whole(&[0])).map(|_| ());
    told("forward", &compute);
    told("read_logits", &compute);
    told("read_top", &|session| {
        compute(session)?;
        let request = TopRequest {
            rows: &[0],
            ..TopRequest::default()
        };
        let mut top = TopRows::default();
        top.reset(&request, 2);
        session.read_top(&request, top.view())
    });
    told("copy_slot", &|session| session.copy_slot(0, 1));
    told("clear_slot", &|session| session.clear_slot(0));
    told("reserve", &|session| session.reserve(20));
    drop(session(&*model(&*backend, "drop")));
}

#[test]
fn a_panic_prints_nothing() {
    let program = std::env::current_exe().expect("a test binary has a path");
    let output = Command::new(program)
        .args([
            "--exact",
            "a_panic_anywhere_is_an_error_with_its_text",
            "--nocapture",
        ])
        .output()
        .expect("this program runs again");
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}");
    assert!(!printed.contains("panicked"), "{printed}");
    assert!(!printed.contains("told to"), "{printed}");
}

/// What `body` logs, as text.
fn logged(body: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0
                .lock()
                .expect("nobody panics")
                .extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, body);
    let bytes = lines.0.lock().expect("nobody panics").clone();
    String::from_utf8(bytes).expect("logs are text")
}

#[test]
fn what_a_plugin_says_is_in_our_log_with_its_name() {
    let toy = logged(|| drop(model(&*open(&plugin("example-toy")), "llada")));
    assert_eq!(
        toy,
        " INFO backend: 8 tokens, no weights backend=\"toy\" part=\"load\"\n"
    );
    let panics = logged(|| drop(try_model(&*open(&plugin("test-plugin-panics")), "load")));
    assert!(
        panics.starts_with("ERROR backend: panicked at "),
        "{panics}"
    );
    assert!(panics.contains("lib.rs:"), "{panics}");
    assert!(
        panics.ends_with("told to panic in load backend=\"panics\" part=\"panic\"\n"),
        "{panics}"
    );
}
