//! Themes, motion, the user's editor.

use super::*;
use crate::state::{Motion, Toast};
use crate::theme::{Depth, Ground, Role as Look};
use crate::themes::{Colours, ThemeFile};

fn coloured() -> Driver {
    let mut driver = Driver::ready();
    driver.state.look.colours = Colours {
        ground: Some(Ground::Dark),
        depth: Depth::True,
    };
    driver
}

fn mine(text: &str) -> Action {
    Action::Themes(vec![ThemeFile {
        name: "mine".to_owned(),
        path: "themes/mine.toml".to_owned(),
        text: text.to_owned(),
    }])
}

#[test]
fn a_theme_of_a_file_is_read_anew_whenever_it_is_asked_for() {
    let mut driver = coloured();
    assert_eq!(driver.say("/theme mine"), [Effect::ReadThemes]);
    driver.act(mine("[roles]\nmask = 240"));
    let mask = |driver: &Driver| driver.state.look.theme.style(Look::Mask).fg;
    assert_eq!(mask(&driver), Some(ratatui::style::Color::Indexed(240)));
    driver.act(mine("[roles]\nmask = 250"));
    assert_eq!(mask(&driver), Some(ratatui::style::Color::Indexed(250)));
}

#[test]
fn a_theme_that_is_not_there_changes_nothing() {
    let mut driver = coloured();
    driver.say("/theme lihgt");
    let before = driver.state.look.theme;
    driver.act(Action::Themes(Vec::new()));
    assert_eq!(driver.notice(), "no theme `lihgt`; did you mean `light`?");
    assert_eq!(driver.state.look.theme, before);
    assert_eq!(driver.state.themes.chosen, "auto");
}

#[test]
fn what_is_wrong_with_a_theme_is_shown_in_the_corner() {
    let mut driver = coloured();
    driver.say("/theme mine");
    driver.act(mine("[roles]\nmsk = 240"));
    let toast = driver.state.toast.as_ref().expect("the file is wrong");
    assert_eq!(
        toast.lines,
        ["themes/mine.toml:2: no role `msk`; did you mean `mask`?"]
    );
}

#[test]
fn a_theme_is_tried_while_it_is_chosen_and_escape_brings_the_old_one_back() {
    let mut driver = coloured();
    driver.act(Action::Themes(Vec::new()));
    let before = driver.state.look.theme;
    driver.ctrl('x');
    assert_eq!(driver.key(KeyCode::Char('t')), [Effect::ReadThemes]);
    driver.write("light");
    assert_eq!(driver.state.look.theme.ground, Ground::Light);
    driver.key(KeyCode::Esc);
    assert_eq!(driver.state.look.theme, before);
    driver.ctrl('x');
    driver.key(KeyCode::Char('t'));
    driver.write("light");
    driver.key(KeyCode::Enter);
    assert_eq!(driver.state.overlays, []);
    assert_eq!(driver.state.look.theme.ground, Ground::Light);
}

#[test]
fn with_reduced_motion_steps_are_drawn_twice_a_second() {
    let mut driver = Driver::denoising();
    driver.act(Action::Do(crate::action::Command::Motion(Motion::Reduced)));
    let mut frames = 0;
    for step in 2..62 {
        driver.state.is_dirty = false;
        driver.wait(50);
        driver.receive_turn(TurnEvent::Step(fixture::step(step, 64, Vec::new())));
        frames += usize::from(driver.state.is_dirty);
    }
    assert!((5..=7).contains(&frames), "{frames} frames in 3 s");
    driver.state.is_dirty = false;
    let due = driver.state.wakes_at().expect("the last step waits");
    driver.now = due;
    driver.wait(0);
    assert!(driver.state.is_dirty);
}

#[test]
fn with_reduced_motion_the_end_is_drawn_at_once() {
    let mut driver = Driver::denoising();
    driver.say("/motion reduced");
    driver.state.is_dirty = false;
    driver.finish("Two", FinishReason::Complete);
    assert!(driver.state.is_dirty);
}

#[test]
fn the_draft_goes_to_the_editor_and_comes_back() {
    let mut driver = Driver::ready();
    driver.write("one");
    driver.ctrl('x');
    assert_eq!(driver.ctrl('e'), [Effect::EditDraft("one".to_owned())]);
    driver.act(Action::Edited(Ok("one\ntwo\u{1b}".to_owned())));
    assert_eq!(driver.draft(), "one\ntwo\u{fffd}");
    driver.ctrl('_');
    driver.ctrl('_');
    assert_eq!(driver.draft(), "one");
}

#[test]
fn an_editor_that_fails_leaves_the_draft() {
    let mut driver = Driver::ready();
    driver.write("one");
    let toast = Toast {
        title: "no".to_owned(),
        lines: Vec::new(),
    };
    driver.act(Action::Edited(Err(toast.clone())));
    assert_eq!(
        (driver.draft().as_str(), &driver.state.toast),
        ("one", &Some(toast))
    );
}
