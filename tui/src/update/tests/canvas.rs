//! The canvas has the keys: messages are selected, tokens shown, blocks unfolded.

use super::*;
use crate::action::Rendered;
use crate::effect::RenderJob;
use crate::state::{Anchor, EntryRow, Focus, Form, Pending};
use crate::theme::Role;

impl Driver {
    fn jobs(&mut self) -> Vec<RenderJob> {
        self.frame();
        self.layout.wanted(&self.state)
    }

    fn render(&mut self, text: &str, width: u16) {
        let rows = vec![Row::of("laid out", Role::Text)];
        self.act(Action::Rendered(Rendered {
            text: text.to_owned(),
            width,
            rows,
            changed: Vec::new(),
        }));
    }
}

#[test]
fn tab_moves_the_keys_to_the_canvas_and_back() {
    let mut driver = Driver::answered();
    driver.key(KeyCode::Tab);
    assert_eq!(
        (driver.state.focus, driver.state.selected()),
        (Focus::Canvas, Some(3))
    );
    driver.key(KeyCode::Tab);
    assert_eq!(driver.state.focus, Focus::Composer);
    driver.key(KeyCode::Tab);
    driver.key(KeyCode::Esc);
    assert_eq!(driver.state.focus, Focus::Composer);
}

#[test]
fn what_is_typed_on_the_canvas_is_written_in_the_composer() {
    let mut driver = Driver::answered();
    driver.key(KeyCode::Tab);
    driver.write("We");
    assert_eq!(
        (driver.state.focus, driver.draft().as_str()),
        (Focus::Composer, "We")
    );
}

#[test]
fn brackets_select_messages_and_stop_at_the_ends() {
    let mut driver = Driver::answered();
    driver
        .state
        .transcript
        .push(Entry::Note("no message".to_owned()));
    driver.key(KeyCode::Tab);
    let mut seen = Vec::new();
    for _ in 0..4 {
        driver.key(KeyCode::Char('['));
        seen.extend(driver.state.selected());
    }
    for _ in 0..4 {
        driver.key(KeyCode::Char(']'));
        seen.extend(driver.state.selected());
    }
    assert_eq!(seen, [2, 1, 0, 0, 1, 2, 3, 3]);
}

#[test]
fn a_selected_message_comes_into_view() {
    let mut driver = Driver::answered();
    driver.act(Action::Resize(Size {
        columns: 80,
        rows: 14,
    }));
    driver.key(KeyCode::Tab);
    driver.frame();
    assert!(driver.layout.top() > 0);
    for _ in 0..3 {
        driver.key(KeyCode::Char('['));
    }
    driver.frame();
    assert_eq!(driver.layout.top(), 0);
    for _ in 0..3 {
        driver.key(KeyCode::Char(']'));
    }
    driver.frame();
    assert_eq!(driver.state.transcript.view, View::Follow);
}

#[test]
fn the_running_turn_is_selected_and_stays_so_when_it_ends() {
    let mut driver = Driver::denoising();
    driver.key(KeyCode::Tab);
    assert_eq!(driver.state.selected(), Some(1));
    driver.finish("Two", FinishReason::Complete);
    assert_eq!(driver.state.selected(), Some(1));
}

#[test]
fn a_pause_with_an_empty_composer_gives_the_keys_to_the_canvas_until_it_ends() {
    let mut driver = Driver::paused();
    assert_eq!(driver.state.focus, Focus::Canvas);
    assert_eq!(driver.key(KeyCode::Char(' ')), [Effect::Resume]);
    assert_eq!(driver.state.focus, Focus::Composer);

    let mut driver = Driver::paused();
    assert_eq!(driver.key(KeyCode::Enter), [Effect::Resume]);

    let mut driver = Driver::paused();
    driver.ctrl('c');
    driver.finish("Two", FinishReason::Stopped);
    assert_eq!(driver.state.focus, Focus::Composer);
}

#[test]
fn a_pause_with_a_draft_leaves_the_keys_to_it() {
    let mut driver = Driver::denoising();
    driver.write("next");
    driver.key(KeyCode::Esc);
    assert_eq!(driver.state.focus, Focus::Composer);
}

