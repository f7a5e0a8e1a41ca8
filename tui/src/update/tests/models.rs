//! Models and backends: the picker, loads, what fails, and what does not fit.

use unmask_core::engine::{LoadRequest, Loaded, OldModel};
use unmask_core::precision::PrecisionReason;

use super::*;
use crate::fixture::machine;
use crate::models::chosen;
use crate::state::Activity;

/// With a look at the machine of the mock-up, on which the running model is the first row.
fn looked() -> Driver {
    let mut driver = Driver::ready();
    driver.act(Action::Scanned(Ok(machine().into())));
    driver
}

/// With the picker open.
fn picking() -> Driver {
    let mut driver = looked();
    driver.ctrl('x');
    assert_eq!(driver.key(KeyCode::Char('m')), [Effect::Scan]);
    driver
}

fn row(driver: &Driver) -> String {
    let choice = chosen(&driver.state);
    choice.map_or_else(String::new, |it| {
        format!("{} {} {}", it.key, it.framework, it.precision)
    })
}

fn title(driver: &Driver) -> &str {
    let toast = driver.state.toast.as_ref();
    toast.map_or("", |toast| &toast.title)
}

fn confirm(driver: &Driver) -> &str {
    match driver.state.overlays.last() {
        Some(Overlay::Confirm(confirm)) => &confirm.title,
        _ => "",
    }
}

pub(super) fn load_of(effects: &[Effect]) -> &LoadRequest {
    match effects {
        [Effect::Load(request)] => request,
        other => panic!("nothing is loaded: {other:?}"),
    }
}

fn failed(driver: &mut Driver, kind: FailureKind) {
    let failure = Failure {
        kind,
        text: "ort-cuda: out of memory (needs 17.0 GB, free 9.2 GB)".to_owned(),
        hint: "try another".to_owned(),
    };
    driver.receive(EngineEvent::LoadFailed {
        key: "base".to_owned(),
        failure,
    });
}

#[test]
fn the_machine_is_looked_at_once_at_a_time_and_what_was_seen_stays() {
    let mut driver = picking();
    assert_eq!(row(&driver), "llada ort-cuda fp16");
    assert_eq!(driver.ctrl('r'), [], "somebody looks already");
    driver.act(Action::Scanned(Err("m.toml:3: unknown key".to_owned())));
    assert_eq!(row(&driver), "llada ort-cuda fp16");
    assert_eq!(driver.ctrl('r'), [Effect::Scan]);
}

#[test]
fn typing_filters_and_tab_goes_to_the_next_backend_of_the_model() {
    let mut driver = picking();
    driver.key(KeyCode::Tab);
    assert_eq!(row(&driver), "llada ort-cpu int8");
    driver.key(KeyCode::Tab);
    assert_eq!(row(&driver), "llada candle q4_0");
    driver.key(KeyCode::Tab);
    assert_eq!(row(&driver), "llada ort-cuda fp16");
    driver.write("candle");
    assert_eq!(row(&driver), "llada candle q4_0");
    driver.key(KeyCode::Tab);
    assert_eq!(row(&driver), "llada candle q4_0", "no other is shown");
}

#[test]
fn the_chosen_row_stays_chosen_when_the_machine_is_looked_at_again() {
    let mut driver = picking();
    driver.key(KeyCode::Down);
    let mut catalogue = machine();
    let first = catalogue.choices.remove(0);
    catalogue.choices.push(first);
    driver.act(Action::Scanned(Ok(catalogue.into())));
    assert_eq!(row(&driver), "llada ort-cpu int8");
}

#[test]
fn a_model_that_fits_beside_the_running_one_is_loaded_at_once() {
    let mut driver = picking();
    driver.key(KeyCode::Down);
    let effects = driver.key(KeyCode::Enter);
    let request = load_of(&effects);
    assert_eq!(
        (
            request.key.as_str(),
            request.framework.as_deref(),
            request.old
        ),
        ("llada", Some("ort-cpu"), OldModel::KeptBeside)
    );
    assert!(driver.state.overlays.is_empty());
    assert!(matches!(driver.state.activity, Activity::Loading(_)));
}

#[test]
fn a_model_without_room_beside_the_running_one_asks_first() {
    for (answer, loads) in [
        (KeyCode::Enter, 1),
        (KeyCode::Char('y'), 1),
        (KeyCode::Char('n'), 0),
    ] {
        let mut driver = picking();
        driver.write("huge");
        assert_eq!(driver.key(KeyCode::Enter), []);
        assert_eq!(confirm(&driver), "Load huge?");
        let effects = driver.key(answer);
        assert_eq!(effects.len(), loads);
        if loads > 0 {
            assert_eq!(load_of(&effects).old, OldModel::UnloadedFirst);
        } else {
            assert_eq!(
                row(&driver),
                "huge candle q4_0",
                "the picker is there again"
            );
        }
    }
}

