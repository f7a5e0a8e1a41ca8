use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use unmask_api::{BackendError, ErrorCode, TokenId};

use super::control::{Control, Wish};
use super::layout::{LaidOut, lay_out};
use super::load::Current;
use super::model::{Loader, ReadyModel};
use super::{
    EngineEvent, Failure, FailureKind, LoadRequest, Outcome, Pin, Placed, TurnEvent, TurnRequest,
};
use crate::event::FinishReason;
use crate::generate::{Denoise, DenoiseError};
use crate::text::answer::pinned_kept;

/// What the handle asks of the thread.
pub(super) enum Command {
    Load(LoadRequest, Arc<Control>),
    Turn(Box<TurnRequest>, Arc<Control>),
    Place(Vec<Pin>, usize),
}

/// Whoever hears what happens.
pub(super) struct Listener(pub(super) Box<dyn Fn(EngineEvent) + Send + Sync>);

impl Listener {
    /// A listener that panics misses the event, but ends neither the turn nor the thread.
    pub(super) fn tell(&self, event: EngineEvent) {
        if catch_unwind(AssertUnwindSafe(|| (self.0)(event))).is_err() {
            tracing::error!("the engine's listener panicked; an event is lost");
        }
    }
}

/// The engine's thread: owns the model, carries out one command after the other until the handle is gone.
pub(super) struct Worker {
    pub(super) loader: Box<dyn Loader>,
    pub(super) listener: Listener,
    pub(super) current: Option<Current>,
}

impl Worker {
    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        while let Ok(command) = commands.recv() {
            match command {
                Command::Load(request, control) => self.load(request, &control),
                Command::Turn(request, control) => self.turn(*request, &control),
                Command::Place(pins, length) => self.place(pins, length),
            }
        }
    }

    fn place(&self, pins: Vec<Pin>, length: usize) {
        let Some(Current { ready, .. }) = &self.current else {
            return;
        };
        let place = AssertUnwindSafe(|| ready.text.place(&pins, length));
        match catch_unwind(place) {
            Ok(tokens) => self.listener.tell(EngineEvent::Placed(Box::new(Placed {
                loaded: Arc::clone(&ready.loaded),
                pins,
                length,
                tokens,
            }))),
            Err(panic) => tracing::error!("pins were not read: {}", panicked(&*panic)),
        }
    }

    fn turn(&mut self, request: TurnRequest, control: &Control) {
        let turn = request.turn;
        let tell = |event| self.listener.tell(EngineEvent::Turn(turn, event));
        let end = catch_unwind(AssertUnwindSafe(|| self.denoise(request, control, &tell)))
            .unwrap_or_else(|panic| Err(End::Failed(panicked(&*panic))));
        match end {
            Ok(outcome) => tell(TurnEvent::Finished(outcome)),
            Err(End::Failed(failure)) => tell(TurnEvent::Failed(failure)),
            Err(End::Gone(failure)) => {
                tell(TurnEvent::Failed(failure.clone()));
                self.lose(failure);
            }
        }
    }

    fn denoise(
        &self,
        request: TurnRequest,
        control: &Control,
        tell: &dyn Fn(TurnEvent),
    ) -> Result<Outcome, End> {
        let ready = &self.current.as_ref().ok_or_else(no_model)?.ready;
        let LaidOut { canvas, left_out } = lay_out(ready, request.input)?;
        let mut denoise = Denoise::new(
            &*ready.model,
            ready.loaded.special,
            canvas.clone(),
            request.params.clone(),
        )
        .map_err(|error| End::of(ready, &error))?;
        tell(TurnEvent::Started {
            canvas,
            params: request.params,
            left_out,
        });
        let mut elapsed = Duration::ZERO;
        let reason = loop {
            match control.wish() {
                Wish::Run => (),
                Wish::Stop => break FinishReason::Stopped,
                Wish::Pause => {
                    tell(TurnEvent::Paused(denoise.stats().steps));
                    if control.wait_while_paused() == Wish::Run {
                        tell(TurnEvent::Resumed);
                    }
                    continue;
                }
            }
            let began = Instant::now();
            match denoise.step(&control.cancel) {
                Ok(Some(mut step)) => {
                    step.elapsed = began.elapsed();
                    elapsed += step.elapsed;
                    tell(TurnEvent::Step(step));
                }
                Ok(None) => break denoise.reason().unwrap_or(FinishReason::Complete),
                Err(DenoiseError::Backend(error)) if error.code() == ErrorCode::Cancelled => {
                    break FinishReason::Stopped;
                }
                Err(error) => return Err(End::of(ready, &error)),
            }
        };
        Ok(outcome(ready, &denoise, reason, elapsed)?)
    }
}

