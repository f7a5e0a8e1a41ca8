use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use unmask_api::{BackendError, ErrorCode, SessionSpec, TokenId};

use super::control::{Control, Requested};
use super::layout::lay_out;
use super::model::{Ready, ReadyModel};
use super::worker::{Current, EngineWorker, panicked};
use super::{
    EngineEvent, Failure, FailureKind, LaidOut, LoadRequest, MeasureRequest, Outcome, Planned,
    TurnEvent, TurnRequest,
};
use crate::denoise::Denoise;
use crate::event::FinishReason;
use crate::generate::{DenoiseError, Generation};
use crate::plugin::Running;
use crate::sampler::strategies;
use crate::scorer::Scorer;
use crate::text::answer::pinned_kept;
use crate::{Canvas, Params};

/// What the engine's owner asks of the thread.
pub(super) enum EngineCommand {
    Load(LoadRequest, Arc<Control>),
    Unload,
    Turn(Box<TurnRequest>, Arc<Control>),
    Measure(MeasureRequest, Arc<Control>),
}

impl EngineWorker {
    pub(super) fn run(mut self, commands: &Receiver<EngineCommand>) {
        while let Some(command) = self.next_command(commands) {
            match command {
                EngineCommand::Load(request, control) => self.load(request, &control),
                EngineCommand::Unload => drop(self.unload()),
                EngineCommand::Turn(request, control) => self.turn(*request, &control),
                EngineCommand::Measure(request, control) => self.measure(&request, &control),
            }
        }
    }

    /// What to do next; `None` once nobody can ask any more. While a model in a process of its own waits, that is looked at.
    fn next_command(&mut self, commands: &Receiver<EngineCommand>) -> Option<EngineCommand> {
        const WATCH: Duration = Duration::from_millis(if cfg!(test) { 10 } else { 2_000 });
        loop {
            if self.process().is_none() {
                return commands.recv().ok();
            }
            match commands.recv_timeout(WATCH) {
                Ok(command) => return Some(command),
                Err(RecvTimeoutError::Timeout) => self.look_after_process(),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// The model, if it waits in a process of its own.
    fn process(&self) -> Option<&ReadyModel> {
        match &self.current.as_ref()?.ready {
            Ready::Here(ready) if ready.loaded.running == Running::Alone => Some(ready),
            Ready::Here(_) | Ready::Away(_) => None,
        }
    }

    /// A process that has ended is told of before it is needed: a session without cells costs nothing to open.
    fn look_after_process(&mut self) {
        const NOTHING: SessionSpec = SessionSpec { cells: 0, slots: 1 };
        let Some(ready) = self.process() else {
            return;
        };
        let opened = catch_unwind(AssertUnwindSafe(|| ready.model.session(NOTHING)));
        if let Ok(Err(error @ BackendError::Gone { .. })) = opened {
            let failure = failure(ready, &DenoiseError::Backend(error));
            self.lose(failure);
        }
    }

    fn turn(&mut self, request: TurnRequest, control: &Control) {
        let turn = request.turn;
        let emit = |event| self.events.emit(EngineEvent::Turn(turn, event));
        let end = catch_unwind(AssertUnwindSafe(|| {
            let current = self.current.as_mut().ok_or_else(no_model)?;
            let Current { ready, session, .. } = current;
            match ready {
                Ready::Here(ready) => denoise(ready, session, request, control, &emit),
                Ready::Away(away) => Ok(away.turn(request, control, &emit)?),
            }
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

fn denoise(
    ready: &ReadyModel,
    session: &mut Option<Scorer>,
    request: TurnRequest,
    control: &Control,
    emit: &dyn Fn(TurnEvent),
) -> Result<Outcome, End> {
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
        session,
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
                if control.tells_guesses() {
                    step.guesses = generation.denoise().guesses();
                }
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
    *session = generation.into_kept();
    Ok(outcome)
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
