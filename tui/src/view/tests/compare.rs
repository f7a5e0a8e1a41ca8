//! Two answers side by side.

use super::*;
use crate::action::{CompareAct, ReplayAct, Scroll};
use crate::state::{Compare, Entry, EntryVisibility};

/// The running answer beside a finished one that has other words.
fn compared(size: Size) -> State {
    let mut state = generating(size);
    let mut other = state.running().expect("it runs").clone();
    let cells = cells();
    let at = |word: usize| fixture::token(&cells, word);
    let mut commit = fixture::new(12, at(6), 0.55);
    commit.kind = unmask_core::event::CommitKind::Changed;
    other.apply(&StepEvent {
        block: 1,
        blocks: 4,
        masked: 73,
        ..fixture::step(23, 64, vec![commit])
    });
    other.params.transfer = unmask_core::params::Transfer::Threshold(0.9);
    state.transcript.push(Entry::Answer(crate::state::Answer {
        name: "LLaDA".to_owned(),
        text: "A prime number".to_owned(),
        reason: FinishReason::Complete,
        stats: Stats::default(),
        params: Box::new(other.params.clone()),
        trace: Some(std::sync::Arc::new(other.at_rest())),
        log_kept: crate::state::LogKept::No,
    }));
    state.transcript.entries[1].visibility = EntryVisibility::Replaced;
    state.compare = Some(Compare::new([1, state.transcript.entries.len()]));
    state.focus = crate::state::Focus::Canvas;
    state
}

#[test]
fn compare_at_120_by_40() {
    insta::assert_snapshot!(screen(compared(size(120, 40))));
}

#[test]
fn compare_at_80_by_24_is_stacked() {
    insta::assert_snapshot!(screen(compared(size(80, 24))));
}

#[test]
fn compare_at_60_by_20() {
    insta::assert_snapshot!(screen(compared(size(60, 20))));
}

#[test]
fn compare_at_the_smallest_size() {
    insta::assert_snapshot!(screen(compared(size(40, 10))));
}

#[test]
fn differences_are_listed_and_steps_are_shared() {
    let mut state = compared(size(120, 40));
    update(
        &mut state,
        Action::Do(Command::Compare(CompareAct::Differences)),
    );
    update(&mut state, Action::Do(Command::Compare(CompareAct::Side)));
    insta::assert_snapshot!(screen(state.clone()));
    update(&mut state, Action::Do(Command::Replay(ReplayAct::First)));
    update(
        &mut state,
        Action::Do(Command::Compare(CompareAct::Differences)),
    );
    let shown = screen(state);
    assert!(
        shown.contains("A 0/") && shown.contains("same so far"),
        "{shown}"
    );
}

#[test]
fn both_scroll_until_their_ends_and_follow_again() {
    let mut state = compared(size(40, 10));
    let followed = screen(state.clone());
    let scroll = |state: &mut State, scroll| {
        update(state, Action::Do(Command::Scroll(scroll)));
    };
    scroll(&mut state, Scroll::First);
    let first = screen(state.clone());
    assert!(first.contains("A prime number is a"), "{first}");
    scroll(&mut state, Scroll::RowDown);
    let second = screen(state.clone());
    assert!(!second.contains("A prime number is a"), "{second}");
    for _ in 0..99 {
        scroll(&mut state, Scroll::PageDown);
    }
    let end = screen(state.clone());
    scroll(&mut state, Scroll::RowUp);
    assert_ne!(screen(state.clone()), end, "it has stopped at the end");
    scroll(&mut state, Scroll::Follow);
    assert_eq!(screen(state.clone()), followed);
    // The list of differences scrolls too, and the wheel does the same.
    update(
        &mut state,
        Action::Do(Command::Compare(CompareAct::Differences)),
    );
    update(&mut state, Action::Wheel(3));
    assert_eq!(state.compare.as_ref().and_then(|it| it.top), Some(0));
}
