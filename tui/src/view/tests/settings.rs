//! The settings panel, and what settings show elsewhere.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};
use unmask_core::Position;
use unmask_core::api::Capabilities;
use unmask_core::settings::Setting;

use super::*;
use crate::state::{Field, Overlay};

/// The state of the mock-up `settings`.
fn settings(size: Size) -> State {
    let mut state = main_screen(size);
    order(&mut state, "/pin 0:Once");
    state.notice = None;
    update(&mut state, Action::Do(Command::Settings));
    state
}

fn order(state: &mut State, text: &str) {
    ask(state, 6, text);
}

fn press(state: &mut State, code: KeyCode) {
    update(state, Action::Key(KeyEvent::from(code)));
}

fn go(state: &mut State, field: impl Into<Field>) {
    let field = field.into();
    press(state, KeyCode::Home);
    let at = Field::ALL.iter().position(|&it| it == field);
    for _ in 0..at.expect("every field is listed") {
        press(state, KeyCode::Down);
    }
}

fn enter(state: &mut State, text: &str) {
    press(state, KeyCode::Enter);
    update(state, Action::Paste(text.to_owned()));
    press(state, KeyCode::Enter);
}

#[test]
fn settings_at_80_by_24() {
    insta::assert_snapshot!(screen(settings(size(80, 24))));
}

#[test]
fn settings_at_120_by_40() {
    insta::assert_snapshot!(screen(settings(size(120, 40))));
}

#[test]
fn a_question_over_the_settings_does_not_change_their_keys() {
    let keys = |state: &State| {
        let panel = match state
            .overlays
            .iter()
            .find(|it| matches!(it, Overlay::Settings(_)))
        {
            Some(Overlay::Settings(panel)) => panel,
            _ => panic!("the settings are open"),
        };
        let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
        super::super::settings::draw(state, panel, &mut buffer);
        buffer
    };
    let mut state = settings(size(80, 24));
    let alone = keys(&state);
    state.overlays.push(super::remapped::confirm());
    assert_eq!(keys(&state), alone);
}

#[test]
fn settings_at_60_by_15() {
    insta::assert_snapshot!(screen(settings(size(60, 15))));
}

#[test]
fn the_last_settings_are_scrolled_to() {
    let mut state = settings(size(80, 24));
    press(&mut state, KeyCode::End);
    press(&mut state, KeyCode::Char('?'));
    insta::assert_snapshot!(screen(state));
}

/// As a model whose attention is by blocks.
fn keep_final_blocks(state: &mut State) {
    let loaded = Arc::make_mut(state.model.as_mut().expect("there is a model"));
    loaded.rules.attention_block = 32.try_into().ok();
    loaded.facts.capabilities = Capabilities::KV_CACHE;
}

#[test]
fn the_numbers_of_an_answer_say_that_finished_blocks_are_kept() {
    for is_kept in [true, false] {
        let mut state = ready(size(80, 24));
        if is_kept {
            keep_final_blocks(&mut state);
        }
        ask(&mut state, 4, QUESTION);
        answer(&mut state, FIRST, 61, 64, 8_960);
        update(&mut state, Action::Do(Command::Stats));
        let screen = screen(state);
        let line = "K/V                   exact: finished blocks are computed once";
        assert_eq!(screen.contains(line), is_kept, "{screen}");
    }
}

#[test]
fn what_keeps_finished_blocks_says_that_its_cache_is_exact() {
    let row = |state: &mut State| {
        go(state, Setting::Cache);
        let terminal = terminal(state);
        let screen = terminal.backend().to_string();
        let row = screen.lines().find(|line| line.contains("▸ cache"));
        row.expect("the field is seen").to_owned()
    };
    let mut state = settings(size(120, 40));
    let off = row(&mut state);
    assert!(off.contains("off") && !off.contains("exact"), "{off}");
    keep_final_blocks(&mut state);
    let exact = row(&mut state);
    let words = ["exact", "finished blocks are computed once"];
    assert!(words.iter().all(|word| exact.contains(word)), "{exact}");
    press(&mut state, KeyCode::Right);
    let prefix = row(&mut state);
    assert!(
        prefix.contains("prefix") && prefix.contains('≈'),
        "{prefix}"
    );
}

#[test]
fn pins_are_shown_as_their_tokens_once_those_are_known() {
    let mut state = settings(size(80, 24));
    let asked = state.pins.asked.clone().expect("the tokenizer was asked");
    let tokens = vec![vec![fixture::token(&cells(), 1)]];
    update(&mut state, Action::Placed(asked, Ok(tokens)));
    go(&mut state, Field::Pins);
    insta::assert_snapshot!(screen(state));
}