#[test]
fn space_pauses_and_resumes_on_the_canvas() {
    let mut driver = Driver::denoising();
    driver.key(KeyCode::Tab);
    assert_eq!(driver.key(KeyCode::Char(' ')), [Effect::Pause]);
    assert_eq!(driver.key(KeyCode::Char(' ')), []);
    driver.receive_turn(TurnEvent::Paused(1));
    assert_eq!(driver.key(KeyCode::Char(' ')), [Effect::Resume]);
    assert_eq!(
        driver.state.focus,
        Focus::Canvas,
        "the user came here by key"
    );
}

#[test]
fn enter_unfolds_the_pending_blocks_and_folds_them_again() {
    let mut driver = Driver::denoising();
    driver.key(KeyCode::Tab);
    let pending = |driver: &Driver| driver.state.running().map(|turn| turn.pending);
    driver.key(KeyCode::Enter);
    assert_eq!(pending(&driver), Some(Pending::Unfolded));
    driver.key(KeyCode::Enter);
    assert_eq!(pending(&driver), Some(Pending::Folded));
}

#[test]
fn letters_of_the_canvas_are_text_in_the_composer() {
    let mut driver = Driver::answered();
    driver.write("[ty]jk");
    assert_eq!(driver.draft(), "[ty]jk");
}

#[test]
fn rows_scroll_on_the_canvas() {
    let mut driver = Driver::answered();
    driver.act(Action::Resize(Size {
        columns: 80,
        rows: 10,
    }));
    driver.key(KeyCode::Tab);
    driver.frame();
    let end = driver.layout.top();
    for (key, top) in [
        (KeyCode::Up, end - 1),
        (KeyCode::Char('k'), end - 2),
        (KeyCode::Down, end - 1),
        (KeyCode::Home, 0),
        (KeyCode::Char('j'), 1),
        (KeyCode::End, end),
    ] {
        driver.key(key);
        driver.frame();
        assert_eq!(driver.layout.top(), top, "after {key}");
    }
}

#[test]
fn an_answer_is_plain_until_its_markdown_comes() {
    let mut driver = Driver::denoising();
    driver.finish("Two **and** three", FinishReason::Complete);
    let jobs = driver.jobs();
    let [job] = jobs.as_slice() else {
        panic!("not one job: {jobs:?}");
    };
    assert_eq!((job.text.as_str(), job.width), ("Two **and** three", 76));
    assert_eq!(driver.rows(1), ["Two **and** three"]);
    assert_eq!(driver.jobs(), [], "it is asked for once");
    driver.render("Two **and** three", 76);
    assert_eq!(driver.rows(1), ["laid out"]);
    assert!(driver.state.is_dirty);
}

#[test]
fn markdown_of_another_width_or_text_is_not_taken() {
    let mut driver = Driver::denoising();
    driver.finish("Two", FinishReason::Complete);
    driver.jobs();
    driver.render("Two", 40);
    driver.render("Three", 78);
    assert_eq!(driver.rows(1), ["Two"]);
    driver.act(Action::Resize(Size {
        columns: 60,
        rows: 24,
    }));
    driver.frame();
    driver.render("Two", 78);
    assert_eq!(driver.rows(1), ["Two"]);
    assert_eq!(driver.jobs().len(), 1, "the new width is asked for");
}

#[test]
fn markdown_is_asked_for_only_near_the_view() {
    let mut driver = Driver::ready();
    for number in 0..60 {
        driver.say("hello");
        driver.begin();
        driver.finish(&format!("Two {number}"), FinishReason::Complete);
    }
    let jobs = driver.jobs();
    assert_eq!(jobs[0].text, "Two 56", "the first answer that is seen");
    assert!((5..20).contains(&jobs.len()), "{} jobs", jobs.len());
    driver.act(Action::Do(Command::Scroll(Scroll::First)));
    assert_eq!(driver.jobs()[0].text, "Two 0");
}

