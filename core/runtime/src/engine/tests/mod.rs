//! The engine against a model in this file: every position wants the token `position % 16`, later positions are surer.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use unmask_api::{
    BackendError, Capabilities, LoadProgress, LogitsMut, Model, ModelFacts, Pass, Session,
    SessionSpec, TokenId,
};

use super::*;
use crate::Params;
use crate::event::FinishReason;
use crate::family::SpecialIds;
use crate::plugin::Running;
use crate::text::Vocabulary;
use crate::text::pins::PinPlaceError;

mod layout;
mod loads;
mod races;

const VOCAB: usize = 16;
const MASK: TokenId = TokenId(15);
const END: TokenId = TokenId(11);

/// Each forward takes one permit from the gate, if there is one.
#[derive(Clone, Default)]
struct Fake {
    gate: Option<Arc<Mutex<Receiver<()>>>>,
    /// What a gate that has closed means: the end of its process, or else a stop.
    is_mortal: bool,
}

impl Model for Fake {
    fn facts(&self) -> ModelFacts {
        ModelFacts {
            vocab: VOCAB,
            max_positions: 32,
            memory_bytes: 0,
            precision: "f32".to_owned(),
            capabilities: Capabilities::BATCH | Capabilities::CANCEL,
            notes: String::new(),
        }
    }
    fn session(&self, _: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(self.clone()))
    }
}

impl Session for Fake {
    fn forward(&mut self, pass: &Pass<'_>, out: LogitsMut<'_>) -> Result<(), BackendError> {
        if let Some(gate) = &self.gate {
            gate.lock()
                .expect("one session")
                .recv()
                .map_err(|_| match self.is_mortal {
                    true => BackendError::Gone {
                        backend: "fake".to_owned(),
                        how: "ended".to_owned(),
                    },
                    false => BackendError::Cancelled,
                })?;
        }
        if pass.cancel.is_raised() {
            return Err(BackendError::Cancelled);
        }
        out.scores.fill(0.0);
        for (row, &wanted) in out.scores.chunks_exact_mut(VOCAB).zip(pass.wanted) {
            let at = pass.positions[wanted as usize];
            row[at.index() % VOCAB] = 1.0 + at.0 as f32;
        }
        Ok(())
    }
}

impl ModelText for Fake {
    fn prompt(&self, messages: &[Message]) -> Result<Vec<TokenId>, Failure> {
        let token = |message: &Message| TokenId(message.content.len() as u32);
        Ok(messages.iter().map(token).collect())
    }
    fn place(&self, pins: &[Pin], length: usize) -> Result<Vec<Vec<TokenId>>, PinPlaceError> {
        let beyond = pins.iter().position(|pin| pin.at.index() >= length);
        match beyond {
            Some(pin) => Err(PinPlaceError::Beyond {
                pin,
                word: pins[pin].word.clone(),
                start: pins[pin].at.0,
                last: u64::from(pins[pin].at.0),
                length,
            }),
            None => Ok(pins.iter().map(|_| vec![TokenId(9)]).collect()),
        }
    }
    fn finished(&self, answer: &[TokenId]) -> Result<String, Failure> {
        let tokens = answer.iter().take_while(|&&token| token != END);
        Ok(tokens
            .filter(|&&token| token != MASK)
            .map(|token| format!("{:x}", token.0))
            .collect())
    }
    fn stopped(&self, answer: &[TokenId]) -> Result<String, Failure> {
        let end = answer.iter().position(|&token| token == MASK);
        self.finished(&answer[..end.unwrap_or(answer.len())])
    }
}

