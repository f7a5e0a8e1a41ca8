//! Menu, help, palette, completion: what is drawn over the chat from the table of keys.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::*;

fn press(state: &mut State, code: KeyCode, modifiers: KeyModifiers) {
    update(state, Action::Key(KeyEvent::new(code, modifiers)));
}

fn key(state: &mut State, code: KeyCode) {
    press(state, code, KeyModifiers::NONE);
}

fn write(state: &mut State, text: &str) {
    for character in text.chars() {
        key(state, KeyCode::Char(character));
    }
}

fn wait(state: &mut State, ms: u64) {
    let time = ScreenTime {
        since_start: state.now.since_start + Duration::from_millis(ms),
        ..state.now
    };
    update(state, Action::Time(time));
}

fn with(size: Size, command: Command) -> State {
    let mut state = main_screen(size);
    update(&mut state, Action::Do(command));
    wait(&mut state, 300);
    state
}

#[test]
fn the_menu_is_drawn_for_those_who_hesitate() {
    let mut state = main_screen(size(80, 24));
    update(&mut state, Action::Do(Command::Menu));
    wait(&mut state, 299);
    assert!(!screen(state.clone()).contains("press a letter"));
    wait(&mut state, 1);
    assert!(screen(state).contains("press a letter"));
}

#[test]
fn help_for_the_canvas_begins_with_the_canvas() {
    let mut state = main_screen(size(80, 24));
    update(&mut state, Action::Do(Command::Focus));
    update(&mut state, Action::Do(Command::Help));
    insta::assert_snapshot!(screen(state));
}

#[test]
fn help_at_the_smallest_size_is_scrolled_to_its_end() {
    let mut state = with(size(40, 10), Command::Help);
    key(&mut state, KeyCode::End);
    insta::assert_snapshot!(screen(state));
}

#[test]
fn help_is_filtered_by_typing_after_a_slash() {
    let mut state = with(size(80, 24), Command::Help);
    write(&mut state, "/line");
    insta::assert_snapshot!(screen(state));
}

#[test]
fn palette_at_120_by_40_is_filtered() {
    let mut state = with(size(120, 40), Command::Palette);
    write(&mut state, "mou");
    insta::assert_snapshot!(screen(state));
}

#[test]
fn a_slash_lists_the_commands_that_fit() {
    let mut state = main_screen(size(80, 24));
    write(&mut state, "/re");
    key(&mut state, KeyCode::Down);
    insta::assert_snapshot!(screen(state));
}

#[test]
fn a_remapped_key_shows_in_hints_help_menu_and_palette() {
    let mut state = main_screen(size(120, 40));
    let rebinding = crate::keymap::Rebinding {
        context: crate::keymap::Context::Anywhere,
        command: Command::Menu,
        chords: vec![crate::keymap::Chord::parse("ctrl+t").expect("a key")],
    };
    state.keymap.rebind(&[rebinding]).expect("^T is free");
    let shown = |state: &State, command: Command| {
        let mut state = state.clone();
        update(&mut state, Action::Do(command));
        wait(&mut state, 300);
        screen(state)
    };
    assert!(screen(state.clone()).contains("^T menu"));
    assert!(shown(&state, Command::Help).contains("^T then"));
    assert!(shown(&state, Command::Menu).contains("─ ^T ─"));
    assert!(shown(&state, Command::Palette).contains("^T m"));
}

#[test]
fn too_narrow_for_hints_the_menu_is_still_named() {
    let screen = screen(main_screen(size(48, 20)));
    let last = screen.lines().last().unwrap_or_default();
    assert!(last.starts_with("  ^X menu"), "{last}");
    let first = screen.lines().next().unwrap_or_default();
    assert!(
        first.contains("Prime numbers") && first.ends_with("● ready"),
        "{first}"
    );
}

#[test]
fn what_is_wrong_with_the_configuration_is_shown_in_the_corner() {
    let mut state = main_screen(size(80, 24));
    let text = "[ui]\nthme = \"dark\"\nmotion = \"slow\"\n[keys.anywhere]\nrepaint = \"ctrl+x\"\n";
    let (_, diagnostics) = crate::preferences::Preferences::parse("config.toml", text);
    state.complain("Not all of the configuration can be used", &diagnostics);
    insta::assert_snapshot!(screen(state));
}

#[test]
fn a_long_paste_is_a_chip_in_the_draft() {
    let mut state = main_screen(size(80, 24));
    write(&mut state, "why? ");
    update(&mut state, Action::Paste("a line\n".repeat(214)));
    let screen = screen(state);
    let rows: Vec<&str> = screen.lines().collect();
    assert_eq!(rows[22], " ▌› why? [pasted 214 lines]");
}

#[test]
fn a_terminal_of_few_columns_says_all_of_the_size_that_is_needed() {
    for (columns, needs) in [
        (21, " unmask needs 40 × 10\n"),
        (20, "unmask needs 40 × 10\n"),
        (12, "unmask needs\n40 × 10\nnow 12 × 5\n"),
    ] {
        let shown = screen(generating(size(columns, 5)));
        assert!(shown.starts_with(needs), "{shown}");
    }
}
