//! Backends in processes of their own: the same answers, and whatever becomes of one takes nothing else with it.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use unmask_api::{Backend, BackendError, CancelFlag, ErrorCode, LoadSpec, Logits, Model};
use unmask_core::plugin::{
    Fit, Isolation, Launcher, Registry, Running, SearchPath, State, Surroundings,
};
use unmask_tests::{Compiled, Run, SPEC, host_launcher, load_spec, run, session, spoiled};

/// Hosts of this build, which are not waited for long.
fn launcher() -> Launcher {
    Launcher {
        patience: Duration::from_millis(200),
        ..host_launcher(env!("CARGO_BIN_EXE_backend_host"))
    }
}

fn registry(plugin: &Compiled, names: &[&str]) -> Registry {
    Registry::discover(&SearchPath::new(&Surroundings {
        plugins: vec![plugin.path.clone()],
        isolation: Isolation {
            names: names.iter().map(|&name| name.to_owned()).collect(),
            launcher: launcher(),
        },
        ..Surroundings::default()
    }))
}

fn wild() -> (Compiled, Arc<dyn Backend>) {
    let plugin = spoiled("wild");
    let backend = registry(&plugin, &["wild"]).find("wild");
    (plugin, backend.expect("it can be used"))
}

fn spec(device: &str) -> LoadSpec {
    LoadSpec {
        device: device.to_owned(),
        ..load_spec("llada", 200)
    }
}

fn load(backend: &dyn Backend, device: &str) -> Box<dyn Model> {
    let model = backend.load(&spec(device), &|_| ControlFlow::Continue(()));
    model.expect("the model loads")
}

/// The fifth pass of a model on `device`, which ends it.
fn fifth_pass(device: &str) -> BackendError {
    let (_plugin, backend) = wild();
    let model = load(&*backend, device);
    let mut conversation = session(&*model);
    let pass = Run::whole(&[1, 2, 3]);
    for _ in 0..4 {
        run(&mut *conversation, 200, &pass).expect("four passes are fine");
    }
    let error = run(&mut *conversation, 200, &pass).expect_err("the fifth is not");
    let again = run(&mut *conversation, 200, &pass).expect_err("there is no process");
    assert_eq!(
        again.to_string(),
        error.to_string(),
        "it is told as often as it is asked"
    );
    assert!(matches!(
        model.session(SPEC),
        Err(BackendError::Gone { .. })
    ));
    let model = load(&*backend, device);
    run(&mut *session(&*model), 200, &pass).expect("a model that was loaded again computes");
    error
}

#[track_caller]
fn check_end(device: &str, words: &str) {
    let error = fifth_pass(device);
    let text = error.to_string();
    assert!(matches!(error, BackendError::Gone { .. }), "{error:?}");
    let has_last_words = text.ends_with(&format!("its last words: about to {device}"));
    assert!(text.contains(words) && has_last_words, "{text}");
}

#[test]
#[cfg(unix)]
fn a_backend_that_ends_its_process_is_named_and_can_be_loaded_again() {
    check_end(
        "segfault",
        "the process of wild ended (signal: 11 (SIGSEGV)",
    );
    check_end("abort", "the process of wild ended (signal: 6 (SIGABRT)");
    check_end("leave", "the process of wild ended (exit status: 3)");
}

#[test]
fn a_pass_that_hangs_is_ended_soon_after_it_was_asked_to_stop() {
    let (_plugin, backend) = wild();
    let model = load(&*backend, "hang");
    let mut conversation = session(&*model);
    let pass = Run::whole(&[1, 2, 3]);
    for _ in 0..4 {
        run(&mut *conversation, 200, &pass).expect("four passes are fine");
    }
    let cancel = CancelFlag::new();
    let (error, waited) = thread::scope(|scope| {
        let hanging = scope.spawn(|| {
            let mut logits = Logits::default();
            logits.reset(3, 200);
            let error = conversation.forward(&pass.pass(&cancel), logits.view());
            (error.expect_err("it hangs"), Instant::now())
        });
        let asked = Instant::now();
        cancel.raise();
        let (error, ended) = hanging.join().expect("no panic");
        (error, ended - asked)
    });
    let text = error.to_string();
    assert!(
        text.contains("did not stop within 0.2 s of being asked"),
        "{text}"
    );
    assert!(waited < Duration::from_secs(10), "{waited:?}");
}

