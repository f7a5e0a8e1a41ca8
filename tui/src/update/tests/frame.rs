//! Menu, palette, help, completion.

use super::*;
use crate::state::{Help, Overlay, Pick};

#[test]
fn a_letter_of_the_menu_works_before_its_panel_is_drawn() {
    let mut driver = Driver::ready();
    driver.ctrl('x');
    assert!(driver.state.wakes_at().is_some());
    assert_eq!(driver.key(KeyCode::Char('q')), [Effect::Quit]);
    assert_eq!(driver.state.overlays, []);
}

#[test]
fn what_the_menu_cannot_do_now_says_why() {
    let mut driver = Driver::denoising();
    driver.ctrl('x');
    driver.key(KeyCode::Char('n'));
    assert_eq!(driver.entries().len(), 1);
    assert!(driver.notice().contains("An answer is being written"));
}

#[test]
fn the_mouse_is_given_away_and_taken_back_with_one_letter() {
    let mut driver = Driver::ready();
    for expected in [Mouse::Released, Mouse::Captured] {
        driver.ctrl('x');
        assert_eq!(driver.key(KeyCode::Char('x')), [Effect::Mouse(expected)]);
    }
    driver.say("/mouse off");
    assert_eq!(driver.state.mouse, Mouse::Released);
}

#[test]
fn tab_completes_the_best_command() {
    let mut driver = Driver::ready();
    driver.write("/ren");
    driver.key(KeyCode::Tab);
    assert_eq!(driver.draft(), "/rename ");
    assert!(driver.state.completions().is_none());
}

#[test]
fn arrows_choose_among_the_commands_that_fit_and_enter_takes_the_chosen() {
    let mut driver = Driver::ready();
    driver.write("/");
    driver.key(KeyCode::Down);
    let effects = driver.key(KeyCode::Enter);
    assert_eq!(effects, []);
    let help = Overlay::Help(Help::default());
    assert_eq!(driver.state.overlays, [help], "the first command is /help");
}

#[test]
fn enter_runs_a_command_as_it_was_typed() {
    let mut driver = Driver::ready();
    assert_eq!(driver.say("/quit"), [Effect::Quit]);
    driver.say("/qui");
    assert_eq!(driver.notice(), "No /qui. Did you mean /quit?");
    assert_eq!(driver.draft(), "/qui");
}

#[test]
fn escape_closes_the_list_until_more_is_typed() {
    let mut driver = Driver::ready();
    driver.write("/m");
    driver.key(KeyCode::Esc);
    assert_eq!(driver.draft(), "/m");
    assert!(driver.state.completions().is_none());
    driver.write("o");
    assert!(driver.state.completions().is_some());
}

#[test]
fn a_message_with_a_slash_in_it_lists_nothing() {
    let mut driver = Driver::ready();
    for text in ["//etc", "/rename x", "a /m"] {
        driver.state.composer.replace(text);
        assert!(driver.state.completions().is_none(), "{text}");
    }
}

#[test]
fn earlier_commands_can_be_walked_past() {
    let mut driver = Driver::ready();
    driver.say("/mouse on");
    driver.say("/mouse");
    driver.key(KeyCode::Up);
    driver.key(KeyCode::Up);
    assert_eq!(driver.draft(), "/mouse on");
}

#[test]
fn the_palette_runs_what_is_typed_in_any_words() {
    let mut driver = Driver::ready();
    driver.ctrl('p');
    driver.write("mouse capture");
    assert_eq!(driver.key(KeyCode::Enter), [Effect::Mouse(Mouse::Released)]);
    assert_eq!(driver.state.overlays, []);
}

#[test]
fn the_palette_puts_a_command_with_an_argument_in_the_composer_and_keeps_the_draft() {
    let mut driver = Driver::ready();
    driver.write("half a thought");
    driver.ctrl('p');
    driver.write("rename");
    driver.key(KeyCode::Enter);
    assert_eq!(driver.draft(), "/rename ");
    driver.ctrl('u');
    driver.key(KeyCode::Up);
    assert_eq!(driver.draft(), "half a thought");
}

#[test]
fn the_palette_stays_open_over_what_cannot_be_done() {
    let mut driver = Driver::ready();
    driver.ctrl('p');
    driver.write("/stop");
    assert_eq!(driver.key(KeyCode::Enter), []);
    assert_eq!(driver.notice(), "no answer is being written");
    assert_eq!((driver.list(), driver.state.overlays.len()), ("palette", 1));
    driver.key(KeyCode::Esc);
    assert_eq!(driver.state.overlays, []);
}

#[test]
fn escape_leaves_the_filter_of_the_help_first() {
    let mut driver = Driver::ready();
    driver.key(KeyCode::F(1));
    driver.write("/q?");
    let filter = Pick {
        query: "q?".to_owned(),
        ..Pick::default()
    };
    let filtered = Help {
        top: 0,
        filter: Some(filter),
    };
    assert_eq!(driver.state.overlays, [Overlay::Help(filtered)]);
    driver.key(KeyCode::Esc);
    assert_eq!(driver.state.overlays, [Overlay::Help(Help::default())]);
    driver.key(KeyCode::Char('q'));
    assert_eq!(driver.state.overlays, []);
}

#[test]
fn the_help_scrolls_no_further_than_its_end() {
    let mut driver = Driver::ready();
    driver.key(KeyCode::F(1));
    driver.key(KeyCode::End);
    let end = driver.state.overlays.clone();
    driver.act(Action::Wheel(3));
    assert_eq!(driver.state.overlays, end);
    driver.act(Action::Wheel(-3));
    assert_ne!(driver.state.overlays, end);
}

#[test]
fn a_paste_over_a_list_filters_it() {
    let mut driver = Driver::ready();
    driver.write("draft");
    driver.ctrl('p');
    driver.act(Action::Paste("mouse\n".to_owned()));
    let pick = &driver.state.list().expect("the palette stays open").pick;
    assert_eq!(
        (pick.query.as_str(), driver.draft().as_str()),
        ("mouse", "draft")
    );
}
