//! Blanks that are filled, messages that are edited, words that are found, answers that are compared.

use super::*;
use crate::action::CompareAct;
use crate::state::{EntryVisibility, TurnOrigin};
use unmask_core::engine::FillPart;
use unmask_core::params::Transfer;

fn started(effects: &[Effect]) -> &TurnRequest {
    let start = effects.iter().find_map(|effect| match effect {
        Effect::Start(request) => Some(request),
        _ => None,
    });
    start.unwrap_or_else(|| panic!("no turn was started: {effects:?}"))
}

impl Driver {
    /// What the model sees, in a row.
    fn said_now(&self) -> Vec<String> {
        let entries = self.state.transcript.entries.iter();
        let seen = entries.filter(|item| item.visibility == EntryVisibility::Seen);
        seen.filter_map(|item| match &item.entry {
            Entry::You { text, .. } => Some(text.clone()),
            Entry::Answer(answer) => Some(answer.text.clone()),
            Entry::Failure(_) | Entry::Note(_) => None,
        })
        .collect()
    }

    /// Two questions with plain answers.
    fn two_turns() -> Self {
        let mut driver = Self::denoising();
        driver.finish("one", FinishReason::Complete);
        driver.say("more");
        driver.begin();
        driver.finish("two", FinishReason::Complete);
        driver
    }
}

#[test]
fn blanks_are_asked_for_between_what_is_given_and_again_when_retried() {
    let mut driver = Driver::ready();
    let effects = driver.say("/fill Two ___ three");
    let parts = |request: &TurnRequest| match &request.input {
        TurnInput::Fill(fill) => fill.parts.clone(),
        other => panic!("{other:?}"),
    };
    let asked = parts(started(&effects));
    assert!(
        matches!(&asked[..], [FillPart::Text(_), FillPart::Hole(n), FillPart::Text(_)] if n.get() == 4)
    );
    assert_eq!(driver.said_now(), ["Two ___ three"]);
    driver.begin();
    driver.finish("Two and three", FinishReason::Complete);
    assert_eq!(parts(started(&driver.say("/retry"))), asked);
    let mut driver = Driver::ready();
    driver.say("/fill nothing to fill");
    assert!(driver.notice().contains("no ___"), "{}", driver.notice());
    assert_eq!(driver.draft(), "/fill nothing to fill");
}

#[test]
fn an_edited_message_begins_a_branch_and_the_old_one_can_be_reached() {
    let mut driver = Driver::two_turns();
    driver.say("/edit 1");
    assert_eq!(driver.draft(), "hello");
    let effects = driver.say(" again");
    assert_eq!(
        sent(&effects),
        [(Role::User, "hello again".to_owned())],
        "nothing of the old branch is sent"
    );
    driver.begin();
    driver.finish("other", FinishReason::Complete);
    assert_eq!(driver.said_now(), ["hello again", "other"]);
    driver.say("/branch");
    assert_eq!(
        driver.notice(),
        "Answers: 1, 2, 1b ● · /branch 1 goes to one"
    );
    driver.say("/branch 1");
    assert_eq!(driver.said_now(), ["hello", "one", "more", "two"]);
    driver.say("/branch 1b");
    assert_eq!(driver.said_now(), ["hello again", "other"]);
    driver.say("/branch 7c");
    assert!(
        driver.notice().starts_with("Answers: "),
        "{}",
        driver.notice()
    );
}

#[test]
fn escape_gives_an_edit_up_and_nothing_is_set_aside() {
    let mut driver = Driver::two_turns();
    driver.say("/edit");
    assert_eq!(driver.draft(), "more");
    driver.key(KeyCode::Esc);
    assert_eq!((driver.draft().as_str(), driver.state.editing), ("", None));
    assert_eq!(driver.notice(), "", "nothing is said of an edit any more");
    assert_eq!(driver.said_now().len(), 4);
    let effects = driver.say("next");
    assert_eq!(sent(&effects).len(), 5);
}

#[test]
fn keys_of_the_canvas_edit_and_retry_the_selected_message() {
    let mut driver = Driver::two_turns();
    driver.key(KeyCode::Tab);
    driver.key(KeyCode::Char('E'));
    assert_eq!(driver.draft(), "more");
    driver.key(KeyCode::Esc);
    driver.key(KeyCode::Tab);
    for _ in 0..2 {
        driver.key(KeyCode::Char('['));
    }
    let effects = driver.key(KeyCode::Char('R'));
    assert_eq!(sent(&effects), [(Role::User, "hello".to_owned())]);
    assert_eq!(driver.said_now(), ["hello"]);
}

