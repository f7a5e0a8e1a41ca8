//! The plugin border: whatever a file on the search path does, the program gets an error or a row, and goes on.
//!
//! Plugins that break promises are C files in `plugins/`, built here.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

use unmask_api::{BackendError, CancelFlag, Capabilities, ErrorCode, Logits, TokenId, TopRows};
use unmask_tests::{
    Run, SPEC, compile_plugin, load_spec, model, open, plugin, run, session, spoiled, try_model,
};

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
