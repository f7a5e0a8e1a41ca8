//! The engine against a model in this file: every position wants the token `position % 16`, later positions are surer.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, Weak};

use unmask_api::{
    Attention, BackendError, Capabilities, DeviceKind, LoadProgress, LogitsMut, Model, ModelFacts,
    Pass, Position, Session, SessionSpec, TokenId,
};

use super::*;
use crate::Params;
use crate::event::FinishReason;
use crate::family::{FamilyRules, Shift, SpecialIds};
use crate::likelihood::Pair;
use crate::plugin::Running;
use crate::sampler::strategies::{Begin, STRATEGIES};
use crate::text::Vocabulary;
use crate::text::pins::PinPlaceError;

mod away;
mod beside;
mod concurrent;
mod fairness;
mod fill;
mod kept;
mod layout;
mod loads;
mod measure;
mod races;
mod strategies;
mod turns;

const VOCAB: usize = 16;
const MASK: TokenId = TokenId(15);
const END: TokenId = TokenId(11);

/// Each forward takes one permit from the gate, if there is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fake {
    gate: Option<Arc<Mutex<Receiver<()>>>>,
    /// What a gate that has closed means: the end of its process, or else a stop.
    is_mortal: bool,
    /// Whether that process has ended, for whoever opens a session.
    has_ended: Arc<AtomicBool>,
    /// Whose rows the last pass left.
    output: Vec<Position>,
    /// Instead of those of this build.
    strategies: Option<&'static [Begin]>,
    /// Bidirectional, and without cells, if it is not said.
    attention: Option<Attention>,
    /// Tokens that were fed, in all.
    fed: Arc<AtomicUsize>,
    /// Rows of each pass.
    passes: Arc<Mutex<Vec<usize>>>,
    /// Slots that all sessions may have, if there is a limit, and those of each that is open.
    most_slots: Option<u32>,
    slots: Arc<Mutex<Vec<OpenSlots>>>,
    /// Of a session: whether it is open.
    _open: Option<Arc<()>>,
}

/// A session, and its slots.
type OpenSlots = (Weak<()>, u32);

impl Fake {
    /// A session's own part, if there is room.
    fn open(&self, spec: SessionSpec) -> Result<Self, BackendError> {
        let mut slots = self.slots.lock().expect("nobody panics");
        slots.retain(|(session, _)| session.strong_count() > 0);
        let taken: u32 = slots.iter().map(|(_, slots)| slots).sum();
        if self
            .most_slots
            .is_some_and(|most| taken + spec.slots > most)
        {
            return Err(BackendError::OutOfMemory("no slot is left".to_owned()));
        }
        let open = Arc::new(());
        slots.push((Arc::downgrade(&open), spec.slots));
        Ok(Self {
            _open: Some(open),
            ..self.clone()
        })
    }
}

impl Model for Fake {
    fn facts(&self) -> ModelFacts {
        ModelFacts {
            vocab: VOCAB,
            max_positions: 32,
            memory_bytes: 0,
            cell_bytes: 0,
            precision: "f32".to_owned(),
            capabilities: match self.attention {
                Some(_) => Capabilities::BATCH | Capabilities::CANCEL | Capabilities::KV_CACHE,
                None => Capabilities::BATCH | Capabilities::CANCEL | Capabilities::ATTENTION_MASK,
            },
            notes: Vec::new(),
        }
    }
    fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        if self.has_ended.load(Ordering::Relaxed) {
            return Err(BackendError::Gone {
                backend: "fake".to_owned(),
                how: "ended".to_owned(),
            });
        }
        Ok(Box::new(self.open(spec)?))
    }
}

impl Session for Fake {
    fn reserve(&mut self, _: u32) -> Result<(), BackendError> {
        Ok(())
    }

    fn forward(&mut self, pass: &Pass<'_>) -> Result<(), BackendError> {
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
        (self.fed).fetch_add(pass.tokens.len(), Ordering::Relaxed);
        (self.passes.lock().expect("nobody panics")).push(pass.rows.len());
        let wanted = pass.wanted.iter();
        self.output = wanted.map(|&at| pass.positions[at as usize]).collect();
        Ok(())
    }