#[test]
fn esc_on_the_question_loads_nothing() {
    let mut driver = picking();
    driver.write("huge");
    driver.key(KeyCode::Enter);
    assert_eq!(driver.key(KeyCode::Esc), []);
    assert_eq!(row(&driver), "huge candle q4_0");
}

#[test]
fn a_model_that_is_not_on_disk_says_how_to_get_it_and_the_picker_stays() {
    let mut driver = picking();
    driver.write("base");
    assert_eq!(driver.key(KeyCode::Enter), []);
    assert_eq!(title(&driver), "LLaDA-8B-Base cannot be loaded yet");
    driver.key(KeyCode::Esc);
    assert_eq!(title(&driver), "");
    assert_eq!(row(&driver), "base ort-cuda fp16");
}

#[test]
fn nothing_is_loaded_while_an_answer_is_written_or_a_model_loaded() {
    let mut driver = Driver::denoising();
    driver.act(Action::Scanned(Ok(machine().into())));
    driver.act(Action::Do(Command::Models));
    driver.key(KeyCode::Down);
    assert_eq!(driver.key(KeyCode::Enter), []);
    assert_eq!(driver.notice(), "An answer is being written: stop it first");
    let mut driver = looked();
    let request = LoadRequest {
        key: "base".to_owned(),
        ..LoadRequest::default()
    };
    driver.act(Action::Do(Command::Load(request.clone())));
    assert_eq!(driver.act(Action::Do(Command::Load(request))), []);
    assert_eq!(
        driver.notice(),
        "LLaDA-8B-Base is being loaded: stop that first"
    );
}

#[test]
fn a_load_that_fails_is_told_in_the_corner_with_what_is_kept_and_a_smaller_one() {
    let mut driver = looked();
    driver.state.machine.log = Some("~/unmask.log".to_owned());
    failed(&mut driver, FailureKind::Memory);
    assert_eq!(title(&driver), "Could not load LLaDA-8B-Base");
    let lines = driver.state.toast.clone().map(|toast| toast.lines);
    let lines = lines.unwrap_or_default();
    assert_eq!(
        lines,
        [
            "ort-cuda: out of memory (needs 17.0 GB, free 9.2 GB).",
            "Kept LLaDA-8B-Instruct. Try another.",
            "Details: /doctor · log: ~/unmask.log",
        ]
    );
    assert!(driver.entries().is_empty());
    driver.key(KeyCode::Esc);
    assert_eq!(title(&driver), "");
}

#[test]
fn a_model_that_made_room_is_named_while_it_comes_back() {
    let mut driver = looked();
    let running = driver.state.model.clone().expect("it is loaded");
    driver.receive(EngineEvent::Unloaded(running.clone()));
    assert!(driver.state.model.is_none());
    failed(&mut driver, FailureKind::Model);
    let toast = driver.state.toast.clone().expect("it is told");
    assert!(toast.lines[1].starts_with("Loading LLaDA-8B-Instruct again."));
    driver.receive(EngineEvent::Loaded(running));
    assert!(driver.state.model.is_some() && driver.state.machine.away.is_none());
}

#[test]
fn a_model_whose_process_has_ended_is_offered_again() {
    let mut driver = looked();
    let loaded = driver.state.model.clone().expect("it is loaded");
    let again = LoadRequest {
        key: loaded.key.clone(),
        ..LoadRequest::default()
    };
    driver.receive(EngineEvent::Lost {
        loaded,
        failure: failure(),
        again: again.clone(),
    });
    assert_eq!(driver.entries(), [&Entry::Failure(failure())]);
    assert!(driver.state.model.is_none());
    assert_eq!(confirm(&driver), "Load LLaDA-8B-Instruct again?");
    let Some(Overlay::Confirm(offer)) = driver.state.overlays.last() else {
        panic!("it is offered");
    };
    // There is no answer that could.
    assert!(!offer.lines.iter().any(|line| line.contains("/continue")));
    let effects = driver.key(KeyCode::Enter);
    assert_eq!(load_of(&effects), &again);
}

#[test]
fn a_process_that_ends_in_slow_motion_is_offered_behind_what_its_turn_told() {
    let mut driver = Driver::denoising();
    driver.state.settings.delay = Duration::from_secs(1);
    let loaded = driver.state.model.clone().expect("it is loaded");
    for step in [2, 3] {
        driver.receive_turn(TurnEvent::Step(fixture::step(step, 4, Vec::new())));
    }
    driver.receive_turn(TurnEvent::Failed(failure()));
    assert!(driver.state.running().is_some(), "its end waits");
    driver.receive(EngineEvent::Lost {
        loaded,
        failure: failure(),
        again: LoadRequest::default(),
    });
    assert!(driver.state.running().is_none());
    let told = |it: &&Entry| matches!(it, Entry::Failure(_));
    assert_eq!(driver.entries().into_iter().filter(told).count(), 1);
    assert_eq!(confirm(&driver), "Load LLaDA-8B-Instruct again?");
}

