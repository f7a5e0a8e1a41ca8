use std::sync::Arc;

use super::{Failure, LoadRequest, Loaded, MeasureId, TurnId};
use crate::event::{FinishReason, Stats, StepEvent};
use crate::likelihood::LikelihoodEstimate;
use crate::{Canvas, Params};

/// A turn that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The canvas as it stands.
    pub canvas: Canvas,
    /// The visible answer: before the first end token, masks and special tokens left out. For a stopped turn the text up
    /// to the first mask.
    pub text: String,
    /// The text of each hole of a [`Fill`](super::Fill), by the same rule; nothing for other turns.
    pub holes: Vec<String>,
    /// Why it ended.
    pub reason: FinishReason,
    /// Totals.
    pub stats: Stats,
}

/// What happens during a turn, in order; the last one is `Finished` or `Failed`.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnEvent {
    /// The canvas is laid out; the first forward begins.
    Started {
        /// Prompt, pins and masks.
        canvas: Canvas,
        /// The settings as they run.
        params: Box<Params>,
        /// Messages that the context had no room for, counted from the oldest; a system message is not counted.
        left_out: usize,
    },
    /// One step.
    Step(StepEvent),
    /// It rests after this many steps until resumed or stopped.
    Paused(usize),
    /// It goes on.
    Resumed,
    /// It has ended.
    Finished(Outcome),
    /// It was given up.
    Failed(Failure),
}

/// What happens while likelihoods are measured, in order; the last one is `Finished`, `Stopped` or `Failed`.
#[derive(Debug, Clone, PartialEq)]
pub enum MeasureEvent {
    /// So many draws of a pair are evaluated.
    Progress {
        /// Which of the pairs, counted from 0.
        pair: usize,
        /// Draws evaluated, 1 and up.
        done: usize,
        /// Draws that the pair needs.
        draws: usize,
    },
    /// A pair is measured.
    Measured(Measured),
    /// Every pair is measured.
    Finished,
    /// It was stopped on request; what was measured before holds.
    Stopped,
    /// It was given up; what was measured before holds.
    Failed(Failure),
}

/// How likely one pair's continuation is.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Which of the pairs, counted from 0.
    pub pair: usize,
    /// Its log-likelihood.
    pub estimate: LikelihoodEstimate,
    /// Whether the model would give this continuation greedily; `None` if that was not asked.
    pub greedy: Option<bool>,
    /// Forwards of the estimate and of the greedy test.
    pub nfe: usize,
}

/// What happens in the engine.
#[derive(Debug, Clone)]
pub enum EngineEvent {
    /// A model is being loaded.
    Loading {
        /// Its key.
        key: String,
        /// What is being done.
        stage: String,
        /// Bytes done.
        done: u64,
        /// Bytes in all, 0 if unknown.
        total: u64,
    },
    /// A model was unloaded, on request or to make room for the one that is being loaded: until that or this one is ready
    /// there is none.
    Unloaded(Arc<Loaded>),
    /// The process that the model ran in has ended, and the model with it; the turn that met this has failed before.
    Lost {
        /// What it was.
        loaded: Arc<Loaded>,
        /// What the turn was told.
        failure: Failure,
        /// What loads it again as it was.
        again: LoadRequest,
    },
    /// A model is ready and replaces the one before.
    Loaded(Arc<Loaded>),
    /// A model could not be loaded; the one before, if any, still answers, or is loaded again if it was unloaded.
    LoadFailed {
        /// Its key.
        key: String,
        /// Why.
        failure: Failure,
    },
    /// What happens during a turn.
    Turn(TurnId, TurnEvent),
    /// What happens during a measurement.
    Measure(MeasureId, MeasureEvent),
}