/// Why a turn was given up.
enum End {
    /// The model still answers.
    Failed(Failure),
    /// The process that the model ran in is no more.
    Gone(Failure),
}

impl End {
    fn of(ready: &ReadyModel, error: &DenoiseError) -> Self {
        let failure = failure(ready, error);
        match error {
            DenoiseError::Backend(BackendError::Gone { .. }) => Self::Gone(failure),
            DenoiseError::Backend(_) | DenoiseError::Plan(_) | DenoiseError::NoCache => {
                Self::Failed(failure)
            }
        }
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

fn outcome(
    ready: &ReadyModel,
    denoise: &Denoise,
    reason: FinishReason,
    elapsed: Duration,
) -> Result<Outcome, Failure> {
    let canvas = denoise.canvas().clone();
    let mut stats = denoise.stats();
    stats.elapsed = elapsed;
    let answer: Vec<TokenId> = pinned_kept(&canvas, ready.loaded.special)
        .map(|(_, token)| token)
        .collect();
    // A finished turn may hold masks that the model itself predicted; a stopped one ends at its first mask.
    let text = match reason {
        FinishReason::Stopped => ready.text.stopped(&answer),
        FinishReason::Complete | FinishReason::EndToken => ready.text.finished(&answer),
    }?;
    Ok(Outcome {
        text,
        canvas,
        reason,
        stats,
    })
}

fn no_model() -> Failure {
    Failure {
        kind: FailureKind::Model,
        text: "no model is loaded".to_owned(),
        hint: "choose one first".to_owned(),
    }
}

fn failure(ready: &ReadyModel, error: &DenoiseError) -> Failure {
    let (kind, hint) = match error {
        DenoiseError::Plan(_) | DenoiseError::NoCache => (FailureKind::Usage, ""),
        DenoiseError::Backend(BackendError::Gone { .. }) => (
            FailureKind::Generation,
            "what it wrote is in the log, which `unmask config path` names; load the model again to go on",
        ),
        DenoiseError::Backend(error) => match error.code() {
            ErrorCode::OutOfMemory => (
                FailureKind::Memory,
                "try a shorter answer or a smaller precision",
            ),
            ErrorCode::Unsupported => (FailureKind::Usage, ""),
            ErrorCode::Invalid | ErrorCode::Panicked => {
                (FailureKind::Generation, "please report it with the log")
            }
            _ => (
                FailureKind::Generation,
                "try another precision or another backend",
            ),
        },
    };
    let text = match error {
        DenoiseError::Backend(
            error @ (BackendError::Remote { .. } | BackendError::Gone { .. }),
        ) => error.full_text(),
        DenoiseError::Backend(error) => format!("{}: {}", ready.loaded.backend, error.full_text()),
        DenoiseError::Plan(_) | DenoiseError::NoCache => error.to_string(),
    };
    Failure {
        kind,
        text,
        hint: hint.to_owned(),
    }
}

pub(super) fn panicked(panic: &(dyn std::any::Any + Send)) -> Failure {
    let text = (panic.downcast_ref::<&str>().copied())
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Failure {
        kind: FailureKind::Generation,
        text: format!("the engine met a bug: {text}"),
        hint: "please report it with the log".to_owned(),
    }
}
