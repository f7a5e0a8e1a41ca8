//! The screen's test bench: the full-screen chat with an engine that only pretends.
//!
//! `cargo run -p unmask --example fake` answers every message with the same text, one step every 140 ms. Four words do
//! something else: `fail` fails, `hang` makes a step that takes a minute, `flood` steps as fast as it can, `marks` answers with
//! Markdown.

#[path = "../src/fixture/model.rs"]
mod model;
#[path = "fake/text.rs"]
mod text;

use std::collections::HashMap;
use std::io::Error;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use unmask::run::{EngineClient, Setup, run};
use unmask_core::engine::{
    EngineEvent, Failure, FailureKind, LoadRequest, Loaded, Outcome, TurnEvent, TurnId, TurnInput,
    TurnRequest,
};
use unmask_core::event::{Commit, CommitKind, FinishReason, Stats, StepEvent};
use unmask_core::text::{Piece, Vocabulary};
use unmask_core::{Canvas, Params, Position, TokenId};

use model::{END, MASK, RESERVED, model};
use text::{ANSWER, MARKED, words};

fn main() -> Result<(), Error> {
    let (news, inbox) = unbounded_channel();
    let (orders, queue) = channel();
    std::thread::spawn(move || Pretender::new(news).obey(&queue));
    let setup = Setup {
        load: Some(LoadRequest {
            key: "fake".to_owned(),
            ..LoadRequest::default()
        }),
        ..Setup::default()
    };
    run(&mut Handle(orders), inbox, setup)
        .map(drop)
        .map_err(Error::other)
}

enum Order {
    Load(LoadRequest),
    Start(Box<TurnRequest>),
    Pause,
    Resume,
    Stop,
    Abandon,
    CancelLoad,
}

struct Handle(Sender<Order>);

impl Handle {
    fn tell(&self, order: Order) {
        // The screen is told of the engine's end by the channel of its news.
        drop(self.0.send(order));
    }
}

impl EngineClient for Handle {
    fn load(&mut self, request: LoadRequest) {
        self.tell(Order::Load(request));
    }
    fn start(&mut self, request: TurnRequest) {
        self.tell(Order::Start(Box::new(request)));
    }
    fn pause(&mut self) {
        self.tell(Order::Pause);
    }
    fn resume(&mut self) {
        self.tell(Order::Resume);
    }
    fn stop(&mut self) {
        self.tell(Order::Stop);
    }
    fn abandon(&mut self) {
        self.tell(Order::Abandon);
    }
    fn cancel_load(&mut self) {
        self.tell(Order::CancelLoad);
    }
}

struct Pretender {
    news: UnboundedSender<EngineEvent>,
    /// The answers' tokens.
    plain: Vec<TokenId>,
    marked: Vec<TokenId>,
    vocabulary: Arc<Vocabulary>,
}

impl Pretender {
    fn new(news: UnboundedSender<EngineEvent>) -> Self {
        let mut ids = HashMap::new();
        let mut pieces: Vec<(&[u8], bool)> = RESERVED.to_vec();
        let mut tokens = |text| {
            let pieces = words(text).into_iter().map(|piece| {
                *ids.entry(piece).or_insert_with(|| {
                    pieces.push((piece, false));
                    TokenId(pieces.len() as u32 - 1)
                })
            });
            pieces.collect()
        };
        let (plain, marked) = (tokens(ANSWER), tokens(MARKED));
        Self {
            news,
            plain,
            marked,
            vocabulary: Arc::new(Vocabulary::new(pieces)),
        }
    }

    fn obey(&self, orders: &Receiver<Order>) {
        while let Ok(order) = orders.recv() {
            match order {
                Order::Load(request) => self.load(&request.key, orders),
                Order::Start(request) => self.denoise(&request, orders),
                Order::Pause | Order::Resume | Order::Stop | Order::Abandon | Order::CancelLoad => {
                }
            }
        }
    }

    fn tell(&self, event: EngineEvent) {
        // Nobody listens once the screen is closed.
        drop(self.news.send(event));
    }

    fn load(&self, key: &str, orders: &Receiver<Order>) {
        const TOTAL: u64 = 4_900_000_000;
        for tenth in 0..=10 {
            self.tell(EngineEvent::Loading {
                key: key.to_owned(),
                stage: "reading weights".to_owned(),
                done: TOTAL * tenth / 10,
                total: TOTAL,
            });
            if let Ok(Order::CancelLoad) = orders.recv_timeout(Duration::from_millis(100)) {
                return self.tell(EngineEvent::LoadFailed {
                    key: key.to_owned(),
                    failure: failure("stopped on request"),
                });
            }
        }
        self.tell(EngineEvent::Loaded(Arc::new(self.loaded(key))));
    }

    fn loaded(&self, key: &str) -> Loaded {
        Loaded {
            key: key.to_owned(),
            name: "Pretender-0B".to_owned(),
            backend: "fake".to_owned(),
            device: "cpu".to_owned(),
            device_name: "no device".to_owned(),
            device_kind: None,
            ..model(Arc::clone(&self.vocabulary))
        }
    }