    fn read_logits(&mut self, rows: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
        out.scores.fill(0.0);
        for (row, &index) in out.scores.chunks_exact_mut(VOCAB).zip(rows) {
            let at = self.output[index as usize];
            row[at.index() % VOCAB] = 1.0 + at.0 as f32;
        }
        Ok(())
    }
}

impl ModelText for Fake {
    fn encode(&self, text: &str) -> Result<Vec<TokenId>, Failure> {
        let digits = text.chars().map(|digit| digit.to_digit(16).map(TokenId));
        digits.collect::<Option<_>>().ok_or_else(|| no_such(text))
    }
    fn encode_long(&self, text: &str) -> Result<Vec<TokenId>, Failure> {
        self.encode(text)
    }
    fn pair(&self, context: &str, continuation: &str) -> Result<Pair, Failure> {
        Ok(Pair {
            context: self.encode(context)?,
            continuation: self.encode(continuation)?,
        })
    }
    fn prompt(&self, messages: &[Message]) -> Result<Vec<TokenId>, Failure> {
        let token = |message: &Message| TokenId(message.content.len() as u32);
        Ok(messages.iter().map(token).collect())
    }
    fn render(&self, messages: &[Message]) -> Result<String, Failure> {
        Ok(messages.iter().map(|it| it.content.as_str()).collect())
    }
    fn decode(&self, tokens: &[TokenId], _: SpecialTokens) -> Result<String, Failure> {
        Ok(tokens.iter().map(|it| format!("{:x}", it.0)).collect())
    }
    fn until(&self, answer: &[TokenId], _: &[String]) -> Result<String, Failure> {
        self.finished(answer)
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
    ) -> Result<Ready, Failure> {
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
                Ok(Ready::Here(ready(key, self.clone())))
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
            provenance: crate::provenance::Provenance::default(),
            backend: "fake".to_owned(),
            running: match fake.is_mortal {
                true => Running::Alone,
                false => Running::Here,
            },
            backend_version: "1".to_owned(),
            device: "cpu".to_owned(),
            device_name: "cpu".to_owned(),
            device_kind: Some(DeviceKind::Cpu),
            precision_reason: crate::precision::PrecisionReason::Named,
            facts: fake.facts(),
            special: SpecialIds {
                mask: MASK,
                eos: END,
                eot: None,
                other_ends: Vec::new(),
                bos: None,
            },
            rules: FamilyRules::of(
                fake.attention.unwrap_or(Attention::Bidirectional),
                Shift::None,
            ),
            vocabulary: Arc::new(Vocabulary::default()),
            text: Arc::new(fake.clone()),
            defaults: Params::default(),
            default_length: 4,
            default_seed: None,
            measured: None,
            presets: Vec::new(),
            text_alone: false,
            is_untold: true,
        }),
        attention: fake.attention.unwrap_or(Attention::Bidirectional),
        strategies: fake.strategies.unwrap_or(STRATEGIES),
        model: Box::new(fake),
    }
}

struct Bench {
    engine: Engine,
    events: Receiver<EngineEvent>,
    /// Kept, so that no turn is abandoned.
    turns: Vec<TurnHandle>,
}

impl Bench {
    fn new(fake: Fake) -> Self {
        Self::concurrent(fake, Concurrency::ONE)
    }

    fn concurrent(fake: Fake, concurrency: Concurrency) -> Self {
        let (sender, events) = channel();
        let on_event = move |event| drop(sender.send(event));
        let engine = Engine::start_concurrent(concurrency, Box::new(fake), on_event, |_, _| ());
        let engine = engine.expect("a thread can be had");
        Self {
            engine,
            events,
            turns: Vec::new(),
        }
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
        self.begin_with(
            input,
            Params {
                steps: length,
                block_length: length,
                ..Params::default()
            },
        );
    }

    fn begin_with(&mut self, input: TurnInput, params: Params) {
        self.turns.push(self.engine.begin(TurnRequest {
            turn: TurnId(7),
            input,
            params,
        }));
    }

    /// The turn begun last.
    fn turn(&self) -> &TurnHandle {
        self.turns.last().expect("a turn was begun")
    }

    fn next(&self) -> EngineEvent {
        self.events.recv().expect("the engine says something")
    }

    fn next_turn(&self) -> TurnEvent {
        match self.next() {
            EngineEvent::Turn(TurnId(7), event) => event,
            other => panic!("no event of the turn: {other:?}"),
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
