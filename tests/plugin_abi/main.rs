//! The plugin border: whatever a file on the search path does, the program gets an error or a row, and goes on.
//!
//! Plugins that break promises are C files in `plugins/`, built here.

mod untrusted;

use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

use unmask_api::{
    Attention, BackendError, CancelFlag, Capabilities, ErrorCode, LoadSpec, Logits, Session,
    TokenId, TopRequest, TopRows,
};
use unmask_tests::{
    OwnedPass, compile_plugin, load_spec, model, open, plugin, run, session, spoiled, try_model,
};

/// The best of every row of one pass, as `request` asks for them.
fn best(
    session: &mut dyn Session,
    pass: &OwnedPass,
    request: &TopRequest<'_>,
    k: usize,
) -> Result<TopRows, BackendError> {
    session.forward(&pass.pass(&CancelFlag::new()))?;
    let mut top = TopRows::default();
    top.reset(request, k);
    session.read_top(request, top.view())?;
    Ok(top)
}

const FIRST_ROW: TopRequest<'_> = TopRequest {
    rows: &[0],
    banned: &[],
    asked: &[],
    divergence: false,
};

#[test]
fn a_table_without_the_optional_functions_has_none_of_their_abilities() {
    for name in ["old_table", "cut_table"] {
        let file = spoiled(name);
        let backend = open(&file.path);
        let model = model(&*backend, "llada");
        let has_top = model.facts().capabilities.has(Capabilities::TOPK_OUTPUT);
        assert_eq!(has_top, name == "cut_table");
        assert!(!model.facts().capabilities.has(Capabilities::KV_CACHE));
        let mut session = session(&*model);
        run(&mut *session, 8, &OwnedPass::whole(&[0])).expect("it computes");
        let refused = |result: Result<(), BackendError>, name: &str| {
            assert_eq!(
                result.expect_err("it has none").to_string(),
                format!(
                    "spoiled cannot do this, which needs {name}; turn that off or use another backend"
                )
            );
        };
        if !has_top {
            let top = best(&mut *session, &OwnedPass::whole(&[0]), &FIRST_ROW, 2);
            refused(top.map(|_| ()), "top-k output");
        }
        refused(session.copy_slot(0, 1), "kv-cache");
        refused(session.clear_slot(0), "kv-cache");
        refused(session.reserve(8), "kv-cache");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let spec = load_spec("llada", 8);
        let error = backend.export(&spec, folder.path(), &|_| ControlFlow::Continue(()));
        assert_eq!(
            error.expect_err("it has none").to_string(),
            "spoiled has no files of its own to write"
        );
    }
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
    let logits = run(&mut *session(&*model), 8, &OwnedPass::whole(&[0, 1]));
    let scores = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
    assert_eq!(logits.expect("it computes").row(1), scores);
}

#[test]
fn bad_utf8_is_replaced_and_texts_of_any_length_arrive_whole() {
    let file = spoiled("bad_text");
    let backend = open(&file.path);
    assert_eq!(backend.name(), "bad\u{fffd}");
    let devices = backend.devices();
    assert_eq!(devices.len(), 1);
    // Where one text is meant, the first is believed.
    assert_eq!((&*devices[0].name, &*devices[0].id), ("d\u{fffd}", "cpu"));
    assert_eq!(devices[0].precisions, ["f32", "\u{fffd}", ""]);
    match try_model(&*backend, "llada").map(|_| ()) {
        Err(BackendError::Plugin { code, message, .. }) => {
            assert_eq!(code, ErrorCode::Unknown);
            assert_eq!(message, "m".repeat(100_000));
        }
        other => panic!("expected the plugin's failure, got {other:?}"),
    }
}

#[test]
fn a_broken_promise_of_ours_never_reaches_the_plugin() {
    let model = model(&*open(&plugin("example-toy")), "llada");
    let mut session = session(&*model);
    let mut ask = |run_of: OwnedPass| {
        let result = run(&mut *session, 8, &run_of).map(|_| ());
        result.expect_err("the host refuses it").code()
    };
    assert_eq!(
        ask(OwnedPass::whole(&[8])),
        ErrorCode::Invalid,
        "a token out of range"
    );
    let beyond = OwnedPass::whole(&[0, 1]).kept_in([15, 16]).seeing(15..16);
    assert_eq!(ask(beyond), ErrorCode::Invalid, "a cell out of range");
    assert_eq!(
        ask(OwnedPass::whole(&[0]).wanting(&[1])),
        ErrorCode::Invalid,
        "an unfed row"
    );
    let invalid = |result: Result<(), BackendError>, what: &str| {
        let error = result.expect_err("the host refuses it");
        assert_eq!(error.code(), ErrorCode::Invalid, "{what}");
    };
    invalid(session.copy_slot(0, 2), "a slot out of range");
    invalid(session.clear_slot(2), "a slot out of range");
    run(&mut *session, 8, &OwnedPass::whole(&[0])).expect("it computes");
    let mut logits = Logits::default();
    logits.reset(1, 7);
    let short = session.read_logits(&[0], logits.view());
    invalid(short, "a buffer for fewer tokens");
    logits.reset(2, 8);
    for rows in [&[0, 1][..], &[0, 0]] {
        let beyond = session.read_logits(rows, logits.view());
        invalid(beyond, "a row beyond the output");
    }
    let mut top = TopRows::default();
    for (banned, asked) in [
        (&[3, 3][..], 0),
        (&[8], 0),
        (&[0, 1, 2, 3, 4, 5, 6, 7], 0),
        (&[], 8),
    ] {
        let banned: Vec<TokenId> = banned.iter().copied().map(TokenId).collect();
        let request = TopRequest {
            banned: &banned,
            asked: &[TokenId(asked)],
            ..FIRST_ROW
        };
        top.reset(&request, 1);
        invalid(session.read_top(&request, top.view()), "ids that are none");
    }
}

