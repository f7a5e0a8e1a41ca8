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
    frame(&mut state, &mut ScreenLayout::default());
    assert_eq!(state.compare.as_ref().and_then(|it| it.top), Some(0));
}

/// Two whole answers, the second a branch of the first with a word left out, one put in and one that is another: most of its
/// tokens are at other positions.
fn whole(size: Size) -> State {
    const TEXT: &str =
        "A| prime| number| is| a| whole| number| with| two| divisors|.| exactly| integer";
    const END: usize = 13;
    let cells = TEXT.split('|').map(|it| FixtureCell::Text(it.as_bytes()));
    let cells: Vec<FixtureCell> = cells.chain([FixtureCell::End]).collect();
    let answer = |words: &[usize]| {
        let id = unmask_core::engine::TurnId(1);
        let mut turn = crate::state::Turn::new(id, fixture::loaded(&cells), QUESTION.to_owned());
        turn.lay_out(Canvas::new(&[], 16, MASK), &unmask_core::Params::default());
        let filled = words.iter().chain([&END; 16]).take(16).enumerate();
        for (at, &cell) in filled {
            let commit = fixture::new(at, fixture::token(&cells, cell), 0.5);
            turn.replay_step(fixture::step(at + 1, 16, vec![commit]));
        }
        turn
    };
    let first = answer(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let mut second = answer(&[0, 2, 3, 4, 5, 12, 7, 11, 8, 9, 10]);
    second.branch = Some(crate::state::Branch {
        name: crate::state::BranchName { turn: 1, answer: 1 },
        before: first.answer().to_vec(),
        is_infill: false,
    });
    let mut state = State::new(size);
    let both = [first, second].map(std::sync::Arc::new);
    let [first, second] = both;
    crate::update::show_both(&mut state, first, second);
    state
}

/// The screen with what is marked between brackets.
fn marked(mut state: State) -> String {
    super::reading::with_reverse(&terminal(&mut state))
}

#[test]
fn whole_answers_are_compared_by_words_at_120_by_40() {
    insta::assert_snapshot!(marked(whole(size(120, 40))));
}

#[test]
fn whole_answers_are_compared_by_words_at_80_by_24() {
    insta::assert_snapshot!(marked(whole(size(80, 24))));
}

#[test]
fn whole_answers_are_compared_by_words_at_60_by_20() {
    insta::assert_snapshot!(marked(whole(size(60, 20))));
}

#[test]
fn whole_answers_are_compared_by_words_at_the_smallest_size() {
    insta::assert_snapshot!(marked(whole(size(40, 10))));
}

#[test]
fn what_is_kept_of_a_comparison_follows_the_steps() {
    let mut state = whole(size(120, 40));
    let mut layout = laid_out(&mut state);
    let shown = |layout: &ScreenLayout| layout.compared().map(|it| it.shown.clone());
    let rows = |layout: &ScreenLayout| {
        let compared = layout.compared().expect("two are compared");
        [0, 1].map(|at| compared.rows(at).to_vec())
    };
    let kept = shown(&layout);
    assert!(kept.is_some());
    frame(&mut state, &mut layout);
    assert_eq!(shown(&layout), kept);
    for act in [ReplayAct::First, ReplayAct::Forward, ReplayAct::Last] {
        update(&mut state, Action::Do(Command::Replay(act)));
        frame(&mut state, &mut layout);
        let anew = laid_out(&mut state);
        assert_eq!(shown(&layout), shown(&anew), "{act:?}");
        assert_eq!(rows(&layout), rows(&anew), "{act:?}");
        let is_whole = act == ReplayAct::Last;
        assert_eq!(shown(&layout) == kept, is_whole, "{act:?}");
    }
    let wide = rows(&layout);
    let differences = || Action::Do(Command::Compare(CompareAct::Differences));
    for (action, is_as_before) in [
        (Action::Resize(size(40, 10)), false),
        (differences(), false),
        (Action::Resize(size(120, 40)), false),
        (differences(), true),
    ] {
        update(&mut state, action);
        frame(&mut state, &mut layout);
        let now = rows(&layout);
        assert_eq!(now, rows(&laid_out(&mut state)));
        assert_eq!(now == wide, is_as_before);
    }
    state.compare = None;
    frame(&mut state, &mut layout);
    assert_eq!(shown(&layout), None);
}

#[test]
fn words_that_differ_are_listed_beside_each_other() {
    let mut state = whole(size(120, 40));
    let differences = Command::Compare(CompareAct::Differences);
    update(&mut state, Action::Do(differences));
    insta::assert_snapshot!(screen(state));
}