    fn denoise(&self, request: &TurnRequest, orders: &Receiver<Order>) {
        let TurnInput::Chat {
            messages, length, ..
        } = &request.input
        else {
            return;
        };
        let said = messages.last().map_or("", |message| &message.content);
        if said == "fail" {
            let failed = failure("5210 tokens, limit 4096: shorten by 1114");
            return self.tell_turn(request.turn, TurnEvent::Failed(failed));
        }
        let pace = match said {
            "hang" => Duration::from_secs(60),
            "flood" => Duration::from_micros(50),
            _ => Duration::from_millis(140),
        };
        let canvas = Canvas::new(&[], *length, MASK);
        Denoising {
            pretender: self,
            answer: match said {
                "marks" => &self.marked,
                _ => &self.plain,
            },
            turn: request.turn,
            params: request.params.clone(),
            canvas,
            pace,
            begun: Instant::now(),
        }
        .run(orders);
    }

    fn tell_turn(&self, turn: TurnId, event: TurnEvent) {
        self.tell(EngineEvent::Turn(turn, event));
    }
}

fn failure(text: &str) -> Failure {
    Failure {
        kind: FailureKind::Usage,
        text: text.to_owned(),
        hint: "/new begins a shorter conversation".to_owned(),
    }
}

/// What follows a step.
#[derive(PartialEq)]
enum Rest {
    GoOn,
    End,
}

struct Denoising<'a> {
    pretender: &'a Pretender,
    answer: &'a [TokenId],
    turn: TurnId,
    params: Params,
    canvas: Canvas,
    pace: Duration,
    begun: Instant,
}

impl Denoising<'_> {
    fn run(mut self, orders: &Receiver<Order>) {
        self.tell(TurnEvent::Started {
            canvas: self.canvas.clone(),
            params: Box::new(self.params.clone()),
            left_out: 0,
        });
        for step in 1..=self.params.steps {
            let Some(order) = self.compute(orders) else {
                return;
            };
            self.step(step);
            if self.rest(step, order, orders) == Rest::End {
                return self.finish(step, FinishReason::Stopped);
            }
        }
        self.finish(self.params.steps, FinishReason::Complete);
    }

    /// Takes as long as a forward does; the first order that came meanwhile, or `None` if the turn was abandoned.
    fn compute(&self, orders: &Receiver<Order>) -> Option<Option<Order>> {
        let end = Instant::now() + self.pace;
        let mut first = None;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match orders.recv_timeout(left) {
                Ok(Order::Abandon) => return None,
                Ok(order) => first = first.or(Some(order)),
                Err(_) => return Some(first),
            }
        }
    }

    /// Obeys an order between two steps.
    fn rest(&self, step: usize, order: Option<Order>, orders: &Receiver<Order>) -> Rest {
        match order {
            Some(Order::Pause) => {
                self.tell(TurnEvent::Paused(step));
                match orders.recv() {
                    Ok(Order::Resume) => self.tell(TurnEvent::Resumed),
                    Ok(_) | Err(_) => return Rest::End,
                }
                Rest::GoOn
            }
            Some(Order::Stop) => Rest::End,
            Some(_) | None => Rest::GoOn,
        }
    }

    fn step(&mut self, step: usize) {
        let (length, steps) = (self.canvas.len(), self.params.steps);
        let blocks = length.div_ceil(self.params.block_length);
        let block = (step - 1) * blocks / steps;
        let end = ((block + 1) * self.params.block_length).min(length);
        let masked: Vec<Position> = self.canvas.masked_in(0..end).collect();
        let count = (length * step / steps) - (length * (step - 1) / steps);
        // Every seventh of those that are left, so that they come in no order.
        let chosen =
            (0..count.min(masked.len())).map(|i| masked[(i * 7 + step * 3) % masked.len()]);
        let mut commits: Vec<Commit> = chosen.map(|at| self.commit(at)).collect();
        commits.dedup_by_key(|commit| commit.at);
        for commit in &commits {
            self.canvas.commit(commit.at, commit.token);
        }
        self.tell(TurnEvent::Step(StepEvent {
            guesses: Vec::new(),
            step,
            steps,
            call: step - 1,
            block,
            blocks,
            fed: 0..self.canvas.len(),
            length: self.canvas.len(),
            masked: masked.len() - commits.len(),
            commits,
            elapsed: self.pace,
            forward: Duration::ZERO,
            nfe: step,
            nfe_saved: 0.0,
        }));
    }

    fn commit(&self, at: Position) -> Commit {
        let confidence = (at.index() * 37 % 100) as f32 / 100.0;
        Commit {
            at,
            token: self.answer.get(at.index()).copied().unwrap_or(END),
            was: None,
            confidence,
            entropy: 1.0 - confidence,
            kind: CommitKind::New,
            top: Vec::new(),
        }
    }

    fn finish(&self, steps: usize, reason: FinishReason) {
        let is_text = |&&token: &&TokenId| token != MASK && token != END;
        let tokens: Vec<TokenId> = self
            .canvas
            .answer()
            .iter()
            .take_while(is_text)
            .copied()
            .collect();
        let mut bytes = Vec::new();
        for &token in &tokens {
            if let Piece::Bytes(piece) = self.pretender.vocabulary.piece(token) {
                bytes.extend_from_slice(piece);
            }
        }
        self.tell(TurnEvent::Finished(Outcome {
            canvas: self.canvas.clone(),
            text: String::from_utf8_lossy(&bytes).trim().to_owned(),
            holes: Vec::new(),
            reason,
            stats: Stats {
                steps,
                nfe: steps,
                text_tokens: tokens.len(),
                elapsed: self.begun.elapsed(),
                ..Stats::default()
            },
        }));
    }

    fn tell(&self, event: TurnEvent) {
        self.pretender.tell_turn(self.turn, event);
    }
}