#[test]
fn output_is_gone_with_a_pass_that_failed() {
    let model = model(&*open(&plugin("example-toy")), "llada");
    let mut session = session(&*model);
    let (flag, one) = (CancelFlag::new(), OwnedPass::whole(&[0]));
    let mut logits = Logits::default();
    logits.reset(1, 8);
    let mut gone = |session: &mut dyn Session, when: &str| {
        let error = session.read_logits(&[0], logits.view());
        assert_eq!(
            error.expect_err(when).to_string(),
            "no pass has left output to be read"
        );
    };
    gone(&mut *session, "before the first pass");
    session.forward(&one.pass(&flag)).expect("it computes");
    flag.raise();
    let cancelled = session.forward(&one.pass(&flag));
    assert!(matches!(cancelled, Err(BackendError::Cancelled)));
    gone(&mut *session, "after a cancelled pass");
    flag.lower();
    session.forward(&one.pass(&flag)).expect("it computes");
    let refused = session.forward(&OwnedPass::whole(&[8]).pass(&flag));
    refused.expect_err("the host refuses it");
    gone(&mut *session, "after a refused pass");
}

#[test]
fn a_raised_flag_cancels_and_a_lowered_one_does_not() {
    let model = model(&*open(&plugin("example-toy")), "llada");
    let mut session = session(&*model);
    let (flag, one) = (CancelFlag::new(), OwnedPass::whole(&[0, 1]));
    flag.raise();
    let result = session.forward(&one.pass(&flag));
    assert!(matches!(result, Err(BackendError::Cancelled)), "{result:?}");
    flag.lower();
    session.forward(&one.pass(&flag)).expect("it computes");
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
    let pass = OwnedPass::filling(1, &[3, 1, 4, 1])
        .and(0, &[5, 9, 2], [3, 4, 3])
        .kept_in([7, 9, u32::MAX])
        .seeing(7..10)
        .masked(|query, key| query != 6 || key % 2 == 1);
    let request = TopRequest {
        rows: &[0, 2, 6],
        banned: &[TokenId(2), TokenId(4)],
        asked: &[1, 2, 3].map(TokenId),
        divergence: false,
    };
    let block = NonZeroU32::new(2).expect("two");
    for attention in [
        Attention::Bidirectional,
        Attention::BlockCausal(block),
        Attention::Causal,
    ] {
        let answers = [open(&file.path), open(&plugin("example-toy"))].map(|backend| {
            let spec = LoadSpec {
                attention,
                ..load_spec("llada", 40)
            };
            let model = backend.load(&spec, &|_| ControlFlow::Continue(()));
            let mut session = session(&*model.expect("the model loads"));
            session.reserve(20).expect("there is room");
            let logits = run(&mut *session, 40, &pass).expect("it computes");
            let top = best(&mut *session, &pass, &request, 4).expect("it computes");
            session.copy_slot(0, 1).expect("slots are copied");
            let rest = OwnedPass::default().and(1, &[6], [9]).seeing(7..8);
            let rest = run(&mut *session, 40, &rest).expect("it computes");
            (logits, top, rest)
        });
        let [(logits, top, rest), in_rust] = answers;
        assert_eq!((&logits, &rest), (&in_rust.0, &in_rust.2), "{attention:?}");
        for row in 0..3 {
            assert_eq!(top.ids(row), in_rust.1.ids(row));
            assert_eq!(top.asked(row), in_rust.1.asked(row));
            // C's exponential is the library's, ours is within 3e-12 of it.
            let near = |one: f64, other: f64| (one - other).abs() <= 1e-11 * one.max(1.0);
            assert!(near(top.tail(row), in_rust.1.tail(row)), "{top:?}");
            assert!(near(top.entropy(row), in_rust.1.entropy(row)), "{top:?}");
        }
    }
}