#[test]
fn who_is_typing_when_a_process_ends_keeps_the_keys() {
    let mut driver = looked();
    let loaded = driver.state.model.clone().expect("it is loaded");
    driver.write("ye");
    driver.receive(EngineEvent::Lost {
        loaded,
        failure: failure(),
        again: LoadRequest::default(),
    });
    driver.write("s");
    assert_eq!(driver.draft(), "yes");
    let toast = driver.state.toast.as_ref().expect("it is told");
    assert!(toast.lines[0].contains("^X m"), "{toast:?}");
}

#[test]
fn a_load_that_tells_the_same_again_counts_as_silent() {
    let mut driver = looked();
    let receive = |driver: &mut Driver, done| {
        driver.wait(20_000);
        driver.receive(EngineEvent::Loading {
            key: "huge".to_owned(),
            stage: "reading".to_owned(),
            done,
            total: 9,
        });
        match &driver.state.activity {
            Activity::Loading(load) => load.progress_at,
            other => panic!("nothing is loaded: {other:?}"),
        }
    };
    let first = receive(&mut driver, 1);
    assert_eq!(receive(&mut driver, 1), first);
    assert!(receive(&mut driver, 2) > first);
}

#[test]
fn a_model_and_a_backend_can_be_named() {
    let mut driver = looked();
    assert_eq!(driver.say("/backend candle"), [Effect::Scan]);
    let effects = driver.act(Action::Scanned(Ok(machine().into())));
    assert_eq!(load_of(&effects).framework.as_deref(), Some("candle"));
    for (draft, expected) in [
        ("/backend mlx", "mlx: needs Apple silicon"),
        (
            "/backend nope",
            "No backend nope for LLaDA-8B-Instruct; there are ort-cuda, ort-cpu, candle",
        ),
        ("/models nope", "No model is called nope"),
    ] {
        let mut driver = looked();
        driver.say(draft);
        let effects = driver.act(Action::Scanned(Ok(machine().into())));
        assert!(effects.iter().all(|it| *it == Effect::Scan), "{effects:?}");
        assert_eq!(driver.notice(), expected);
    }
    let mut driver = looked();
    driver.say("/models HUGE");
    driver.act(Action::Scanned(Ok(machine().into())));
    assert_eq!(confirm(&driver), "Load huge?");
    let mut driver = looked();
    driver.say("/models ./here");
    let effects = driver.act(Action::Scanned(Ok(machine().into())));
    assert_eq!(load_of(&effects).key, "./here");
}

#[test]
fn a_look_that_fails_is_told_and_what_waited_for_it_is_not_done() {
    let mut driver = looked();
    driver.say("/models huge");
    assert_eq!(driver.act(Action::Scanned(Err("m.toml:3".to_owned()))), []);
    assert_eq!(title(&driver), "Could not look at this machine");
}

#[test]
fn a_model_is_added_and_shown_in_the_picker() {
    let mut driver = looked();
    let effects = driver.say("/models add ~/my models/base");
    assert_eq!(effects, [Effect::AddModel("~/my models/base".to_owned())]);
    let added = unmask_core::add_model::Added {
        key: "base".to_owned(),
        file: "/m.toml".into(),
    };
    assert_eq!(driver.act(Action::Added(Ok(added))), [Effect::Scan]);
    driver.act(Action::Scanned(Ok(machine().into())));
    assert_eq!(driver.notice(), "Added base to /m.toml");
    assert_eq!(row(&driver), "base ort-cuda fp16");
    driver.act(Action::Added(Err("read-only".to_owned())));
    assert_eq!(title(&driver), "Could not add a model");
}

#[test]
fn a_precision_that_was_chosen_is_told_with_the_reason_and_a_named_one_is_not() {
    let told = |reason| {
        let mut driver = Driver::bare();
        let mut loaded = Loaded::clone(&fixture::loaded(CELLS));
        loaded.precision_reason = reason;
        driver.receive(EngineEvent::Loaded(loaded.into()));
        driver.notice().to_owned()
    };
    let free_bytes = 12_300_000_000;
    assert_eq!(
        told(PrecisionReason::Fits { free_bytes }),
        "Precision: fp16 (fits 12.3 GB free)"
    );
    assert_eq!(
        told(PrecisionReason::Smallest { free_bytes }),
        "Precision: fp16 (needs the least, for 12.3 GB free)"
    );
    assert_eq!(told(PrecisionReason::Named), "");
    assert_eq!(told(PrecisionReason::Small), "");
}
