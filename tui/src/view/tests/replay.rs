//! Answers step by step.

use super::*;
use crate::action::ReplayAct;
use crate::state::{Replay, ReplayLayer};

/// The running answer, at a step, with the keys on “exactly”, which has runners-up.
fn replay(size: Size) -> State {
    let mut state = generating(size);
    let cells = cells();
    let at = |word: usize| fixture::token(&cells, word);
    let turn = state.running_mut().expect("it runs");
    let mut commit = fixture::new(12, at(12), 0.41);
    commit.kind = unmask_core::event::CommitKind::Changed;
    commit.entropy = 1.92;
    commit.top = [(12, 0.41), (6, 0.33), (13, 0.11), (3, 0.04), (5, 0.03)]
        .map(|(word, p)| (at(word), p))
        .to_vec();
    let event = StepEvent {
        guesses: Vec::new(),
        block: 1,
        blocks: 4,
        masked: 73,
        ..fixture::step(23, 64, vec![commit])
    };
    turn.apply(&event);
    state.focus = crate::state::Focus::Canvas;
    state.replay = Some(Replay {
        candidate: 1,
        ..Replay::new(2, 12)
    });
    state.replay.as_mut().expect("it is open").part = state.transcript.entries.len();
    state
}

/// A finished answer of 32 tokens, two a step, with the keys on “exactly”, which the steps before it had guessed.
fn short(size: Size, layer: ReplayLayer) -> State {
    const STEPS: usize = 16;
    let mut state = ready(size);
    ask(&mut state, 4, QUESTION);
    let params = Box::new(state.settings.params.clone());
    apply_turn_event(
        &mut state,
        TurnEvent::Started {
            canvas: Canvas::new(&[], 2 * STEPS, MASK),
            params,
            left_out: 0,
        },
    );
    let cells = cells();
    let commit = |at: usize, confidence: f32| unmask_core::event::Commit {
        entropy: 3.0 * (1.0 - confidence),
        ..fixture::new(at, fixture::token(&cells, at), confidence)
    };
    for step in 1..=STEPS {
        let commits: Vec<_> = [2 * step - 2, 2 * step - 1]
            // Here and there, each place once.
            .map(|nth| commit(nth * 7 % (2 * STEPS), 0.2 + 0.1 * (nth % 8) as f32))
            .to_vec();
        let told = commit(12, 0.05 * step as f32);
        let guess = unmask_core::event::Guess {
            at: told.at,
            token: told.token,
            confidence: told.confidence,
        };
        let event = StepEvent {
            // It is fixed at step 11.
            guesses: if step < 11 { vec![guess] } else { Vec::new() },
            masked: 2 * (STEPS - step),
            ..fixture::step(step, STEPS, commits)
        };
        apply_turn_event(&mut state, TurnEvent::Step(event));
    }
    answer(&mut state, "A prime number", 2 * STEPS, STEPS, 2_240);
    state.focus = crate::state::Focus::Canvas;
    let part = state.transcript.entries.len() - 1;
    state.replay = Some(Replay {
        layer,
        ..Replay::new(part, 12)
    });
    state
}

fn act(state: &mut State, act: ReplayAct) {
    update(state, Action::Do(Command::Replay(act)));
}

#[test]
fn replay_at_80_by_24() {
    insta::assert_snapshot!(screen(replay(size(80, 24))));
}

#[test]
fn replay_at_120_by_40() {
    insta::assert_snapshot!(screen(replay(size(120, 40))));
}

#[test]
fn replay_at_200_by_60_has_two_columns_beside_the_answer() {
    let state = short(size(200, 60), ReplayLayer::Confidence);
    insta::assert_snapshot!(screen(state));
}

#[test]
fn a_short_answer_has_a_bar_for_each_token_in_every_layer() {
    for layer in [
        ReplayLayer::Confidence,
        ReplayLayer::Order,
        ReplayLayer::Entropy,
    ] {
        insta::assert_snapshot!(screen(short(size(120, 40), layer)));
    }
}

#[test]
fn replay_at_60_by_20() {
    insta::assert_snapshot!(screen(replay(size(60, 20))));
}

#[test]
fn replay_at_the_smallest_size() {
    insta::assert_snapshot!(screen(replay(size(40, 10))));
}

#[test]
fn an_earlier_step_of_a_running_answer_says_how_far_behind_it_is() {
    let mut state = replay(size(80, 24));
    act(&mut state, ReplayAct::TenBack);
    act(&mut state, ReplayAct::Span);
    act(&mut state, ReplayAct::WordRight);
    act(&mut state, ReplayAct::Remask);
    insta::assert_snapshot!(screen(state));
}

#[test]
fn the_grid_shows_the_step_of_each_token() {
    let mut state = replay(size(80, 24));
    act(&mut state, ReplayAct::Grid);
    act(&mut state, ReplayAct::Layer);
    insta::assert_snapshot!(screen(state));
}

#[test]
fn text_for_tokens_is_typed_over_the_replay() {
    let mut state = replay(size(80, 24));
    act(&mut state, ReplayAct::Write);
    insta::assert_snapshot!(screen(state));
}

#[test]
fn every_layer_and_the_marks_are_told_apart_without_colour() {
    let mut state = replay(size(80, 24));
    let mut seen = Vec::new();
    for layer in [
        ReplayLayer::Confidence,
        ReplayLayer::Order,
        ReplayLayer::Entropy,
    ] {
        let replay = state.replay.as_mut().expect("it is open");
        replay.layer = layer;
        replay.patch.remask(3);
        let terminal = terminal(&mut state);
        let buffer = terminal.backend().buffer();
        // The space before the fourth word of the first row, and that word.
        let is_marked = |x: u16| {
            let modifier = buffer[(x, 1)].modifier;
            modifier.contains(ratatui::style::Modifier::REVERSED)
        };
        seen.push([is_marked(16), is_marked(17)]);
    }
    assert_eq!(seen, [[false, true]; 3]);
}

#[test]
fn what_if_is_offered_where_there_are_candidates() {
    let mut state = replay(size(80, 24));
    assert!(screen(state.clone()).contains("Enter what if"));
    let turn = state.running_mut().expect("it runs");
    let mut commit = fixture::new(12, fixture::token(&cells(), 6), 1.0);
    commit.kind = unmask_core::event::CommitKind::Pinned;
    commit.top = Vec::new();
    turn.apply(&fixture::step(24, 64, vec![commit]));
    let shown = screen(state);
    assert!(
        !shown.contains("what if") && !shown.contains("candidate"),
        "{shown}"
    );
}
