//! The picker, the first screen, and what may come of a load.

use unmask_core::checkpoint::{ActiveExperts, ModelKind, ModelLocation, Surveyed};
use unmask_core::engine::LoadRequest;
use unmask_core::model_id::ModelId;

use super::*;
use crate::action::{AfterScan, Command};
use crate::fixture::machine;
use crate::state::Overlay;

fn looked(mut state: State) -> State {
    update(&mut state, Action::Scanned(Ok(machine().into())));
    state
}

/// The state of the mock-up `picker`.
fn picker(size: Size) -> State {
    let mut state = looked(main_screen(size));
    update(&mut state, Action::Do(Command::Models));
    update(&mut state, Action::Scanned(Ok(machine().into())));
    if let Some(pick) = state.overlays.last_mut().and_then(Overlay::pick_mut) {
        pick.write("llada");
    }
    state
}

/// The state of the mock-up `toast`.
fn toast(size: Size) -> State {
    let mut state = looked(main_screen(size));
    state.machine.log = Some("~/.local/state/unmask/unmask.log".to_owned());
    let request = LoadRequest {
        key: "base".to_owned(),
        ..LoadRequest::default()
    };
    update(&mut state, Action::Do(Command::Load(request)));
    let failed = EngineEvent::LoadFailed {
        key: "base".to_owned(),
        failure: Failure {
            kind: FailureKind::Memory,
            text: "ort-cuda: out of memory (needs 17.0 GB, free 9.2 GB)".to_owned(),
            hint: "try a smaller precision".to_owned(),
        },
    };
    update(&mut state, Action::Engine(failed));
    state
}

#[test]
fn picker_at_80_by_24() {
    insta::assert_snapshot!(screen(picker(size(80, 24))));
}

#[test]
fn picker_at_120_by_40() {
    insta::assert_snapshot!(screen(picker(size(120, 40))));
}

#[test]
fn picker_at_60_by_15() {
    insta::assert_snapshot!(screen(picker(size(60, 15))));
}

#[test]
fn picker_at_the_smallest_size() {
    insta::assert_snapshot!(screen(picker(size(40, 10))));
}

#[test]
fn the_picker_says_which_share_of_a_mixture_of_experts_computes() {
    let mut machine = machine();
    let experts = ActiveExperts {
        active: 8,
        all: 256,
    };
    let mixture = Surveyed {
        key: machine.choices[0].key.clone(),
        id: ModelId::Builtin("demo".to_owned()),
        location: ModelLocation::Elsewhere,
        advice: String::new(),
        kind: ModelKind {
            experts: Some(experts),
            ..ModelKind::default()
        },
    };
    machine.surveyed = vec![mixture];
    for (columns, rows) in [(120, 40), (80, 24)] {
        let mut state = picker(size(columns, rows));
        update(&mut state, Action::Scanned(Ok(machine.clone().into())));
        let shown = screen(state);
        let words = ["8 of 256 experts compute", "for a token."];
        assert!(words.iter().all(|it| shown.contains(it)), "{shown}");
    }
}

#[test]
fn a_picker_before_anybody_has_looked_says_so() {
    let mut state = main_screen(size(80, 24));
    update(&mut state, Action::Do(Command::Models));
    assert!(screen(state).contains("looking at this machine…"));
}

#[test]
fn a_configuration_that_has_become_bad_is_told_below_the_list() {
    let mut state = picker(size(80, 24));
    let why = "model_config.toml:7: unknown key `framwork`; did you mean `framework`?";
    update(&mut state, Action::Scanned(Err(why.to_owned())));
    let screen = screen(state);
    assert!(screen.contains("4 of 9 shown") && screen.contains("unknown key `framwork`"));
}

#[test]
fn the_options_of_the_first_screen_are_where_clicks_look_for_them() {
    for (columns, rows) in [(80, 24), (120, 40), (60, 15), (40, 10)] {
        let state = looked(State::new(size(columns, rows)));
        let options = crate::geometry::first_run(&state).options;
        let shown = screen(state);
        let row = shown
            .lines()
            .nth(usize::from(options.y))
            .unwrap_or_default();
        assert!(
            row.contains("1  Choose a folder"),
            "{columns}x{rows}:\n{shown}"
        );
    }
}

#[test]
fn first_run_with_little_room_says_what_to_do() {
    insta::assert_snapshot!(screen(looked(State::new(size(60, 10)))));
}

#[test]
fn toast_at_80_by_24() {
    insta::assert_snapshot!(screen(toast(size(80, 24))));
}

#[test]
fn toast_at_120_by_40() {
    insta::assert_snapshot!(screen(toast(size(120, 40))));
}

#[test]
fn a_model_without_room_is_asked_about() {
    let mut state = picker(size(80, 24));
    if let Some(pick) = state.overlays.last_mut().and_then(Overlay::pick_mut) {
        pick.query = "huge".to_owned();
    }
    update(&mut state, Action::Do(Command::Choose));
    insta::assert_snapshot!(screen(state));
}

#[test]
fn the_doctor_tells_what_there_is_and_is_scrolled_when_it_is_long() {
    let mut state = main_screen(size(80, 20));
    state.machine.log = Some("~/.local/state/unmask/unmask.log".to_owned());
    update(&mut state, Action::Do(Command::Look(AfterScan::Doctor)));
    let mut state = looked(state);
    let version = env!("CARGO_PKG_VERSION");
    let first = screen(state.clone());
    assert!(first.contains(&format!("unmask {version} on ")), "{first}");
    assert!(first.contains("log: ~/.local/state/unmask/unmask.log"));
    assert!(first.contains("↓ more"), "{first}");
    update(
        &mut state,
        Action::Do(Command::Scroll(crate::action::Scroll::Follow)),
    );
    let last = screen(state);
    assert!(last.contains("○ myplugin 0.1.0 · ABI 3"), "{last}");
    assert!(!last.contains("↓ more"), "{last}");
}

#[test]
fn what_the_model_no_longer_sees_is_dimmed_above_a_line_that_says_so() {
    let mut state = main_screen(size(80, 24));
    ask(&mut state, 6, "And the next one?");
    let canvas = Canvas::new(&[], 4, MASK);
    let params = state.settings.params.clone();
    apply_turn_event(
        &mut state,
        TurnEvent::Started {
            canvas,
            params: Box::new(params),
            left_out: 2,
        },
    );
    insta::assert_snapshot!(screen(state));
}

#[test]
fn an_offer_for_what_is_too_long_names_the_numbers() {
    let mut state = main_screen(size(80, 24));
    ask(&mut state, 6, "And the next one?");
    let kind = FailureKind::Context {
        tokens: 5210,
        limit: 4096,
        room: 86,
    };
    apply_turn_event(
        &mut state,
        TurnEvent::Failed(Failure {
            kind,
            text: String::new(),
            hint: String::new(),
        }),
    );
    insta::assert_snapshot!(screen(state));
}
