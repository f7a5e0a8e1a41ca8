//! Text that is selected with the mouse.

use ratatui::layout::Position;

use super::*;
use crate::effect::CopyJob;
use crate::state::{CopyOnSelect, Focus};

impl Driver {
    /// Presses the button at one place and drags the mouse to another; it stays held.
    fn drag(&mut self, from: (u16, u16), to: (u16, u16)) {
        self.act(Action::Click(Position::from(from).into()));
        self.act(Action::Drag(Position::from(to).into()));
    }

    fn select(&mut self, from: (u16, u16), to: (u16, u16)) -> Vec<Effect> {
        self.drag(from, to);
        self.act(Action::Release)
    }

    fn is_selecting(&self) -> bool {
        self.state.text_selection.is_some_and(|it| it.to.is_some())
    }

    /// What `y` copies, if it copies a selection.
    fn selection(&mut self) -> Option<String> {
        selection_in(&self.key(KeyCode::Char('y')))
    }
}

fn selection_in(effects: &[Effect]) -> Option<String> {
    match effects {
        [Effect::Copy(CopyJob::Clipboard { what, text })] if what == "the selection" => {
            Some(text.clone())
        }
        _ => None,
    }
}

/// The question is in row 2, the answer in row 4.
fn answered() -> Driver {
    let mut driver = Driver::denoising();
    driver.finish("Two 漢字 and three", FinishReason::Complete);
    driver
}

/// Long enough to scroll, one word a row; the last row is the last of the transcript.
fn scrolling() -> Driver {
    let mut driver = Driver::ready();
    let lines: Vec<String> = (1..=40).map(|line| line.to_string()).collect();
    driver.act(Action::Paste(lines.join("\n")));
    driver.key(KeyCode::Enter);
    driver.begin();
    driver.finish("Two", FinishReason::Complete);
    driver.frame();
    driver
}

#[track_caller]
fn check(from: (u16, u16), to: (u16, u16), expected: &str) {
    let mut driver = answered();
    driver.select(from, to);
    assert_eq!(driver.selection().as_deref(), Some(expected));
}

#[test]
fn a_drag_selects_the_cells_it_goes_over_and_y_copies_them() {
    check((3, 2), (5, 2), "ell");
    check((5, 2), (3, 2), "ell");
    check((0, 2), (79, 2), "hello");
}

#[test]
fn a_wide_character_is_selected_whole() {
    check((7, 4), (8, 4), "漢字");
}

#[test]
fn several_messages_are_copied_without_who_said_them() {
    check((5, 2), (4, 4), "lo\n\nTwo");
    check((2, 2), (40, 15), "hello\n\nTwo 漢字 and three");
}

#[test]
fn the_copy_command_copies_the_selection_while_there_is_one() {
    let mut driver = answered();
    driver.select((2, 4), (4, 4));
    driver.ctrl('x');
    let effects = driver.key(KeyCode::Char('y'));
    assert_eq!(selection_in(&effects).as_deref(), Some("Two"));
    driver.key(KeyCode::Esc);
    driver.ctrl('x');
    let effects = driver.key(KeyCode::Char('y'));
    assert_eq!(selection_in(&effects), None);
}

#[test]
fn rows_that_were_broken_to_fit_are_joined_and_line_ends_stay() {
    let mut driver = Driver::ready();
    let size = Size {
        columns: 40,
        rows: 24,
    };
    driver.act(Action::Resize(size));
    let text = "one two three four five six seven eight nine ten\neleven";
    driver.act(Action::Paste(text.to_owned()));
    driver.key(KeyCode::Enter);
    assert_eq!(driver.entries().len(), 1);
    driver.select((2, 2), (39, 5));
    assert_eq!(driver.selection().as_deref(), Some(text));
}