#[test]
fn words_are_found_whatever_their_case_and_gone_through_round_and_round() {
    let mut driver = Driver::two_turns();
    driver.say("/find O");
    let at = |driver: &Driver| {
        driver
            .state
            .find
            .as_ref()
            .map(|find| (find.chosen, find.hits.len()))
    };
    assert_eq!(at(&driver), Some((3, 4)));
    driver.key(KeyCode::Char('n'));
    assert_eq!(at(&driver), Some((0, 4)));
    driver.key(KeyCode::Char('N'));
    assert_eq!(at(&driver), Some((3, 4)));
    assert_eq!(driver.state.selected(), Some(3));
    driver.key(KeyCode::Esc);
    assert_eq!((&driver.state.find, driver.notice()), (&None, ""));
    driver.key(KeyCode::Esc);
    driver.say("/find nowhere");
    assert_eq!(driver.notice(), "“nowhere” is not said here");
}

#[test]
fn an_answer_with_another_setting_stands_beside_the_first_and_either_can_be_kept() {
    let mut driver = Driver::denoising();
    driver.finish("one", FinishReason::Complete);
    let seed = driver.state.turn_of(1).expect("it is kept").params.seed;
    let effects = driver.say("/compare steps=2");
    let request = started(&effects);
    assert_eq!((request.params.steps, request.params.seed), (2, seed));
    assert!(matches!(&request.input, TurnInput::Chat { messages, .. } if messages.len() == 1));
    assert!(matches!(
        driver.state.running().map(|turn| turn.origin),
        Some(TurnOrigin::Compared(1))
    ));
    driver.begin();
    assert!(driver.state.compared().is_some());
    driver.finish("uno", FinishReason::Complete);
    assert!(
        driver.state.compared().is_some(),
        "it stays when both are there"
    );
    assert_eq!(driver.said_now(), ["hello", "one"]);
    driver.act(Action::Do(Command::Compare(CompareAct::KeepSecond)));
    assert_eq!(driver.said_now(), ["hello", "uno"]);
    assert!(driver.state.compared().is_none());
    driver.say("/compare 1 1b");
    assert!(driver.state.compared().is_some());
    driver.act(Action::Do(Command::Compare(CompareAct::KeepFirst)));
    assert_eq!(driver.said_now(), ["hello", "one"]);
    // The settings of the next answer are as they were.
    driver.say("/compare steps=zero");
    assert!(driver.state.running().is_none(), "{}", driver.notice());
}

/// Of four positions, one a step.
#[test]
fn what_another_answer_can_be_made_with_fits_the_answer() {
    let mut driver = Driver::ready();
    driver.say("/compare");
    assert_eq!(driver.notice(), "There are no two answers to compare");
    driver.state.settings.length = CELLS.len();
    driver.state.settings.params.steps = CELLS.len();
    driver.say("hello");
    driver.begin();
    driver.finish("one", FinishReason::Complete);
    let half = CELLS.len() / 2;
    driver.say("/compare");
    let offered =
        format!("There are no two answers to compare; /compare steps={half} makes another one");
    assert_eq!(driver.notice(), offered);
    for same in [CELLS.len().to_string(), (8 * CELLS.len()).to_string()] {
        driver.say(&format!("/compare steps={same}"));
        assert!(driver.state.running().is_none(), "steps={same}");
    }
    driver.say("/compare seed=77");
    assert!(driver.state.running().is_none(), "nothing is drawn");
    let effects = driver.say(&format!("/compare steps={half}"));
    assert_eq!(started(&effects).params.steps, half);
}

#[test]
fn where_the_model_decides_steps_make_no_other_answer_and_a_seed_is_the_other_one_s() {
    let mut driver = Driver::ready();
    driver.state.settings.params.transfer = Transfer::Threshold(0.9);
    driver.state.settings.params.temperature = 0.5;
    driver.say("hello");
    driver.begin();
    driver.finish("one", FinishReason::Complete);
    driver.say("/compare steps=2");
    let said = "It would be the same answer; /compare speed=quality makes another one";
    assert_eq!(driver.notice(), said);
    let effects = driver.say("/compare seed=77");
    assert_eq!(started(&effects).params.seed, 77);
}

#[test]
fn two_answers_are_gone_through_on_one_timeline() {
    let mut driver = Driver::denoising();
    driver.finish("one", FinishReason::Complete);
    driver.say("/compare steps=2");
    driver.begin();
    driver.finish("uno", FinishReason::Complete);
    let shown = |driver: &Driver| {
        let (compare, turns) = driver.state.compared().expect("it is open");
        turns.map(|turn| compare.shown_of(turn))
    };
    assert_eq!(shown(&driver), [1, 1]);
    driver.key(KeyCode::Left);
    assert_eq!(shown(&driver), [0, 0]);
    driver.key(KeyCode::End);
    assert_eq!(shown(&driver), [1, 1]);
    driver.key(KeyCode::Enter);
    assert!(driver.state.replay.is_some() && driver.state.compared().is_none());
}

