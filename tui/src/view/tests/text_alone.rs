//! A model whose server tells text alone: what is not known is neither shown as a number nor promised.

use std::sync::Arc;

use unmask_core::event::{Commit, CommitKind};

use super::*;
use crate::state::{Entry, Focus, Replay};

const WORDS: &[FixtureCell] = &[FixtureCell::Text(b"Two"), FixtureCell::Text(b" and")];

fn idle() -> State {
    let mut loaded = Arc::unwrap_or_clone(fixture::loaded(WORDS));
    loaded.text_alone = true;
    let mut state = State::new(size(120, 40));
    let loaded = EngineEvent::Loaded(Arc::new(loaded));
    update(&mut state, Action::Engine(loaded));
    state
}

/// In the middle of an answer.
fn answering() -> State {
    let mut state = idle();
    ask(&mut state, 4, QUESTION);
    let params = Box::new(state.settings.params.clone());
    apply_turn_event(
        &mut state,
        TurnEvent::Started {
            canvas: Canvas::new(&[], 1, MASK),
            params,
            left_out: 0,
        },
    );
    for at in 0..WORDS.len() {
        let word = fixture::token(WORDS, at);
        let commits = [(CommitKind::Inserted, MASK), (CommitKind::Pinned, word)];
        let commits = commits.map(|(kind, token)| Commit {
            kind,
            top: Vec::new(),
            ..fixture::new(at, token, 1.0)
        });
        let step = StepEvent {
            nfe: 0,
            ..fixture::step(at + 1, at + 1, commits.to_vec())
        };
        apply_turn_event(&mut state, TurnEvent::Step(step));
    }
    state
}

fn answered(text_tokens: usize) -> State {
    let mut state = answering();
    let outcome = Outcome {
        canvas: Canvas::new(&[], 1, MASK),
        text: "Two and".to_owned(),
        holes: Vec::new(),
        reason: FinishReason::EndToken,
        stats: Stats {
            steps: 3,
            text_tokens,
            elapsed: Duration::from_secs(2),
            text_alone: true,
            ..Stats::default()
        },
    };
    apply_turn_event(&mut state, TurnEvent::Finished(outcome));
    state
}

#[track_caller]
fn counts_nothing(screen: &str) {
    for word in ["forward", "NFE", "tok/s", "0 tok", "/step", "step 2", "2/2"] {
        assert!(!screen.contains(word), "{word}\n{screen}");
    }
}

#[test]
fn before_an_answer_no_cost_is_promised() {
    let screen = screen(idle());
    counts_nothing(&screen);
    assert!(screen.contains("≤ 128 tokens"), "{screen}");
}

#[test]
fn an_answer_that_comes_is_as_long_as_its_text() {
    let shown = screen(answering());
    counts_nothing(&shown);
    for words in ["Two and", "◐ answering", "7 characters"] {
        assert!(shown.contains(words), "{words}\n{shown}");
    }
    let mut small = answering();
    update(&mut small, Action::Resize(size(30, 5)));
    counts_nothing(&screen(small));
    assert_eq!(answering().window_title(), "unmask · answering");
}

#[test]
fn an_answer_has_the_tokens_that_its_server_tells_and_else_none() {
    let shown = screen(answered(0));
    counts_nothing(&shown);
    assert!(shown.contains("2.0 s"), "{shown}");
    let shown = screen(answered(5));
    assert!(shown.contains("5 tok · 2.0 s"), "{shown}");
    let mut state = answered(0);
    ask(&mut state, 5, "/stats");
    let shown = screen(state);
    counts_nothing(&shown);
    assert!(shown.contains("as its server does"), "{shown}");
}

#[test]
fn a_replay_shows_neither_steps_nor_certainty_that_nobody_told() {
    for (columns, rows) in [(80, 24), (160, 50)] {
        let mut state = answering();
        update(&mut state, Action::Resize(size(columns, rows)));
        state.focus = Focus::Canvas;
        state.replay = Some(Replay::new(state.transcript.entries.len(), 0));
        let shown = screen(state);
        for words in ["Replay", "“Two”", "came with part 1/2", "▸ 2/2"] {
            assert!(shown.contains(words), "{words}\n{shown}");
        }
        for word in [
            "conf",
            "entropy",
            "pinned",
            "1.00",
            "each token",
            "▴",
            "token 0",
            "step 1",
            "step 2",
            "block",
            "· id",
            "order",
            "edit text",
            "candidate",
        ] {
            assert!(!shown.contains(word), "{word}\n{shown}");
        }
    }
}

#[test]
fn settings_that_the_server_is_not_told_say_so() {
    let mut state = idle();
    update(&mut state, Action::Do(Command::Settings));
    let shown = screen(state);
    counts_nothing(&shown);
    assert!(shown.contains("the server tells text alone"), "{shown}");
    let line = |name: &str| {
        let mut lines = shown.lines();
        lines.find(|line| line.contains(name)).unwrap_or_default()
    };
    for name in ["speed", "steps", "cache", "pins"] {
        let line = line(name);
        assert!(line.contains("the server is not told"), "{name}\n{shown}");
    }
    for name in ["length", "temperature", "seed"] {
        let line = line(name);
        assert!(!line.contains("the server is not told"), "{name}\n{shown}");
    }
}

#[test]
fn what_came_of_an_answer_that_breaks_off_is_kept() {
    let mut state = answering();
    let failure = Failure {
        kind: FailureKind::Backend,
        text: "it broke off".to_owned(),
        hint: String::new(),
    };
    apply_turn_event(&mut state, TurnEvent::Failed(failure));
    let entries = state.transcript.entries.iter();
    let kept = entries.filter_map(|item| match &item.entry {
        Entry::Answer(answer) => Some((&*answer.text, answer.stats.text_tokens)),
        Entry::You { .. } | Entry::Failure(_) | Entry::Note(_) => None,
    });
    assert_eq!(kept.collect::<Vec<_>>(), [("Two and", 0)]);
}
