use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use unmask_api::{BackendError, ErrorCode, TokenId};

use super::control::{Control, Requested};
use super::layout::lay_out;
use super::model::ReadyModel;
use super::worker::{Current, EngineWorker, panicked};
use super::{
    EngineEvent, Failure, FailureKind, LaidOut, LoadRequest, MeasureRequest, Outcome, Planned,
    TurnEvent, TurnRequest,
};
use crate::denoise::Denoise;
use crate::event::FinishReason;
use crate::generate::{DenoiseError, Generation};
use crate::sampler::strategies;
use crate::scorer::Scorer;
use crate::text::answer::pinned_kept;
use crate::{Canvas, Params};

/// What the engine's owner asks of the thread.
pub(super) enum EngineCommand {
    Load(LoadRequest, Arc<Control>),
    Turn(Box<TurnRequest>, Arc<Control>),
    Measure(MeasureRequest, Arc<Control>),
}

impl EngineWorker {
    pub(super) fn run(mut self, commands: &Receiver<EngineCommand>) {
        while let Ok(command) = commands.recv() {
            match command {
                EngineCommand::Load(request, control) => self.load(request, &control),
                EngineCommand::Turn(request, control) => self.turn(*request, &control),
                EngineCommand::Measure(request, control) => self.measure(&request, &control),
            }
        }
    }

    fn turn(&mut self, request: TurnRequest, control: &Control) {
        let turn = request.turn;
        let emit = |event| self.events.emit(EngineEvent::Turn(turn, event));
        let end = catch_unwind(AssertUnwindSafe(|| {
            let current = self.current.as_mut().ok_or_else(no_model)?;
            current.denoise(request, control, &emit)
        }))
        .unwrap_or_else(|panic| Err(End::Failed(panicked(&*panic))));
        match end {
            Ok(outcome) => emit(TurnEvent::Finished(outcome)),
            Err(End::Failed(failure)) => emit(TurnEvent::Failed(failure)),
            Err(End::Gone(failure)) => {
                emit(TurnEvent::Failed(failure.clone()));
                self.lose(failure);
            }
        }
    }
}

impl Current {
    fn denoise(
        &mut self,
        request: TurnRequest,
        control: &Control,
        emit: &dyn Fn(TurnEvent),
    ) -> Result<Outcome, End> {
        let ready = &self.ready;
        let mut params = request.params;
        let LaidOut {
            canvas,
            left_out,
            holes,
            planned,
        } = lay_out(&ready.loaded, request.input, &mut params)?;
        let plan = planned.over(&canvas);
        let mut generation = begin(
            ready,
            canvas.clone(),
            (planned, &plan),
            params.clone(),
            &mut self.session,
        )
        .map_err(|error| End::of(ready, &error))?;
        emit(TurnEvent::Started {
            canvas,
            params,
            left_out,
        });
        let mut elapsed = Duration::ZERO;
        let reason = loop {
            match control.requested() {
                Requested::Run => (),
                Requested::Stop => break FinishReason::Stopped,
                Requested::Pause => {
                    emit(TurnEvent::Paused(generation.denoise().stats().steps));
                    if control.wait_while_paused() == Requested::Run {
                        emit(TurnEvent::Resumed);
                    }
                    continue;
                }
            }
            let began = Instant::now();
            match generation.step(&control.cancel) {
                Ok(Some(mut step)) => {
                    step.elapsed = began.elapsed();
                    elapsed += step.elapsed;
                    emit(TurnEvent::Step(step));
                }
                Ok(None) => {
                    break generation
                        .denoise()
                        .reason()
                        .unwrap_or(FinishReason::MasksLeft);
                }
                Err(DenoiseError::Backend(error)) if error.code() == ErrorCode::Cancelled => {
                    break FinishReason::Stopped;
                }
                Err(error) => return Err(End::of(ready, &error)),
            }
        };
        let outcome = outcome(ready, generation.denoise(), &holes, reason, elapsed)?;
        self.session = generation.into_kept();
        Ok(outcome)
    }
}

fn begin(
    ready: &ReadyModel,
    canvas: Canvas,
    (planned, plan): (Planned, &Canvas),
    params: Params,
    before: &mut Option<Scorer>,
) -> Result<Generation, DenoiseError> {
    let (special, rules) = (ready.loaded.special.clone(), ready.loaded.rules);
    let strategy = strategies::begin_filling(ready.strategies, plan, &params, rules)?;
    let denoise = Denoise::with_strategy(special, rules, canvas, params, strategy);
    let denoise = match planned {
        Planned::Answer => denoise,
        Planned::Masks => denoise.of_masks_alone(),
    };
    Generation::after(&*ready.model, ready.attention, denoise, before.take())
}

/// Why a turn or a measurement was given up.
pub(super) enum End {
    /// The model still answers.
    Failed(Failure),
    /// The process that the model ran in is no more.
    Gone(Failure),
}

impl End {
    pub(super) fn of(ready: &ReadyModel, error: &DenoiseError) -> Self {
        let failure = failure(ready, error);
        match error {
            DenoiseError::Backend(BackendError::Gone { .. }) => Self::Gone(failure),
            DenoiseError::Backend(_)
            | DenoiseError::Plan(_)
            | DenoiseError::NoCache
            | DenoiseError::NoMask => Self::Failed(failure),
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
    holes: &[Range<usize>],
    reason: FinishReason,
    elapsed: Duration,
) -> Result<Outcome, Failure> {
    let canvas = denoise.canvas().clone();
    let mut stats = denoise.stats();
    stats.elapsed = elapsed;
    let text = |range: &Range<usize>| {
        let answer: Vec<TokenId> = pinned_kept(&canvas, &ready.loaded.special)
            .filter(|(offset, _)| range.contains(offset))
            .map(|(_, token)| token)
            .collect();
        // A finished turn may hold masks that the model itself predicted; a stopped one ends at its first mask.
        match reason {
            FinishReason::Stopped => ready.loaded.text.stopped(&answer),
            FinishReason::Complete | FinishReason::MasksLeft | FinishReason::EndToken => {
                ready.loaded.text.finished(&answer)
            }
        }
    };
    Ok(Outcome {
        text: text(&(0..canvas.answer().len()))?,
        holes: holes.iter().map(text).collect::<Result<_, _>>()?,
        canvas,
        reason,
        stats,
    })
}

pub(super) fn no_model() -> Failure {
    Failure {
        kind: FailureKind::Model,
        text: "no model is loaded".to_owned(),
        hint: "choose one first".to_owned(),
    }
}

fn failure(ready: &ReadyModel, error: &DenoiseError) -> Failure {
    let (kind, hint) = match error {
        DenoiseError::Plan(_) | DenoiseError::NoCache | DenoiseError::NoMask => {
            (FailureKind::Usage, "")
        }
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
            error @ (BackendError::Plugin { .. } | BackendError::Gone { .. }),
        ) => error.full_text(),
        DenoiseError::Backend(error) => format!("{}: {}", ready.loaded.backend, error.full_text()),
        DenoiseError::Plan(_) | DenoiseError::NoCache | DenoiseError::NoMask => error.to_string(),
    };
    Failure {
        kind,
        text,
        hint: hint.to_owned(),
    }
}
