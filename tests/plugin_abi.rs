//! The plugin border: whatever a file on the search path does, the program gets an error or a row, and goes on.
//!
//! Plugins that break promises are C files in `plugins/`, built here.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

use unmask_api::{BackendError, CancelFlag, Capabilities, ErrorCode, Logits, TokenId, TopRows};
use unmask_core::plugin::{PluginError, load};
use unmask_tests::{
    Run, SPEC, compile_plugin, load_spec, model, open, plugin, run, session, spoiled, try_model,
};

/// What loading the file says, its path left out.
#[track_caller]
fn refusal(path: &Path) -> String {
    let error = load(path)
        .map(|it| it.name().to_owned())
        .expect_err("it must be refused");
    error
        .to_string()
        .replace(&path.display().to_string(), "FILE")
}

#[track_caller]
fn check_refusal(name: &str, message: &str) {
    assert_eq!(refusal(&spoiled(name).path), message);
}

#[test]
fn a_missing_file_and_a_file_of_another_kind_are_refused_with_the_loaders_words() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("libunmask_backend_text.so");
    let missing = refusal(&file);
    assert!(missing.starts_with("FILE cannot be loaded: "), "{missing}");
    assert!(
        missing.len() > "FILE cannot be loaded: dlopen failed".len(),
        "{missing}"
    );
    std::fs::write(&file, "no library").expect("the folder is ours");
    let text = refusal(&file);
    assert!(text.starts_with("FILE cannot be loaded: "), "{text}");
    assert_ne!(text, missing);
}

#[test]
fn a_relative_path_is_refused() {
    let error = load(Path::new("libfoo.so"))
        .map(|_| ())
        .expect_err("it must be refused");
    assert!(matches!(error, PluginError::Relative { .. }), "{error}");
}

#[test]
fn a_library_without_the_table_is_no_backend() {
    check_refusal(
        "no_entry",
        "FILE is not a backend for unmask: it exports no UNMASK_PLUGIN",
    );
}

// The functions of the next four end the process when they are called.

#[test]
fn another_major_version_is_refused_before_any_call() {
    check_refusal(
        "wrong_version",
        "FILE speaks plugin ABI 2.1, this program speaks 1.1; rebuild it against unmask-sdk or unmask_backend.h of ABI 1",
    );
}

#[test]
fn a_table_too_short_for_its_functions_is_refused_before_any_call() {
    check_refusal(
        "short_table",
        "FILE: its table has 24 bytes, at least 104 are needed; the plugin must be repaired by its maker",
    );
}

#[test]
fn a_null_function_is_refused_before_any_call() {
    check_refusal(
        "null_function",
        "FILE: its function `forward` is null; the plugin must be repaired by its maker",
    );
}

#[test]
fn a_missing_name_is_refused_before_any_call() {
    check_refusal(
        "null_name",
        "FILE: its name is missing, empty or endless; the plugin must be repaired by its maker",
    );
}