#[test]
fn a_comparison_ends_if_its_second_answer_does_not_come_to_be() {
    let mut driver = Driver::denoising();
    driver.finish("one", FinishReason::Complete);
    driver.say("/compare steps=2");
    driver.begin();
    driver.finish("", FinishReason::Complete);
    assert_eq!(driver.state.compare, None);
    assert_eq!(driver.said_now(), ["hello", "one"]);
}

#[test]
fn a_text_with_blanks_is_answered_anew_by_filling_them() {
    let mut driver = Driver::ready();
    driver.say("/fill Two ___ three");
    driver.begin();
    driver.finish("Two and three", FinishReason::Complete);
    driver.key(KeyCode::Tab);
    let effects = driver.key(KeyCode::Char('R'));
    let input = &started(&effects).input;
    assert!(matches!(input, TurnInput::Fill(_)), "{input:?}");
    assert_eq!(driver.said_now(), ["Two ___ three"]);
}

#[test]
fn an_interrupt_gives_an_edit_up_with_its_draft() {
    let mut driver = Driver::two_turns();
    driver.say("/edit 1");
    driver.ctrl('c');
    assert_eq!((driver.draft().as_str(), driver.state.editing), ("", None));
    driver.say("next");
    assert_eq!(driver.said_now(), ["hello", "one", "more", "two", "next"]);
}

#[test]
fn a_draft_that_was_emptied_is_no_edited_message_any_more() {
    let emptied: [fn(&mut Driver); 3] = [
        |driver| drop(driver.ctrl('u')),
        |driver| {
            driver.ctrl('u');
            driver.say("/stats");
            driver.key(KeyCode::Esc);
        },
        |driver| {
            while !driver.draft().is_empty() {
                driver.key(KeyCode::Backspace);
            }
        },
    ];
    for empty in emptied {
        let mut driver = Driver::two_turns();
        driver.say("/edit 1");
        assert!(driver.state.editing.is_some());
        empty(&mut driver);
        assert_eq!((driver.draft().as_str(), driver.state.editing), ("", None));
        driver.say("third");
        assert_eq!(driver.said_now().len(), 5, "nothing is set aside");
    }
}

#[test]
fn an_edited_template_is_filled_again_in_the_place_of_what_it_was() {
    let mut driver = Driver::ready();
    driver.say("/fill Two ___ three");
    driver.begin();
    driver.finish("Two and three", FinishReason::Complete);
    driver.say("/edit 1");
    assert_eq!(driver.draft(), "/fill Two ___ three");
    driver.write("!");
    let effects = driver.key(KeyCode::Enter);
    let TurnInput::Fill(fill) = &started(&effects).input else {
        panic!("it is no template any more");
    };
    assert_eq!(fill.parts.len(), 3);
    assert_eq!(driver.said_now(), ["Two ___ three!"]);
    assert_eq!(driver.state.editing, None);
}

#[test]
fn a_template_that_was_read_back_is_one_still() {
    for order in ["/edit 1", "/retry"] {
        let mut driver = Driver::ready();
        driver.say("/fill Two ___ three");
        driver.begin();
        driver.finish("Two and three", FinishReason::Complete);
        // The tokens of an answer are not read back with its text.
        for item in &mut driver.state.transcript.entries {
            if let Entry::Answer(answer) = &mut item.entry {
                answer.trace = None;
            }
        }
        let mut effects = driver.say(order);
        if order == "/edit 1" {
            assert_eq!(driver.draft(), "/fill Two ___ three");
            effects = driver.key(KeyCode::Enter);
        }
        let input = &started(&effects).input;
        assert!(matches!(input, TurnInput::Fill(_)), "{order}: {input:?}");
    }
}

#[test]
fn a_toast_and_a_panel_are_closed_without_giving_up_what_waits_for_a_model() {
    let mut driver = Driver::two_turns();
    driver.state.activity = Activity::Loading(crate::state::Load {
        key: "other".to_owned(),
        stage: "opening".to_owned(),
        done: 0,
        total: 0,
        progress_at: Duration::ZERO,
        cancellation: crate::state::Cancellation::NotRequested,
    });
    driver.state.comparing = Some((1, Box::default()));
    driver.state.complain(
        "Theme x",
        &[crate::diagnostic::Diagnostic::at(
            "x.toml",
            1,
            "no such colour",
        )],
    );
    driver.key(KeyCode::F(1));
    driver.key(KeyCode::Esc);
    driver.key(KeyCode::Esc);
    assert!(driver.state.toast.is_none() && driver.state.overlays.is_empty());
    assert!(driver.state.comparing.is_some());
    assert_eq!(driver.key(KeyCode::Esc), [Effect::CancelLoad]);
    assert!(driver.state.comparing.is_none());
}
