//! Pins as the model's tokenizer reads them.

use std::sync::Arc;

use unmask_core::TokenId;
use unmask_core::engine::{Loaded, Pin};
use unmask_core::text::pins::PinPlaceError;

use super::*;
use crate::state::{Below, Field};

impl Driver {
    /// The tokenizer answers what it was asked last.
    fn read(&mut self, tokens: Result<Vec<Vec<TokenId>>, PinPlaceError>) -> Vec<Effect> {
        let asked = self.state.pins.asked.clone().expect("pins were asked for");
        self.act(Action::Placed(asked, tokens))
    }

    fn labels(&self) -> Option<String> {
        self.state.pins.text(&self.state.settings.pins)
    }

    fn pinned(&self) -> String {
        self.state.settings.pins_text()
    }
}

/// Of the fixture's words.
fn token(at: usize) -> TokenId {
    fixture::token(CELLS, at)
}

fn overlap() -> PinPlaceError {
    PinPlaceError::Overlap {
        pin: 1,
        word: "up".to_owned(),
        other: "Once".to_owned(),
        at: 1,
    }
}

fn asked(effects: &[Effect]) -> (&[Pin], usize) {
    match effects {
        [Effect::Place(question)] => (&question.pins, question.length),
        other => panic!("the tokenizer was not asked: {other:?}"),
    }
}

fn other_model() -> Arc<Loaded> {
    let mut other = (*fixture::loaded(CELLS)).clone();
    other.key = "other".to_owned();
    other.into()
}

#[test]
fn pins_show_their_tokens_once_they_are_read() {
    let mut driver = Driver::ready();
    let effects = driver.say("/pin 0:Two, 1:and three");
    let (pins, length) = asked(&effects);
    assert_eq!((pins.len(), length), (2, 128));
    assert_eq!(driver.labels(), None);
    driver.read(Ok(vec![vec![token(0)], vec![token(1), token(2)]]));
    let labels = "0 \"Two\"  1 \" and\" \" three\"";
    assert_eq!(driver.labels().as_deref(), Some(labels));
    assert_eq!(driver.notice(), format!("Pins {labels}"));
}

#[test]
fn pins_that_overlap_are_withdrawn_with_a_caret_and_the_ones_before_stand() {
    let mut driver = Driver::ready();
    driver.say("/pin 3:Two");
    driver.read(Ok(vec![vec![token(0)]]));
    driver.say("/pin 0:Once, 1:up");
    let effects = driver.read(Err(overlap()));
    let toast = driver.state.toast.clone().expect("a refusal");
    assert_eq!(
        toast.lines,
        [
            "0:Once, 1:up",
            "        ^^^^",
            "`up` and `Once` both need position 1; move one of them"
        ]
    );
    assert_eq!(driver.pinned(), "3:Two");
    assert_eq!(driver.draft(), "/pin 0:Once, 1:up");
    assert_eq!(asked(&effects).0.len(), 1, "the ones before are read again");
    driver.read(Ok(vec![vec![token(0)]]));
    assert_eq!(driver.labels().as_deref(), Some("3 \"Two\""));
}

#[test]
fn pins_typed_in_the_panel_are_refused_there() {
    let mut driver = Driver::ready();
    driver.act(Action::Do(Command::Settings));
    for _ in 0..Field::ALL
        .iter()
        .position(|&it| it == Field::Pins)
        .expect("a field")
    {
        driver.key(KeyCode::Down);
    }
    driver.key(KeyCode::Enter);
    driver.act(Action::Paste("0:Once, 1:up".to_owned()));
    driver.key(KeyCode::Enter);
    driver.read(Err(overlap()));
    let Some(Overlay::Settings(panel)) = driver.state.overlays.last() else {
        panic!("the panel is gone");
    };
    let input = panel.input.as_ref().map(|input| input.text());
    assert_eq!(input.as_deref(), Some("0:Once, 1:up"));
    assert!(matches!(panel.below, Below::Refused(_)));
    assert_eq!(driver.pinned(), "");
}

#[test]
fn another_model_or_length_has_the_pins_read_anew_and_late_news_is_dropped() {
    let mut driver = Driver::ready();
    driver.say("/pin 0:Two");
    driver.read(Ok(vec![vec![token(0)]]));
    let before = driver.state.pins.asked.clone().expect("asked");
    let effects = driver.receive(EngineEvent::Loaded(other_model()));
    asked(&effects);
    assert_eq!(driver.labels(), None);
    driver.act(Action::Placed(before, Ok(vec![vec![token(0)]])));
    assert_eq!(
        driver.labels(),
        None,
        "the other tokenizer has not answered"
    );
    driver.read(Ok(vec![vec![token(1)]]));
    assert_eq!(driver.labels().as_deref(), Some("0 \" and\""));
    assert_eq!(asked(&driver.say("/set length=32")).1, 32);
}

#[test]
fn pins_that_no_longer_fit_are_said_and_stay() {
    let mut driver = Driver::ready();
    driver.say("/pin 40:Two");
    driver.read(Ok(vec![vec![token(0)]]));
    driver.say("/set length=32");
    let effects = driver.read(Err(PinPlaceError::Beyond {
        pin: 0,
        word: "Two".to_owned(),
        start: 40,
        last: 40,
        length: 32,
    }));
    assert_eq!(effects, []);
    let toast = driver.state.toast.clone().expect("a word");
    assert_eq!(toast.lines[..2], ["40:Two", "^^^^^^"]);
    assert_eq!(
        (driver.pinned().as_str(), driver.labels()),
        ("40:Two", None)
    );
}

#[test]
fn without_a_model_nothing_is_asked_and_with_one_at_once() {
    let mut driver = Driver::bare();
    assert_eq!(driver.say("/pin 0:Two"), []);
    let effects = driver.receive(EngineEvent::Loaded(fixture::loaded(CELLS)));
    asked(&effects);
    assert_eq!(driver.say("/pin clear"), []);
}
