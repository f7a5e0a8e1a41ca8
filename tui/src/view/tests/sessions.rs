//! The list of conversations, the search through earlier prompts, the question before a removal.

use super::*;
use crate::session::StorageEvent;
use crate::state::Persistence;
use unmask_core::conversations::{Condition, Summary};

pub(super) fn summaries() -> Vec<Summary> {
    let row = |id: &str, title: &str, messages, model: &str, seconds, condition| Summary {
        id: id.parse().expect("it is an id"),
        title: title.to_owned(),
        messages,
        model: model.to_owned(),
        age: Duration::from_secs(seconds),
        condition,
    };
    vec![
        row(
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "Prime numbers",
            4,
            "LLaDA-8B-Instruct",
            12,
            Condition::Here,
        ),
        row(
            "01ARZ3NDEKTSV4RRFFQ69G5FAW",
            "素数とは何ですか、最初の五つを挙げてください",
            2,
            "demo",
            60 * 17,
            Condition::InUse,
        ),
        row(
            "01ARZ3NDEKTSV4RRFFQ69G5FAX",
            "A letter to the editor about\u{1b}[2J nothing in particular, and then some more",
            31,
            "LLaDA-8B-Base",
            3600 * 5,
            Condition::Free,
        ),
        row(
            "01ARZ3NDEKTSV4RRFFQ69G5FAY",
            "",
            0,
            "",
            86400 * 40,
            Condition::Unreadable,
        ),
    ]
}

/// The list of conversations over the mock-up `main`.
fn sessions(size: Size) -> State {
    let mut state = main_screen(size);
    state.saved.keeping = Persistence::All;
    update(&mut state, Action::Do(Command::Sessions));
    update(&mut state, Action::Kept(StorageEvent::Listed(summaries())));
    update(&mut state, Action::Do(Command::Down));
    state
}

#[test]
fn sessions_at_80_by_24() {
    insta::assert_snapshot!(screen(sessions(size(80, 24))));
}

#[test]
fn sessions_at_120_by_40() {
    insta::assert_snapshot!(screen(sessions(size(120, 40))));
}

#[test]
fn sessions_at_the_smallest_size() {
    insta::assert_snapshot!(screen(sessions(size(40, 10))));
}

/// Earlier prompts over the mock-up `main`, one of them chosen.
fn search(size: Size) -> State {
    let mut state = main_screen(size);
    let earlier = [
        "What is 2 + 2?",
        "Explain\nwhat a\u{1b} tab is",
        "Is 91 prime?",
    ];
    let earlier = earlier.map(str::to_owned).to_vec();
    update(&mut state, Action::Kept(StorageEvent::Recalled(earlier)));
    update(&mut state, Action::Paste("half a draft".to_owned()));
    update(&mut state, Action::Do(Command::SearchPrompts));
    for character in "wh".chars() {
        let key = crossterm::event::KeyCode::Char(character);
        update(&mut state, Action::Key(key.into()));
    }
    state
}

#[test]
fn search_at_80_by_24() {
    insta::assert_snapshot!(screen(search(size(80, 24))));
}

#[test]
fn search_at_120_by_40() {
    insta::assert_snapshot!(screen(search(size(120, 40))));
}

#[test]
fn a_question_before_something_final_at_80_by_24() {
    let mut state = main_screen(size(80, 24));
    state.saved.keeping = Persistence::All;
    state.saved.id = summaries().first().map(|row| row.id);
    update(&mut state, Action::Do(Command::Delete));
    insta::assert_snapshot!(screen(state));
}

#[test]
fn the_header_says_what_is_not_kept() {
    let mut state = ready(size(80, 24));
    let mut header = |keeping| {
        state.saved.keeping = keeping;
        let rows = screen(state.clone());
        rows.lines().next().unwrap_or_default().to_owned()
    };
    let headers = [
        Persistence::Private,
        Persistence::Failing,
        Persistence::InCopy,
    ]
    .map(&mut header);
    assert_eq!(
        headers,
        [
            " unmask  private  Prime numbers    LLaDA-8B-Instruct · ort-cuda · fp16  ● ready",
            " unmask  not saved  Prime numbers  LLaDA-8B-Instruct · ort-cuda · fp16  ● ready",
            " unmask  read-only  Prime numbers  LLaDA-8B-Instruct · ort-cuda · fp16  ● ready",
        ]
    );
}
