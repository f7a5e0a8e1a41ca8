//! Every panel at every size: nothing that tells rows apart may be lost, and nothing may be drawn over.

use std::sync::Arc;

use super::*;
use crate::action::AfterScan;
use crate::action::ReplayAct;
use crate::fixture::machine;
use crate::session::StorageEvent;
use crate::state::{Confirm, Overlay, Persistence, Welcome};
use unmask_core::engine::Loaded;

/// What is drawn, and on what.
type Panel = (&'static str, fn(&mut State));

fn give(state: &mut State, command: Command) {
    update(state, Action::Do(command));
}

fn later(state: &mut State, ms: u64) {
    let time = ScreenTime {
        since_start: state.now.since_start + Duration::from_millis(ms),
        ..state.now
    };
    update(state, Action::Time(time));
}

fn pick(state: &mut State, text: &str) {
    update(state, Action::Paste(text.to_owned()));
}

fn looked(state: &mut State) {
    update(state, Action::Scanned(Ok(machine().into())));
}

const PANELS: [Panel; 19] = [
    ("menu", |state| {
        give(state, Command::Menu);
        later(state, 300);
    }),
    ("help", |state| give(state, Command::Help)),
    ("palette", |state| give(state, Command::Palette)),
    ("palette filtered", |state| {
        give(state, Command::Palette);
        pick(state, "stop");
    }),
    ("themes", |state| give(state, Command::Themes)),
    ("sessions", |state| {
        state.saved.keeping = Persistence::All;
        give(state, Command::Sessions);
        let rows = super::sessions::summaries();
        update(state, Action::Kept(StorageEvent::Listed(rows)));
    }),
    ("search", |state| {
        give(state, Command::SearchPrompts);
    }),
    ("picker", |state| {
        looked(state);
        give(state, Command::Models);
        looked(state);
    }),
    ("settings", |state| give(state, Command::Settings)),
    ("settings explained", |state| {
        give(state, Command::Settings);
        give(state, Command::Explain);
    }),
    ("numbers", |state| give(state, Command::Stats)),
    ("doctor", |state| {
        state.machine.system = "linux x86_64".to_owned();
        update(state, Action::Do(Command::Look(AfterScan::Doctor)));
        looked(state);
    }),
    ("question", |state| {
        state.overlays.push(Overlay::Confirm(Confirm {
            title: "Remove this conversation?".to_owned(),
            lines: vec!["Its file goes with its traces; nothing brings them back.".to_owned()],
            yes: "remove it".to_owned(),
            letter: 'd',
            command: Command::Scan,
        }));
    }),
    ("completion", |state| pick(state, "/re")),
    ("formats", |state| give(state, Command::Formats)),
    ("toast", |state| {
        let why = "no such colour: “mauve”";
        let wrong = crate::diagnostic::Diagnostic::at("themes/own.toml", 3, why);
        state.complain("Theme own", &[wrong]);
    }),
    ("find", |state| {
        give(state, Command::Find("prime".to_owned()))
    }),
    ("text for a token", |state| {
        give(state, Command::Replay(ReplayAct::Open));
        give(state, Command::Replay(ReplayAct::Write));
    }),
    ("first run", |state| {
        *state = State::new(state.size);
        looked(state);
    }),
];

/// Every panel is seen at these sizes.
const SIZES: [(u16, u16); 4] = [(80, 24), (120, 40), (60, 20), (40, 10)];

fn drawn(panel: &Panel, size: Size) -> String {
    let mut state = main_screen(size);
    if panel.0 == "text for a token" {
        state = generating(size);
        give(&mut state, Command::Focus);
    }
    laid_out(&mut state);
    (panel.1)(&mut state);
    screen(state)
}

#[test]
fn every_panel_at_four_sizes() {
    for (columns, rows) in SIZES {
        for panel in PANELS {
            let name = format!("{} at {columns} by {rows}", panel.0);
            let drawn = drawn(&panel, size(columns, rows));
            insta::assert_snapshot!(name.replace(' ', "_"), drawn);
        }
    }
}

#[test]
fn no_row_is_longer_than_the_screen_and_frames_are_whole() {
    for (columns, rows) in SIZES.into_iter().chain([(200, 60)]) {
        for panel in PANELS {
            let drawn = drawn(&panel, size(columns, rows));
            let corners = ["╭", "╮", "╰", "╯"].map(|corner| drawn.matches(corner).count());
            assert!(
                corners.iter().all(|&count| count == corners[0]),
                "{} at {columns}x{rows}: {corners:?}\n{drawn}",
                panel.0
            );
        }
    }
}

#[test]
fn at_40_and_60_cells_the_picker_tells_precisions_apart() {
    for (columns, rows) in [(60, 20), (40, 10)] {
        let mut state = main_screen(size(columns, rows));
        looked(&mut state);
        give(&mut state, Command::Models);
        looked(&mut state);
        pick(&mut state, "llada");
        let mut drawn = screen(state.clone());
        for _ in 0..4 {
            give(&mut state, Command::Down);
            drawn += &screen(state.clone());
        }
        for precision in ["fp16", "int8", "q4_0"] {
            assert!(drawn.contains(precision), "{columns}x{rows}:\n{drawn}");
        }
    }
}

#[test]
fn the_picker_opens_on_the_loaded_row_and_arrows_choose_its_precision() {
    let mut machine = machine();
    let loaded = fixture::loaded(&cells());
    let row = |precision: &str| unmask_core::catalogue::ModelChoice {
        key: loaded.key.clone(),
        name: loaded.name.clone(),
        framework: loaded.backend.clone(),
        device: loaded.device.clone(),
        precision: precision.to_owned(),
        ..machine.choices[8].clone()
    };
    let rows = ["fp99", &loaded.facts.precision, "int1"].map(row);
    machine.choices.extend(rows);
    let machine = Arc::new(machine);
    let mut state = main_screen(size(80, 24));
    state.model = Some(loaded);
    update(&mut state, Action::Scanned(Ok(Arc::clone(&machine))));
    give(&mut state, Command::Models);
    update(&mut state, Action::Scanned(Ok(machine)));
    let precision = |state: &State| {
        let chosen = crate::models::chosen(state).expect("a row is chosen");
        chosen.precision.clone()
    };
    let loaded = state
        .model
        .as_ref()
        .expect("it answers")
        .facts
        .precision
        .clone();
    assert_eq!(precision(&state), loaded);
    give(&mut state, Command::More);
    assert_eq!(precision(&state), "int1");
    give(&mut state, Command::More);
    assert_eq!(precision(&state), "int1", "it stops at the end");
    give(&mut state, Command::Less);
    give(&mut state, Command::Less);
    assert_eq!(precision(&state), "fp99");
}

#[test]
fn a_toast_leaves_the_chosen_row_of_a_list_in_sight() {
    for (columns, rows) in [(80, 24), (60, 20), (120, 40)] {
        let mut state = main_screen(size(columns, rows));
        looked(&mut state);
        give(&mut state, Command::Models);
        looked(&mut state);
        for _ in 0..8 {
            state.toast = Some(crate::state::Toast {
                title: "huge cannot be loaded yet".to_owned(),
                lines: vec!["It needs 120 GB, and 102 GB would be free.".to_owned()],
            });
            let drawn = screen(state.clone());
            assert!(drawn.contains("cannot be loaded yet"), "{drawn}");
            assert!(drawn.contains('▸'), "{columns}x{rows}:\n{drawn}");
            give(&mut state, Command::Down);
        }
    }
}

fn welcome(size: Size, seconds: u64) -> State {
    let cells = cells();
    let mut turn = fixture::turn_of(&cells[..12]);
    for step in 2..6 {
        turn.apply(&fixture::step(step, 8, Vec::new()));
    }
    let mut state = State::new(size);
    state.welcome = Some(Welcome {
        turn: Arc::new(turn),
        began: None,
    });
    let loaded = EngineEvent::Loaded(fixture::loaded(&cells));
    update(&mut state, Action::Engine(loaded));
    later(&mut state, seconds * 1000);
    state
}

#[test]
fn welcome_at_80_by_24() {
    insta::assert_snapshot!(screen(welcome(size(80, 24), 0)));
}

#[test]
fn welcome_at_120_by_40() {
    insta::assert_snapshot!(screen(welcome(size(120, 40), 60)));
}

#[test]
fn welcome_at_60_by_20() {
    insta::assert_snapshot!(screen(welcome(size(60, 20), 60)));
}

#[test]
fn the_welcome_of_the_carried_model_says_how_to_get_another() {
    let mut state = welcome(size(80, 24), 0);
    assert!(screen(state.clone()).contains("all models  ^X m"));
    let mut loaded = Loaded::clone(state.model.as_ref().expect("it is loaded"));
    loaded.provenance.is_carried = true;
    state.model = Some(Arc::new(loaded));
    assert!(screen(state).contains("get a real one  ^X m"));
}

#[test]
fn welcome_at_40_by_10() {
    insta::assert_snapshot!(screen(welcome(size(40, 10), 60)));
}

#[test]
fn what_lies_behind_a_panel_is_fainter_and_the_themes_leave_it() {
    let ground = Theme::new(Ground::Dark, Depth::True);
    let colour = |command| {
        let mut state = main_screen(size(80, 24));
        state.look.theme = ground;
        give(&mut state, command);
        let terminal = terminal(&mut state);
        terminal.backend().buffer().content[1].fg
    };
    let whole = colour(Command::Focus);
    assert_ne!(colour(Command::Palette), whole);
    assert_eq!(colour(Command::Themes), whole);
}

#[test]
fn at_200_cells_text_and_figures_end_at_one_column() {
    let mut state = generating(size(200, 60));
    answer(&mut state, FIRST, 61, 22, 8_960);
    let end = 2 + usize::from(crate::geometry::text_width(state.size));
    let drawn = screen(state);
    let figures = drawn.lines().filter(|line| line.contains("least sure: "));
    let ends: Vec<usize> = figures.map(|line| line.chars().count()).collect();
    assert_eq!(ends, [end], "{drawn}");
}
