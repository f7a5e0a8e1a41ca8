//! Backends in processes of their own: the same answers, and whatever becomes of one takes nothing else with it.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use unmask_api::{
    Attention, Backend, BackendError, CancelFlag, ErrorCode, Estimate, LoadSpec, Logits, Model,
    Session, TokenId, TopRequest, TopRows,
};
use unmask_core::plugin::{
    BackendFilter, BackendSearch, BackendState, Isolation, Launcher, Registry, Running, SearchPath,
};
use unmask_tests::{
    Compiled, OwnedPass, SPEC, load_spec, plugin, run, session, spoiled, worker_launcher,
};

/// Workers of this build, which are not waited for long.
fn launcher() -> Launcher {
    Launcher {
        patience: Duration::from_millis(200),
        // Long enough for a busy machine.
        quick: Duration::from_secs(10),
        ..worker_launcher(env!("CARGO_BIN_EXE_backend_worker"))
    }
}

fn registry(plugin: &Compiled, names: &[&str]) -> Registry {
    Registry::discover(&SearchPath::new(&BackendSearch {
        plugins: vec![plugin.path.clone()],
        isolation: Isolation {
            names: names.iter().map(|&name| name.to_owned()).collect(),
            launcher: launcher(),
        },
        ..BackendSearch::default()
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
    let pass = OwnedPass::whole(&[1, 2, 3]);
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

#[cfg(unix)]
#[track_caller]
fn check_end(device: &str, words: &str) {
    let error = fifth_pass(device);
    let text = error.to_string();
    assert!(matches!(error, BackendError::Gone { .. }), "{error:?}");
    let has_last_line = text.ends_with(&format!("its last line of output: about to {device}"));
    assert!(text.contains(words) && has_last_line, "{text}");
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
    let pass = OwnedPass::whole(&[1, 2, 3]);
    for _ in 0..4 {
        run(&mut *conversation, 200, &pass).expect("four passes are fine");
    }
    let cancel = CancelFlag::new();
    let (error, waited) = thread::scope(|scope| {
        let hanging = scope.spawn(|| {
            let error = conversation.forward(&pass.pass(&cancel));
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
    assert!(waited < Duration::from_secs(60), "{waited:?}");
}

#[test]
fn a_reading_that_hangs_ends_the_process_although_no_flag_stops_it() {
    let error = fifth_pass("read-hang");
    let text = error.to_string();
    assert!(matches!(error, BackendError::Gone { .. }), "{error:?}");
    assert!(text.contains("took more than 10 s to hand over"), "{text}");
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
fn a_check_that_crashes_is_told_and_the_next_one_is_answered() {
    let (_plugin, backend) = wild();
    let expected = Estimate {
        threads: 1,
        ..Estimate::default()
    };
    for _ in 0..2 {
        assert_eq!(backend.check(&spec("well")).expect("it is told"), expected);
        let crashed = backend.check(&spec("check-segfault"));
        assert!(
            matches!(crashed, Err(BackendError::Gone { .. })),
            "{crashed:?}"
        );
    }
    backend.check(&spec("well")).expect("it is told");
    // The process that answered is the model's from now on.
    run(
        &mut *session(&*load(&*backend, "well")),
        200,
        &OwnedPass::whole(&[1]),
    )
    .expect("it computes");
}

/// Everything that a session can do, told in one text.
fn story(backend: &dyn Backend) -> String {
    let spec = LoadSpec {
        attention: Attention::Causal,
        ..load_spec("llada", 40)
    };
    let estimate = backend.check(&spec);
    let model = backend.load(&spec, &|_| ControlFlow::Continue(()));
    let model = model.expect("it loads");
    let facts = model.facts();
    let mut conversation = session(&*model);
    let both = OwnedPass::filling(1, &[3, 1, 4, 1])
        .and(0, &[5, 9, 2], [3, 4, 3])
        .kept_in([7, 9, u32::MAX])
        .seeing(7..10)
        .masked(|query, key| query != 6 || key % 2 == 1);
    let whole = run(&mut *conversation, 40, &both).expect("it computes");
    let read = |conversation: &mut dyn Session| {
        let request = TopRequest {
            rows: &[0, 2, 6],
            banned: &[TokenId(2), TokenId(4)],
            asked: &[1, 2, 3, 4, 5, 6].map(TokenId),
            divergence: true,
        };
        let mut top = TopRows::default();
        top.reset(&request, 4);
        let result = conversation.read_top(&request, top.view());
        format!("{result:?} {top:?}")
    };
    let top = [read(&mut *conversation), read(&mut *conversation)];
    conversation.copy_slot(0, 1).expect("slots are copied");
    conversation.clear_slot(0).expect("slots are cleared");
    conversation.reserve(100).expect("there is room");
    let rest = OwnedPass::default()
        .and(1, &[6], [9])
        .kept_in([99])
        .seeing(7..8);
    let rest = run(&mut *conversation, 40, &rest).expect("it computes");
    let wrong = [
        conversation.copy_slot(0, 2),
        conversation.forward(&OwnedPass::whole(&[40]).pass(&CancelFlag::new())),
        conversation.read_logits(&[0], Logits::default().view()),
    ];
    let wrong = wrong.map(|result| result.expect_err("it is refused").code());
    format!(
        "{estimate:?} {} {} {} {whole:?} {top:?} {rest:?} {wrong:?}",
        facts.vocab, facts.cell_bytes, facts.capabilities.0
    )
}

#[test]
fn a_backend_in_a_process_of_its_own_answers_as_it_does_in_this_one() {
    let registry = Registry::discover(&SearchPath::new(&BackendSearch {
        plugins: vec![plugin("example-toy")],
        isolation: Isolation {
            launcher: launcher(),
            ..Isolation::default()
        },
        ..BackendSearch::default()
    }));
    let [here, alone] = [Running::Here, Running::Alone].map(|running| {
        let backend = registry.find_running("toy", BackendFilter::Usable, running);
        story(&*backend.expect("it is usable"))
    });
    assert_eq!(here, alone);
}

#[test]
fn a_backend_that_crashes_when_it_is_asked_is_a_row_of_the_list() {
    let plugin = spoiled("crashing_probe");
    let registry = registry(&plugin, &["crashing_probe"]);
    let [row] = registry.rows() else {
        panic!("one row: {:?}", registry.rows());
    };
    assert_eq!(row.name, "crashing_probe");
    let BackendState::Broken(reason) = &row.state else {
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
                .find_running("wild", BackendFilter::Usable, running)
                .expect("it is usable");
            let notes = load(&*backend, "well").facts().notes;
            assert_eq!(
                notes
                    .iter()
                    .any(|note| note.contains("in a process of its own")),
                isolated,
                "{notes:?}"
            );
        }
    }
}

#[test]
fn what_a_worker_sends_is_tested_as_what_a_plugin_returns() {
    let plugin = spoiled("bad_numbers");
    let backend = registry(&plugin, &["bad_numbers"]).find("spoiled");
    let backend = backend.expect("it can be used");
    let model = backend.load(&load_spec("llada", 8), &|_| ControlFlow::Continue(()));
    let model = model.expect("it loads");
    let mut conversation = session(&*model);
    let nan = run(&mut *conversation, 8, &OwnedPass::whole(&[1])).expect_err("it gives NaN");
    assert!(nan.to_string().contains("NaN at row 0"), "{nan}");
    run(&mut *conversation, 8, &OwnedPass::whole(&[3])).expect("the process lives on");
}

#[test]
fn a_pass_that_a_model_cannot_compute_is_refused_as_without_isolation() {
    let (_plugin, backend) = wild();
    let model = load(&*backend, "well");
    let pass = OwnedPass::whole(&[1, 2]).masked(|_, _| true);
    let error = run(&mut *session(&*model), 200, &pass).expect_err("it has no masks");
    assert_eq!(error.code(), ErrorCode::Unsupported);
    assert!(
        error
            .to_string()
            .starts_with("wild cannot do this, which needs attention masks"),
        "{error}"
    );
}

/// What the list of backends says of a library whose worker cannot be started by `launcher`.
fn reason_without_worker(launcher: Launcher) -> String {
    let plugin = spoiled("wild");
    let registry = Registry::discover(&SearchPath::new(&BackendSearch {
        plugins: vec![plugin.path.clone()],
        isolation: Isolation {
            names: ["wild".to_owned()].into(),
            launcher,
        },
        ..BackendSearch::default()
    }));
    match &registry.rows()[0].state {
        BackendState::Broken(reason) => reason.clone(),
        other => panic!("it is broken: {other:?}"),
    }
}

#[test]
fn a_missing_program_is_an_error_with_its_reason() {
    let reason = reason_without_worker(Launcher {
        program: Some("/no/such/program".into()),
        ..Launcher::default()
    });
    assert!(
        reason.starts_with("cannot start the process of wild: "),
        "{reason}"
    );
}

#[test]
fn a_program_that_is_no_worker_is_reported_with_its_last_line() {
    let reason = reason_without_worker(Launcher {
        program: Some(std::env::current_exe().expect("tests have a file")),
        arguments: vec!["--no-such-flag".into()],
        ..Launcher::default()
    });
    assert!(
        reason.contains("before it was ready; its last line of output: "),
        "{reason}"
    );
}
