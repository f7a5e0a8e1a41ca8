//! Time of a frame: a step is applied, the canvas laid out anew and drawn, at 200×60 with 1,024 tokens. Budget: 4 ms.

use std::sync::Arc;
use std::time::Duration;

use divan::Bencher;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use unmask::action::{Action, Command, Size};
use unmask::state::State;
use unmask::update::{prepare, update};
use unmask::view;
use unmask_core::api::{Capabilities, ModelFacts};
use unmask_core::engine::{EngineEvent, Loaded, Outcome, TurnEvent};
use unmask_core::event::{Commit, CommitKind, FinishReason, Stats, StepEvent};
use unmask_core::family::SpecialIds;
use unmask_core::text::Vocabulary;
use unmask_core::{Canvas, Params, Position, TokenId};

const TOKENS: usize = 1024;
const MASK: TokenId = TokenId(0);
const WORDS: &[&str] = &[" number", " 漢字", " is", ",", " prime", "\n", " é", " 👩‍🔬"];

fn main() {
    divan::main();
}

fn loaded() -> Arc<Loaded> {
    let special: [(&[u8], bool); 2] = [(b"<|mdm_mask|>", true), (b"<|endoftext|>", true)];
    let words = WORDS.iter().map(|word| (word.as_bytes(), false));
    Arc::new(Loaded {
        key: "bench".to_owned(),
        name: "bench".to_owned(),
        backend: "none".to_owned(),
        backend_version: String::new(),
        device: "cpu".to_owned(),
        device_name: String::new(),
        facts: ModelFacts {
            vocab: WORDS.len() + 2,
            max_positions: 4096,
            memory_bytes: 0,
            precision: "f32".to_owned(),
            capabilities: Capabilities::default(),
            notes: String::new(),
        },
        special: SpecialIds {
            mask: MASK,
            eos: TokenId(1),
            eot: None,
            bos: None,
        },
        vocabulary: Arc::new(Vocabulary::new(special.into_iter().chain(words))),
        defaults: Params {
            steps: TOKENS,
            block_length: TOKENS,
            ..Params::default()
        },
        default_length: TOKENS,
    })
}

fn tell(state: &mut State, event: TurnEvent) {
    let turn = state.turn;
    update(state, Action::Engine(EngineEvent::Turn(turn, event)));
}

fn step(at: usize) -> TurnEvent {
    let token = TokenId(2 + (at % WORDS.len()) as u32);
    TurnEvent::Step(StepEvent {
        step: at + 1,
        steps: TOKENS,
        block: 0,
        blocks: 1,
        commits: vec![Commit {
            at: Position((at * 7 % TOKENS) as u32),
            token,
            confidence: 0.5,
            entropy: 1.0,
            kind: CommitKind::New,
            top: vec![(token, 0.5)],
        }],
        masked: TOKENS - at - 1,
        elapsed: Duration::from_millis(10),
        nfe: at + 1,
        nfe_saved: 0.0,
    })
}

/// A conversation with `answers` long answers and a turn that has made `steps` steps.
fn conversation(answers: usize, steps: usize) -> State {
    let mut state = State::new(Size {
        columns: 200,
        rows: 60,
    });
    update(&mut state, Action::Engine(EngineEvent::Loaded(loaded())));
    for _ in 0..answers {
        ask(&mut state);
        tell(
            &mut state,
            TurnEvent::Finished(Outcome {
                canvas: Canvas::new(&[], 1, MASK),
                text: WORDS.concat().repeat(TOKENS / WORDS.len()),
                reason: FinishReason::Complete,
                stats: Stats::default(),
            }),
        );
    }
    ask(&mut state);
    let params = state.settings.params.clone();
    let canvas = Canvas::new(&[], TOKENS, MASK);
    tell(&mut state, TurnEvent::Started { canvas, params });
    for at in 0..steps {
        tell(&mut state, step(at));
    }
    state
}

fn ask(state: &mut State) {
    update(state, Action::Paste("What is a prime number?".to_owned()));
    update(state, Action::Do(Command::Send));
}

/// With ten finished answers above, so that there are about 10,000 tokens in all.
#[divan::bench(args = [0, 512, 1000])]
fn step_to_frame(bencher: Bencher<'_, '_>, steps: usize) {
    let state = conversation(10, steps);
    let mut terminal =
        Terminal::new(TestBackend::new(200, 60)).expect("the test backend cannot fail");
    let mut prepared = state.clone();
    prepare(&mut prepared);
    bencher
        .with_inputs(|| prepared.clone())
        .bench_local_refs(|state| {
            tell(state, step(steps));
            prepare(state);
            terminal
                .draw(|frame| view::draw(state, frame))
                .expect("the test backend cannot fail");
        });
}

/// Everything is laid out anew: the width has changed.
#[divan::bench]
fn resize_to_frame(bencher: Bencher<'_, '_>) {
    let state = conversation(10, 512);
    let mut terminal =
        Terminal::new(TestBackend::new(200, 60)).expect("the test backend cannot fail");
    bencher
        .with_inputs(|| state.clone())
        .bench_local_refs(|state| {
            prepare(state);
            terminal
                .draw(|frame| view::draw(state, frame))
                .expect("the test backend cannot fail");
        });
}
