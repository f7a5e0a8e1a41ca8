use std::sync::Arc;

use unmask_api::{ModelFacts, TokenId};

use super::{LoadRequest, Pin, TurnId};
use crate::event::{FinishReason, Stats, StepEvent};
use crate::family::SpecialIds;
use crate::plugin::Running;
use crate::text::Vocabulary;
use crate::text::pins::PinPlaceError;
use crate::{Canvas, Params};

/// What a failure is about; decides the exit code and what the screen offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// A setting or input that cannot be used; exit code 2.
    Usage,
    /// Prompt and answer are longer than the model's context; exit code 2.
    Context {
        /// Positions of both.
        tokens: usize,
        /// Positions that there are.
        limit: usize,
        /// The longest answer that would fit, 0 if none.
        room: usize,
    },
    /// The configuration; exit code 2.
    Config,
    /// No such model on this machine, or a damaged one; exit code 3.
    Model,
    /// No such backend, or one that does not work here; exit code 3.
    Backend,
    /// Not enough memory; exit code 4.
    Memory,
    /// Denoising failed; exit code 1.
    Generation,
}

/// Why something could not be done, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}{}{hint}", if hint.is_empty() { "" } else { "; " })]
pub struct Failure {
    /// What it is about.
    pub kind: FailureKind,
    /// What and where, in one sentence.
    pub text: String,
    /// What to do; empty if the text says it.
    pub hint: String,
}

/// A model that is ready.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Its key in the configuration.
    pub key: String,
    /// Its name for people: `LLaDA-8B-Instruct`, `demo`.
    pub name: String,
    /// The backend's name.
    pub backend: String,
    /// The backend's version.
    pub backend_version: String,
    /// Where the backend runs.
    pub running: Running,
    /// The device's id.
    pub device: String,
    /// The device's name.
    pub device_name: String,
    /// What the backend tells.
    pub facts: ModelFacts,
    /// The ids that steer denoising.
    pub special: SpecialIds,
    /// The text of each token.
    pub vocabulary: Arc<Vocabulary>,
    /// Settings for this model: family preset, checkpoint, configuration, in that order.
    pub defaults: Params,
    /// Length of an answer for this model, likewise.
    pub default_length: usize,
    /// The seed that the configuration says; `None` if it says none, so that each turn may have another one.
    pub default_seed: Option<u64>,
}

/// A turn that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The canvas as it stands.
    pub canvas: Canvas,
    /// The visible answer: before the first end token, masks and special tokens left out. For a stopped turn the text up
    /// to the first mask.
    pub text: String,
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
        params: Params,
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

/// What a model's tokenizer makes of pins.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Whose tokenizer.
    pub loaded: Arc<Loaded>,
    /// The pins.
    pub pins: Vec<Pin>,
    /// Positions of the answer.
    pub length: usize,
    /// The tokens of each, or which of them does not fit.
    pub tokens: Result<Vec<Vec<TokenId>>, PinPlaceError>,
}

/// What the engine tells.
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
    /// A model has made room for the one that is being loaded: until that or this one is ready there is none.
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
    /// Pins were read.
    Placed(Box<Placed>),
    /// News of a turn.
    Turn(TurnId, TurnEvent),
}

impl Loaded {
    /// True for a token that ends the answer.
    #[must_use]
    pub fn is_end(&self, token: TokenId) -> bool {
        self.special.is_end(token)
    }
}