#[test]
fn an_empty_text_on_runtimes_is_refused_before_any_call() {
    check_refusal(
        "empty_runtimes",
        "FILE: what it says of its runtimes is empty or endless; the plugin must be repaired by its maker",
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_function_that_no_library_has_is_found_out_while_loading() {
    let text = refusal(&spoiled("undefined_symbol").path);
    assert!(text.contains("nowhere_to_be_found"), "{text}");
}

#[test]
fn a_failing_init_is_told_in_the_plugins_words_every_time() {
    let file = spoiled("failing_init");
    for _ in 0..2 {
        assert_eq!(
            refusal(&file.path),
            "FILE did not start: spoiled: no driv\u{fffd}r"
        );
    }
}

#[test]
fn a_table_without_the_optional_function_has_no_top_k() {
    let file = spoiled("old_table");
    let model = model(&*open(&file.path), "llada");
    assert_eq!(model.facts().capabilities, Capabilities::BATCH);
    let mut top = TopRows::default();
    top.reset(1, 2);
    let one = Run::whole(&[0]);
    let error = session(&*model).forward_top(&one.pass(&CancelFlag::new()), top.view());
    assert_eq!(
        error.expect_err("it has none").to_string(),
        "spoiled cannot compute this pass, which needs top-k output; turn that off or use another backend"
    );
}

#[test]
fn a_table_of_minor_version_0_computes_and_writes_no_files() {
    for name in ["old_table", "minor_0_table"] {
        let file = spoiled(name);
        let backend = open(&file.path);
        run(
            &mut *session(&*model(&*backend, "llada")),
            8,
            &Run::whole(&[0]),
        )
        .expect("it computes");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let spec = load_spec("llada", 8);
        let error = backend.export(&spec, folder.path(), &|_| ControlFlow::Continue(()));
        assert_eq!(
            error.expect_err("it has none").to_string(),
            "spoiled has no files of its own to write"
        );
    }
    let file = spoiled("minor_0_table");
    let capabilities = model(&*open(&file.path), "llada").facts().capabilities;
    assert!(capabilities.has(Capabilities::TOPK_OUTPUT));
}

#[test]
fn an_export_writes_into_the_folder_and_its_listener_can_end_it() {
    let backend = open(&plugin("example-toy"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let spec = load_spec("llada", 8);
    let stopped = backend.export(&spec, folder.path(), &|_| ControlFlow::Break(()));
    assert!(
        matches!(stopped, Err(BackendError::Cancelled)),
        "{stopped:?}"
    );
    let written = backend.export(&spec, folder.path(), &|_| ControlFlow::Continue(()));
    written.expect("the folder is ours");
    let text = std::fs::read_to_string(folder.path().join("toy.txt")).expect("it was written");
    assert_eq!(text, "8 tokens, no weights\n");
    let nowhere = folder.path().join("nowhere");
    let error = backend.export(&spec, &nowhere, &|_| ControlFlow::Continue(()));
    assert_eq!(error.expect_err("there is no folder").code(), ErrorCode::Io);
}

#[test]
fn a_longer_table_of_a_later_minor_version_is_accepted() {
    let file = spoiled("newer_table");
    let backend = open(&file.path);
    let model = model(&*backend, "llada");
    let logits = run(&mut *session(&*model), 8, &Run::whole(&[0, 1]));
    let scores = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
    assert_eq!(logits.expect("it computes").row(1), scores);
}

#[test]
fn bad_utf8_is_replaced_and_wrong_lengths_are_clamped() {
    let file = spoiled("bad_text");
    let backend = open(&file.path);
    assert_eq!(backend.name(), "bad\u{fffd}");
    let devices = backend.devices();
    assert_eq!(devices.len(), 1);
    assert_eq!(
        (&*devices[0].name, &*devices[0].id),
        ("d\u{fffd}", &*"i".repeat(64))
    );
    assert_eq!(devices[0].precisions, ["f32", "q4k"]);
    match try_model(&*backend, "llada").map(|_| ()) {
        Err(BackendError::Remote { code, message, .. }) => {
            assert_eq!(code, ErrorCode::Unknown);
            assert_eq!(message, "m".repeat(1020));
        }
        other => panic!("expected the plugin's failure, got {other:?}"),
    }
}

#[test]
fn a_plugin_that_never_stops_listing_devices_is_stopped() {
    let file = spoiled("endless_devices");
    assert_eq!(open(&file.path).devices().len(), 64);
}

#[test]
fn success_without_a_handle_is_a_failure() {
    let file = spoiled("null_handles");
    let backend = open(&file.path);
    let error = try_model(&*backend, "llada")
        .map(|_| ())
        .expect_err("there is no model");
    assert_eq!(
        error.to_string(),
        "spoiled: it reported a loaded model, but gave none"
    );
    let error = model(&*backend, "session").session(SPEC).map(|_| ());
    assert_eq!(
        error.expect_err("there is no session").to_string(),
        "spoiled: it reported an open session, but gave none"
    );
}

#[test]
fn facts_that_cannot_be_are_refused() {
    let file = spoiled("bad_facts");
    let backend = open(&file.path);
    let refused = |family| {
        let error = try_model(&*backend, family)
            .map(|_| ())
            .expect_err("it must be refused");
        error.to_string()
    };
    assert_eq!(
        refused("no-vocabulary"),
        "spoiled loaded a model with a vocabulary of 0, which cannot be; try another backend"
    );
    assert_eq!(
        refused("huge-vocabulary"),
        "spoiled loaded a model with a vocabulary of 4294967295, which cannot be; try another backend"
    );
    assert_eq!(
        refused("no-positions"),
        "spoiled loaded a model for 0 positions; try another backend"
    );
    let bits = model(&*backend, "unknown-bits").facts().capabilities;
    assert_eq!(
        bits.0, 0b11_1011,
        "unknown bits and top-k without its function"
    );
}

#[test]
fn logits_that_are_not_finite_are_an_error_that_names_the_row() {
    let file = spoiled("bad_numbers");
    let model = model(&*open(&file.path), "llada");
    let mut session = session(&*model);
    let mut ask = |first| {
        let result = run(&mut *session, 8, &Run::whole(&[first, 0, 0]));
        result.map(|_| ()).map_err(|error| error.to_string())
    };
    let rest = "try precision f32 or another backend";
    assert_eq!(ask(0), Ok(()));
    assert_eq!(ask(1), Err(format!("spoiled gave NaN at row 2; {rest}")));
    assert_eq!(
        ask(2),
        Err(format!("spoiled gave infinity at row 0; {rest}"))
    );
}

#[test]
fn a_top_k_out_of_range_unsorted_or_not_finite_is_an_error() {
    let file = spoiled("bad_numbers");
    let model = model(&*open(&file.path), "llada");
    let mut session = session(&*model);
    let mut ask = |first| {
        let mut top = TopRows::default();
        top.reset(1, 3);
        let one = Run::whole(&[first]);
        let result = session.forward_top(&one.pass(&CancelFlag::new()), top.view());
        let text = result.map_err(|error| error.to_string());
        text.map(|()| top.ids(0).to_vec())
    };
    assert_eq!(ask(0), Ok([7, 6, 5].map(TokenId).to_vec()));
    let wrong = "spoiled gave a wrong top-3 at row 0:";
    assert_eq!(
        ask(1),
        Err(format!(
            "{wrong} id 8 is outside the vocabulary of 8; try another backend"
        ))
    );
    assert_eq!(
        ask(2),
        Err(format!(
            "{wrong} it is not sorted, best first, ties by lower id; try another backend"
        ))
    );
    assert_eq!(
        ask(3),
        Err("spoiled gave NaN at row 0; try precision f32 or another backend".to_owned())
    );
}

#[test]
fn a_broken_promise_of_ours_never_reaches_the_plugin() {
    let model = model(&*open(&plugin("example-toy")), "llada");
    let mut session = session(&*model);
    let mut ask = |run_of: Run| {
        let result = run(&mut *session, 8, &run_of).map(|_| ());
        result.expect_err("the host refuses it").code()
    };
    assert_eq!(
        ask(Run::whole(&[8])),
        ErrorCode::Invalid,
        "a token out of range"
    );
    assert_eq!(
        ask(Run::whole(&[0; 17])),
        ErrorCode::Invalid,
        "too many positions"
    );
    assert_eq!(
        ask(Run::whole(&[0]).wanting(&[1])),
        ErrorCode::Invalid,
        "an unfed row"
    );
    let one = Run::whole(&[0]);
    let mut short = Logits::default();
    short.reset(1, 7);
    let error = session.forward(&one.pass(&CancelFlag::new()), short.view());
    assert_eq!(
        error.expect_err("the host refuses it").code(),
        ErrorCode::Invalid
    );
}

#[test]
fn a_raised_flag_cancels_and_a_lowered_one_does_not() {
    let model = model(&*open(&plugin("example-toy")), "llada");
    let mut session = session(&*model);
    let (flag, one) = (CancelFlag::new(), Run::whole(&[0, 1]));
    let mut logits = Logits::default();
    logits.reset(2, 8);
    flag.raise();
    let result = session.forward(&one.pass(&flag), logits.view());
    assert!(matches!(result, Err(BackendError::Cancelled)), "{result:?}");
    flag.lower();
    session
        .forward(&one.pass(&flag), logits.view())
        .expect("it computes");
}

#[test]
fn a_listener_hears_of_a_load_and_can_end_it() {
    let heard = Mutex::new(Vec::new());
    let result = open(&plugin("example-toy")).load(&load_spec("llada", 8), &|progress| {
        let mut heard = heard.lock().expect("nobody panics");
        heard.push((progress.stage.to_owned(), progress.done, progress.total));
        ControlFlow::Break(())
    });
    assert!(matches!(result, Err(BackendError::Cancelled)));
    let heard = heard.into_inner().expect("nobody panics");
    assert_eq!(heard, [("counting tokens".to_owned(), 0, 8)]);
}

#[test]
fn a_listener_that_panics_ends_the_load_and_not_the_program() {
    let result = open(&plugin("example-toy")).load(&load_spec("llada", 8), &|_| panic!("ours"));
    assert!(matches!(result, Err(BackendError::Cancelled)));
}

#[test]
fn errors_cross_with_code_text_and_cause() {
    let mut spec = load_spec("llada", 8);
    spec.folder = "somewhere".into();
    spec.config_json = "{}".to_owned();
    let result = open(&plugin("example-toy")).load(&spec, &|_| ControlFlow::Continue(()));
    let error = result.map(|_| ()).expect_err("there is no vocabulary");
    assert_eq!(error.code(), ErrorCode::Checkpoint);
    let path = Path::new("somewhere").join("config.json");
    assert_eq!(
        error.to_string(),
        format!("toy: {}: `vocab_size` is missing or 0", path.display())
    );
}

#[test]
fn the_c_example_answers_as_the_rust_example_does() {
    let file = compile_plugin("plugins/examples/c/toy.c");
    let pass = Run::whole(&[3, 1, 4, 1]).and(1, &[5, 9], 3..5, 1..5);
    let answers = [open(&file.path), open(&plugin("example-toy"))].map(|backend| {
        let model = backend.load(&load_spec("llada", 40), &|_| ControlFlow::Continue(()));
        let model = model.expect("the model loads");
        run(&mut *session(&*model), 40, &pass).expect("it computes")
    });
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].row(5)[4], 1.25);
}