#[test]
fn a_bad_value_is_shown_with_its_range() {
    let mut state = settings(size(80, 24));
    go(&mut state, Setting::Steps);
    enter(&mut state, "500");
    insta::assert_snapshot!(screen(state));
}

#[test]
fn bad_pins_are_shown_with_a_caret() {
    let mut state = settings(size(80, 24));
    go(&mut state, Field::Pins);
    enter(&mut state, ", x:up");
    insta::assert_snapshot!(screen(state));
}

#[test]
fn bad_pins_of_a_command_are_shown_in_the_corner() {
    let mut state = main_screen(size(80, 24));
    order(&mut state, "/pin 0:Once, 3:upon, 200:time");
    insta::assert_snapshot!(screen(state));
}

#[test]
fn what_is_rounded_and_what_is_not_measured_is_said() {
    let mut state = ready(size(80, 24));
    order(&mut state, "/set steps=50");
    order(&mut state, "/set block_length=30");
    update(&mut state, Action::Do(Command::Settings));
    insta::assert_snapshot!(screen(state));
}

#[test]
fn the_caret_stands_in_the_value_that_is_typed() {
    let mut state = settings(size(80, 24));
    press(&mut state, KeyCode::Enter);
    update(&mut state, Action::Paste("64".to_owned()));
    let mut terminal = terminal(&mut state);
    terminal.backend_mut().assert_cursor_position((22, 5));
}

/// A turn with a threshold: it has made three steps and saved as many forwards.
fn approximate(size: Size) -> State {
    let mut state = ready(size);
    order(&mut state, "/speed fast");
    order(&mut state, "/set cfg_scale=1");
    order(&mut state, "/pin 32:The");
    ask(&mut state, 4, QUESTION);
    let cells = cells();
    let mut canvas = Canvas::new(&[], 128, MASK);
    canvas.pin(Position(32), fixture::token(&cells, 32));
    let params = state.settings.fit().params;
    apply_turn_event(
        &mut state,
        TurnEvent::Started {
            canvas,
            params: Box::new(params),
            left_out: 0,
        },
    );
    for step in 1..=3_usize {
        let commits = (0..10)
            .map(|i| step * 10 - 10 + i)
            .map(|at| fixture::new(at, fixture::token(&cells, at), 0.95))
            .collect();
        let event = StepEvent {
            guesses: Vec::new(),
            blocks: 4,
            nfe_saved: 6.0,
            ..fixture::step(step, 64, commits)
        };
        apply_turn_event(&mut state, TurnEvent::Step(event));
    }
    state
}

#[test]
fn a_turn_with_a_threshold_at_80_by_24() {
    insta::assert_snapshot!(screen(approximate(size(80, 24))));
}

#[test]
fn a_turn_with_a_threshold_at_120_by_40() {
    insta::assert_snapshot!(screen(approximate(size(120, 40))));
}

#[test]
fn an_answer_with_a_threshold_is_marked_and_so_is_the_next() {
    let mut state = approximate(size(120, 24));
    answer(&mut state, FIRST, 61, 12, 1_680);
    insta::assert_snapshot!(screen(state));
}

#[test]
fn earlier_and_undone_answers_are_named() {
    let mut state = main_screen(size(80, 24));
    order(&mut state, "/retry seed=7");
    answer(&mut state, "Another one.", 3, 32, 4_480);
    order(&mut state, "/undo");
    insta::assert_snapshot!(screen(state));
}

#[test]
fn the_timeline_can_show_time() {
    let mut state = generating(size(80, 24));
    update(&mut state, Action::Do(Command::Measure));
    update(&mut state, Action::Do(Command::Measure));
    let screen = screen(state);
    let row = screen.lines().nth(20).unwrap_or_default();
    assert!(row.starts_with("  ms/step █████"), "{row}");
}

#[test]
fn settings_are_drawn_in_any_size() {
    for (columns, rows) in [(40, 10), (41, 11), (60, 60), (200, 12)] {
        screen(settings(size(columns, rows)));
    }
}

#[test]
fn what_does_not_fit_is_left_out_whole() {
    let mut state = settings(size(60, 20));
    let shown = screen(state.clone());
    assert!(shown.contains("? explain "), "{shown}");
    assert!(!shown.contains("  cha"), "{shown}");
    go(&mut state, Setting::Seed);
    update(&mut state, Action::Do(Command::Explain));
    update(&mut state, Action::Resize(size(40, 10)));
    let shown = screen(state);
    assert!(shown.contains("│ Where noise"), "{shown}");
    assert!(shown.contains(" …"), "{shown}");
    assert!(shown.contains("─ d reset field · Esc close ─╯"), "{shown}");
}