#[test]
fn markdown_is_copied_as_it_is_seen_without_the_bars_of_rows_that_go_on() {
    let mut driver = Driver::denoising();
    let text = "> a quote that **goes** on for so long that one row of eighty cells is not enough for it\n\n- item";
    driver.finish(text, FinishReason::Complete);
    driver.frame();
    let highlighter = crate::layout::Highlighter::default();
    for job in driver.layout.wanted(&driver.state) {
        let rows = crate::layout::markdown_rows(
            &job.text,
            usize::from(job.width),
            job.emoji,
            &highlighter,
        );
        driver.act(Action::Rendered(crate::action::Rendered {
            rows,
            text: job.text,
            width: job.width,
            changed: Vec::new(),
        }));
    }
    driver.select((2, 4), (79, 7));
    let seen = "│ a quote that goes on for so long that one row of eighty cells is not enough for it\n\n• item";
    assert_eq!(driver.selection().as_deref(), Some(seen));
}

#[test]
fn tokens_are_copied_without_the_signs_of_their_line_ends() {
    let mut driver = Driver::denoising();
    driver.select((2, 4), (4, 4));
    assert_eq!(driver.selection().as_deref(), Some("Two"));
}

#[test]
fn a_click_without_a_drag_selects_nothing_and_ends_a_selection() {
    let mut driver = answered();
    driver.act(Action::Click(Position::new(4, 2).into()));
    driver.act(Action::Release);
    assert!(!driver.is_selecting());
    driver.select((3, 2), (5, 2));
    assert!(driver.is_selecting());
    driver.act(Action::Click(Position::new(11, 0).into()));
    assert!(!driver.is_selecting());
}

#[test]
fn escape_ends_the_selection_before_it_leaves_the_canvas() {
    let mut driver = answered();
    driver.select((3, 2), (5, 2));
    driver.key(KeyCode::Esc);
    assert_eq!(
        (driver.is_selecting(), driver.state.focus),
        (false, Focus::Canvas)
    );
    driver.key(KeyCode::Esc);
    assert_eq!(driver.state.focus, Focus::Composer);
}

#[test]
fn an_edit_ends_the_selection_and_so_does_another_size() {
    let mut driver = answered();
    driver.select((3, 2), (5, 2));
    driver.write("X");
    assert!(!driver.is_selecting());
    driver.select((3, 2), (5, 2));
    driver.act(Action::Resize(Size {
        columns: 79,
        rows: 24,
    }));
    assert!(!driver.is_selecting());
}

#[test]
fn what_is_selected_is_copied_at_once_if_that_is_wished() {
    let mut driver = answered();
    assert_eq!(driver.select((3, 2), (5, 2)), []);
    driver.state.copy_on_select = CopyOnSelect::AtRelease;
    let effects = driver.select((3, 2), (5, 2));
    assert_eq!(selection_in(&effects).as_deref(), Some("ell"));
}

#[test]
fn a_selection_of_nothing_says_so() {
    let mut driver = answered();
    driver.select((40, 2), (50, 2));
    assert_eq!(driver.key(KeyCode::Char('y')), []);
    assert_eq!(driver.notice(), "There is no text in the selection");
}

#[test]
fn a_selection_stays_at_its_text_when_the_view_moves() {
    let mut driver = scrolling();
    let last = 1 + crate::geometry::transcript_height(&driver.state) as u16 - 1;
    driver.select((2, last - 1), (10, last - 1));
    driver.act(Action::Wheel(-9));
    assert_eq!(driver.selection().as_deref(), Some("Two"));
}

#[test]
fn a_drag_beyond_the_edge_scrolls_until_the_button_is_let_go() {
    let mut driver = scrolling();
    let top = driver.layout.top();
    driver.drag((2, 5), (2, 0));
    driver.frame();
    assert_eq!(driver.layout.top(), top - 1);
    assert!(driver.state.wakes_at().is_some());
    for _ in 0..3 {
        driver.wait(50);
    }
    driver.frame();
    assert_eq!(driver.layout.top(), top - 4);
    driver.act(Action::Release);
    assert_eq!(driver.state.wakes_at(), None);
    driver.wait(50);
    driver.frame();
    assert_eq!(driver.layout.top(), top - 4);
    // Four rows above the fifth of what was seen, and the one that it ends in.
    let text = driver.selection().unwrap_or_default();
    assert_eq!(text.lines().count(), 9);
}

#[test]
fn a_drag_beyond_an_edge_where_nothing_is_left_wakes_nobody() {
    let mut driver = answered();
    driver.drag((2, 2), (2, 0));
    driver.frame();
    assert_eq!(driver.state.wakes_at(), None);
}