impl Loader for Fake {
    fn load(
        &mut self,
        request: &LoadRequest,
        progress: &(dyn Fn(LoadProgress<'_>) -> ControlFlow<()> + Sync),
    ) -> Result<ReadyModel, Failure> {
        match request.key.as_str() {
            "panic" => panic!("asked to"),
            "missing" => Err(no_such(&request.key)),
            key => {
                let at = LoadProgress {
                    stage: "reading weights",
                    done: 1,
                    total: 2,
                };
                if progress(at).is_break() {
                    return Err(no_such(&request.key));
                }
                if let Some(gate) = self.gate.as_ref().filter(|_| key == "deaf") {
                    gate.lock().expect("nobody else loads").recv().ok();
                }
                Ok(ready(key, self.clone()))
            }
        }
    }
}

fn no_such(key: &str) -> Failure {
    Failure {
        kind: FailureKind::Model,
        text: format!("no model `{key}`"),
        hint: String::new(),
    }
}

fn ready(key: &str, fake: Fake) -> ReadyModel {
    ReadyModel {
        loaded: Arc::new(Loaded {
            key: key.to_owned(),
            name: key.to_owned(),
            backend: "fake".to_owned(),
            running: Running::Here,
            backend_version: "1".to_owned(),
            device: "cpu".to_owned(),
            device_name: "cpu".to_owned(),
            facts: fake.facts(),
            special: SpecialIds {
                mask: MASK,
                eos: END,
                eot: None,
                bos: None,
            },
            vocabulary: Arc::new(Vocabulary::default()),
            defaults: Params::default(),
            default_length: 4,
            default_seed: None,
        }),
        model: Box::new(fake.clone()),
        text: Box::new(fake),
    }
}

struct Bench {
    engine: Engine,
    news: Receiver<EngineEvent>,
}

impl Bench {
    fn new(fake: Fake) -> Self {
        let (tell, news) = channel();
        let tell = move |event| drop(tell.send(event));
        let engine = Engine::start(Box::new(fake), tell).expect("a thread can be had");
        Self { engine, news }
    }

    fn loaded(fake: Fake) -> Self {
        let mut bench = Self::new(fake);
        bench.load("a");
        assert!(matches!(bench.next(), EngineEvent::Loading { done: 1, .. }));
        assert!(matches!(bench.next(), EngineEvent::Loaded(loaded) if loaded.key == "a"));
        bench
    }

    fn load(&mut self, key: &str) {
        self.engine.load(LoadRequest {
            key: key.to_owned(),
            ..LoadRequest::default()
        });
    }

    fn begin(&mut self, input: TurnInput, length: usize) {
        self.engine.begin(TurnRequest {
            turn: TurnId(7),
            input,
            params: Params {
                steps: length,
                block_length: length,
                ..Params::default()
            },
        });
    }

    fn next(&self) -> EngineEvent {
        self.news.recv().expect("the engine tells something")
    }

    fn next_turn(&self) -> TurnEvent {
        match self.next() {
            EngineEvent::Turn(TurnId(7), event) => event,
            other => panic!("not news of the turn: {other:?}"),
        }
    }

    fn outcome(&self) -> Outcome {
        loop {
            match self.next_turn() {
                TurnEvent::Finished(outcome) => return outcome,
                TurnEvent::Failed(failure) => panic!("{failure:?}"),
                TurnEvent::Started { .. }
                | TurnEvent::Step(_)
                | TurnEvent::Paused(_)
                | TurnEvent::Resumed => (),
            }
        }
    }

    fn failure(&self) -> Failure {
        match self.next_turn() {
            TurnEvent::Failed(failure) => failure,
            other => panic!("did not fail: {other:?}"),
        }
    }
}

fn prompt(length: usize) -> TurnInput {
    TurnInput::Tokens {
        prompt: vec![TokenId(1); 2],
        length,
    }
}

fn gated() -> (Fake, Sender<()>) {
    let (permit, gate) = channel();
    let gate = Some(Arc::new(Mutex::new(gate)));
    let fake = Fake {
        gate,
        ..Fake::default()
    };
    (fake, permit)
}

#[test]
fn a_turn_runs_to_its_end() {
    let mut bench = Bench::loaded(Fake::default());
    bench.begin(prompt(4), 4);
    let outcome = bench.outcome();
    assert_eq!(
        (outcome.text.as_str(), outcome.reason),
        ("2345", FinishReason::Complete)
    );
    assert_eq!((outcome.stats.nfe, outcome.stats.committed), (4, 4));
}

#[test]
fn an_end_token_ends_the_turn_before_the_last_block() {
    let mut bench = Bench::loaded(Fake::default());
    bench.engine.begin(TurnRequest {
        turn: TurnId(7),
        input: prompt(20),
        params: Params {
            steps: 20,
            block_length: 5,
            ..Params::default()
        },
    });
    let outcome = bench.outcome();
    // Position 11 wants the end token; it stands in the second block of four.
    assert_eq!(
        (outcome.text.as_str(), outcome.reason),
        ("23456789a", FinishReason::EndToken)
    );
    assert_eq!((outcome.stats.nfe, outcome.stats.nfe_saved), (10, 10.0));
}

#[test]
fn a_pause_changes_no_token() {
    let (fake, permit) = gated();
    let mut bench = Bench::loaded(fake);
    bench.begin(prompt(4), 4);
    assert!(matches!(bench.next_turn(), TurnEvent::Started { .. }));
    bench.engine.pause();
    permit.send(()).expect("the session waits");
    let paused = loop {
        match bench.next_turn() {
            TurnEvent::Paused(step) => break step,
            TurnEvent::Step(_) => (),
            other => panic!("{other:?}"),
        }
    };
    assert!(paused <= 1);
    bench.engine.resume();
    (0..4).for_each(|_| permit.send(()).expect("the session waits"));
    assert_eq!(bench.outcome().text, "2345");
}

#[test]
fn a_stopped_turn_keeps_the_text_before_the_first_mask() {
    let (fake, permit) = gated();
    let mut bench = Bench::loaded(fake);
    bench.begin(prompt(4), 4);
    bench.engine.stop();
    permit.send(()).ok();
    let outcome = bench.outcome();
    assert_eq!(
        (outcome.text.as_str(), outcome.reason),
        ("", FinishReason::Stopped)
    );
    assert!(outcome.canvas.masked_in(0..6).count() >= 3);
}

#[test]
fn an_abandoned_turn_ends_inside_a_forward() {
    let (fake, permit) = gated();
    let mut bench = Bench::loaded(fake);
    bench.begin(prompt(4), 4);
    assert!(matches!(bench.next_turn(), TurnEvent::Started { .. }));
    bench.engine.abandon();
    permit.send(()).ok();
    assert_eq!(bench.outcome().stats.committed, 0);
}

#[test]
fn a_model_whose_process_has_ended_is_let_go_of_and_can_be_loaded_again() {
    let (mut fake, permit) = gated();
    fake.is_mortal = true;
    let mut bench = Bench::loaded(fake);
    bench.begin(prompt(4), 4);
    assert!(matches!(bench.next_turn(), TurnEvent::Started { .. }));
    permit.send(()).expect("the session waits");
    assert!(matches!(bench.next_turn(), TurnEvent::Step(_)));
    drop(permit);
    let failure = bench.failure();
    assert_eq!(failure.text, "the process of fake ended");
    assert!(failure.hint.contains("log"), "{failure}");
    let EngineEvent::Lost { loaded, again, .. } = bench.next() else {
        panic!("the model still counts as loaded");
    };
    assert_eq!((loaded.key.as_str(), again.key.as_str()), ("a", "a"));
    bench.begin(prompt(2), 2);
    assert_eq!(bench.failure().text, "no model is loaded");
    bench.engine.load(again);
    assert_eq!(loads::words(&bench, 1), ["loading a", "loaded a"]);
}

#[test]
fn a_turn_without_a_model_says_so() {
    let mut bench = Bench::new(Fake::default());
    bench.begin(prompt(2), 2);
    assert_eq!(bench.failure().text, "no model is loaded");
}

#[test]
fn settings_that_do_not_divide_are_a_usage_failure() {
    let mut bench = Bench::loaded(Fake::default());
    bench.begin(prompt(5), 2);
    assert_eq!(bench.failure().kind, FailureKind::Usage);
}