#[test]
fn a_load_that_hangs_can_be_broken_off_and_one_that_crashes_is_told() {
    let (_plugin, backend) = wild();
    let stopped = backend.load(&spec("load-hang"), &|_| ControlFlow::Break(()));
    assert!(matches!(stopped.err(), Some(BackendError::Cancelled)));
    let crashed = backend.load(&spec("load-segfault"), &|_| ControlFlow::Continue(()));
    assert!(matches!(crashed.err(), Some(BackendError::Gone { .. })));
}

#[test]
fn a_backend_that_crashes_when_it_is_asked_is_a_row_of_the_list() {
    let plugin = spoiled("crashing_probe");
    let registry = registry(&plugin, &["crashing_probe"]);
    let [row] = registry.rows() else {
        panic!("one row: {:?}", registry.rows());
    };
    assert_eq!(row.name, "crashing_probe");
    let State::Broken(reason) = &row.state else {
        panic!("it is broken: {row:?}");
    };
    assert!(
        reason.starts_with("the process of crashing_probe ended"),
        "{reason}"
    );
}

#[test]
fn each_model_runs_where_it_is_wanted_wherever_its_backend_was_asked() {
    for names in [&["wild"][..], &[]] {
        let plugin = spoiled("wild");
        let registry = registry(&plugin, names);
        for (running, isolated) in [(Running::Here, false), (Running::Alone, true)] {
            let backend = registry
                .find_running("wild", Fit::Usable, running)
                .expect("it is usable");
            let notes = load(&*backend, "well").facts().notes;
            assert_eq!(
                notes.contains("in a process of its own"),
                isolated,
                "{notes}"
            );
        }
    }
}

#[test]
fn what_a_host_sends_is_tested_as_what_a_plugin_returns() {
    let plugin = spoiled("bad_numbers");
    let backend = registry(&plugin, &["bad_numbers"]).find("spoiled");
    let backend = backend.expect("it can be used");
    let model = backend.load(&load_spec("llada", 8), &|_| ControlFlow::Continue(()));
    let model = model.expect("it loads");
    let mut conversation = session(&*model);
    let nan = run(&mut *conversation, 8, &Run::whole(&[1])).expect_err("it gives NaN");
    assert!(nan.to_string().contains("NaN at row 0"), "{nan}");
    run(&mut *conversation, 8, &Run::whole(&[3])).expect("the process lives on");
}

#[test]
fn a_pass_that_a_model_cannot_compute_is_refused_as_without_isolation() {
    let (_plugin, backend) = wild();
    let model = load(&*backend, "well");
    let pass = Run::default().and(0, &[1, 2], 1..3, 0..3);
    let error = run(&mut *session(&*model), 200, &pass).expect_err("it has no cache");
    assert_eq!(error.code(), ErrorCode::Unsupported);
    assert!(
        error
            .to_string()
            .starts_with("wild cannot compute this pass"),
        "{error}"
    );
}

/// What the list of backends says of a library whose host cannot be started by `launcher`.
fn reason_without_host(launcher: Launcher) -> String {
    let plugin = spoiled("wild");
    let registry = Registry::discover(&SearchPath::new(&Surroundings {
        plugins: vec![plugin.path.clone()],
        isolation: Isolation {
            names: ["wild".to_owned()].into(),
            launcher,
        },
        ..Surroundings::default()
    }));
    match &registry.rows()[0].state {
        State::Broken(reason) => reason.clone(),
        other => panic!("it is broken: {other:?}"),
    }
}

#[test]
fn a_missing_program_is_an_error_with_its_reason() {
    let reason = reason_without_host(Launcher {
        program: Some("/no/such/program".into()),
        ..Launcher::default()
    });
    assert!(
        reason.starts_with("cannot start the process of wild: "),
        "{reason}"
    );
}

#[test]
fn a_program_that_is_no_host_is_told_with_its_last_words() {
    let reason = reason_without_host(Launcher {
        program: Some(std::env::current_exe().expect("tests have a file")),
        arguments: vec!["--no-such-flag".into()],
        ..Launcher::default()
    });
    assert!(
        reason.contains("before it said hello; its last words: "),
        "{reason}"
    );
}