#[test]
fn the_view_stays_at_its_words_when_markdown_comes_above() {
    let mut driver = Driver::answered();
    driver.act(Action::Resize(Size {
        columns: 80,
        rows: 10,
    }));
    let row = EntryRow::Body(0);
    driver.state.transcript.view = View::Held(Anchor { block: 2, row });
    driver.jobs();
    let top = driver.layout.top();
    let rows = vec![Row::default(); 5];
    let text = "Two **and** three".to_owned();
    driver.act(Action::Rendered(Rendered {
        text,
        width: 76,
        rows,
        changed: Vec::new(),
    }));
    driver.frame();
    assert_eq!(driver.layout.top(), top + 4);
}

#[test]
fn rows_that_share_a_name_are_passed_upwards() {
    let mut driver = Driver::answered();
    driver.act(Action::Resize(Size {
        columns: 80,
        rows: 10,
    }));
    driver.jobs();
    // As those of a table's row that is wrapped.
    driver.act(Action::Rendered(Rendered {
        text: "Two **and** three".to_owned(),
        width: 76,
        rows: vec![Row::default(); 9],
        changed: Vec::new(),
    }));
    driver.frame();
    for from in (1..=driver.layout.top()).rev() {
        let before = driver.layout.top();
        if before == 0 {
            break;
        }
        driver.act(Action::Do(Command::Scroll(Scroll::RowUp)));
        driver.frame();
        assert!(driver.layout.top() < before, "{from}: {before}");
    }
    assert_eq!(driver.layout.top(), 0);
}

#[test]
fn t_shows_the_tokens_and_the_text_again() {
    let mut driver = Driver::answered();
    driver.jobs();
    driver.render("Two **and** three", 76);
    driver.key(KeyCode::Tab);
    driver.key(KeyCode::Char('['));
    driver.key(KeyCode::Char('['));
    driver.key(KeyCode::Char('t'));
    driver.frame();
    // The first token was committed, the others were not when the turn ended.
    assert_eq!(driver.rows(1), ["Two ▒▒▒ ▒▒▒"]);
    assert_eq!(driver.jobs(), [], "tokens have no Markdown");
    driver.key(KeyCode::Char('t'));
    assert_eq!(driver.jobs().len(), 1);
    driver.render("Two **and** three", 76);
    assert_eq!(driver.rows(1), ["laid out"]);
}

#[test]
fn raw_from_the_composer_means_the_last_answer() {
    let mut driver = Driver::answered();
    driver.say("/raw");
    let forms: Vec<Form> = driver
        .state
        .transcript
        .entries
        .iter()
        .map(|item| item.form)
        .collect();
    assert_eq!(forms, [Form::Text, Form::Text, Form::Text, Form::Tokens]);
}

#[test]
fn an_answer_without_tokens_is_shown_as_it_was_written() {
    let mut driver = Driver::answered();
    if let Entry::Answer(answer) = &mut driver.state.transcript.entries[3].entry {
        answer.trace = None;
    }
    driver.say("/raw");
    driver.frame();
    assert_eq!(driver.rows(3)[..2], ["```py", "a"]);
    assert_eq!(driver.jobs().len(), 1, "only the other answer's");
    assert!(
        driver.notice().contains("were not kept"),
        "{}",
        driver.notice()
    );
}

#[test]
fn raw_without_an_answer_says_so() {
    let mut driver = Driver::ready();
    driver.say("/raw");
    assert_eq!(driver.notice(), "There is no answer yet");
}

#[test]
fn a_held_view_stays_at_its_words_when_the_turn_ends() {
    let mut driver = Driver::denoising();
    let row = EntryRow::Body(2);
    driver.state.transcript.view = View::Held(Anchor { block: 1, row });
    driver.receive_turn(TurnEvent::Step(fixture::step(
        2,
        4,
        vec![
            fixture::new(1, fixture::token(CELLS, 1), 0.9),
            fixture::new(2, fixture::token(CELLS, 2), 0.9),
        ],
    )));
    driver.finish("Two and three", FinishReason::Complete);
    let row = EntryRow::Body("Two and".len());
    assert_eq!(
        driver.state.transcript.view,
        View::Held(Anchor { block: 1, row })
    );
    driver.act(Action::Do(Command::ToggleRaw));
    let row = EntryRow::Body(2);
    assert_eq!(
        driver.state.transcript.view,
        View::Held(Anchor { block: 1, row })
    );
}
