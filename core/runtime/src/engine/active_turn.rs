//! A turn between its beginning and its end.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use unmask_api::TokenId;

use super::control::Control;
use super::event_sink::EventSink;
use super::model::ReadyModel;
use super::sessions::ModelSessions;
use super::{EngineEvent, Failure, LaidOut, Outcome, Passes, Planned, Sharing, TurnEvent, TurnId};
use crate::Params;
use crate::denoise::Denoise;
use crate::event::{FinishReason, StepEvent};
use crate::generate::{DenoiseError, Generation, room};
use crate::params::Transfer;
use crate::sampler::strategies;
use crate::scorer::Seat;
use crate::text::answer::pinned_kept;

/// Names a turn or a measurement from its beginning to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct WorkId(pub(super) u64);

pub(super) struct ActiveTurn {
    pub(super) turn: TurnId,
    pub(super) work: WorkId,
    pub(super) sharing: Sharing,
    pub(super) control: Arc<Control>,
    pub(super) session: TurnSession,
    pub(super) holes: Vec<Range<usize>>,
    /// Wall time of its forwards.
    pub(super) elapsed: Duration,
    /// Whether its owner was told that it rests.
    pub(super) is_resting: bool,
}

/// Where a turn's forwards run.
pub(super) enum TurnSession {
    /// In a session of its own.
    Own(Box<Generation>),
    /// In a seat among others.
    Shared(Box<Denoise>, Seat),
}

impl TurnSession {
    /// Finds room for a turn: among others if that may be and `(turns, batch)` says that passes of several are made, else in a
    /// session of its own.
    pub(super) fn open(
        ready: &ReadyModel,
        sessions: &mut ModelSessions,
        LaidOut {
            canvas,
            planned,
            recorded,
            ..
        }: &LaidOut,
        params: Params,
        passes: Passes,
        (turns, batch): (usize, usize),
    ) -> Result<Self, DenoiseError> {
        let (special, rules) = (ready.loaded.special.clone(), ready.loaded.rules);
        let plan = planned.over(canvas);
        let strategy = strategies::begin_filling(ready.strategies, &plan, &params, rules)?;
        // A second copy of a block needs a mask, and a mask is of a whole pass.
        let may_share = turns.min(batch) > 1
            && passes == Passes::Together
            && !matches!(params.transfer, Transfer::Wino(_));
        let denoise = Denoise::with_strategy(special, rules, canvas.clone(), params, strategy);
        let denoise = match planned {
            Planned::Answer => denoise,
            Planned::Masks => denoise.of_masks_alone(),
        };
        let denoise = denoise.following(recorded.clone());
        let (model, attention) = (&*ready.model, ready.attention);
        if may_share {
            let room = room(model, attention, &denoise)?;
            let seat = sessions.seat(ready, &room, canvas.tokens(), (turns, batch))?;
            if let Some(seat) = seat {
                return Ok(Self::Shared(Box::new(denoise), seat));
            }
        }
        let before = sessions.kept.take();
        let generation = Generation::after(model, attention, denoise, before)?;
        Ok(Self::Own(Box::new(generation)))
    }

    pub(super) fn denoise(&self) -> &Denoise {
        match self {
            Self::Own(generation) => generation.denoise(),
            Self::Shared(denoise, _) => denoise,
        }
    }
}

impl ActiveTurn {
    pub(super) fn emit(&self, events: &EventSink, event: TurnEvent) {
        events.emit(EngineEvent::Turn(self.turn, event));
    }

    /// Tells of a step that took so long, its forward among it.
    pub(super) fn stepped(
        &mut self,
        mut step: StepEvent,
        (elapsed, forward): (Duration, Duration),
        events: &EventSink,
    ) {
        step.elapsed = elapsed;
        step.forward = forward;
        self.elapsed += elapsed;
        if self.control.tells_guesses() {
            step.guesses = self.session.denoise().guesses();
        }
        self.emit(events, TurnEvent::Step(step));
    }

    /// What has come of it.
    pub(super) fn outcome(
        &self,
        ready: &ReadyModel,
        reason: FinishReason,
    ) -> Result<Outcome, Failure> {
        let denoise = self.session.denoise();
        let canvas = denoise.canvas().clone();
        let mut stats = denoise.stats();
        stats.elapsed = self.elapsed;
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
            holes: self.holes.iter().map(text).collect::<Result<_, _>>()?,
            canvas,
            reason,
            stats,
        })
    }
}
