//! What happens during a turn as lines of JSON: `generate --format jsonl` and traces hold the same objects. Also what another
//! program asks of `worker`, a line each.
//!
//! A run is a [`Start`], then steps and what happens between them, then [`Done`] or [`Failure`]; one without an end was cut.
//! Another start begins another run. Members are only ever added, and readers ignore those that they do not know; a member
//! that means something else makes another [`VERSION`].

mod measure;
mod piece;
mod read;
mod request;
mod settings;
mod start;
mod step;

#[cfg(test)]
pub(crate) mod tests;

use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::engine::{Loaded, Outcome, TurnEvent};
use crate::event::{FinishReason, Stats};
use crate::failure::Failure;
use crate::message::Message;

pub use measure::{MeasureError, MeasureSettings, SamplesWord};
pub use piece::TokenText;
pub use read::{LARGEST_CANVAS, LONGEST_LINE, ReadError, Recording, read, read_file};
pub use request::{
    GenerateTask, MeasuredItem, RequestError, TextOrTokens, WorkerRequest, WorkerTask,
    is_repeatable,
};
pub use settings::RunSettings;
pub use start::{BackendLine, CanvasLine, FileLine, ModelLine, Start, TokenizerLine};
pub use step::{CandidateLine, CommitLine, StepLine};

/// The format that this version writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The canvas is laid out.
    Start(Box<Start>),
    /// One step.
    Step(StepLine),
    /// The user has changed the canvas at a pause.
    Edit {
        /// In order.
        commits: Vec<CommitLine>,
    },
    /// Settings have changed at a pause.
    Settings {
        /// Those that did, by the names of [`RunSettings`].
        params: Map<String, Value>,
    },
    /// It rests.
    Paused {
        /// After this many steps.
        step: usize,
    },
    /// It goes on.
    Resumed {},
    /// Something is left out from here on.
    Trimmed {
        /// What: `top`.
        what: String,
    },
    /// It has ended.
    Done(Done),
    /// It was given up.
    Failed(Failure),
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// Why.
    pub reason: FinishReason,
    /// The visible answer.
    pub text: String,
    /// Totals.
    pub stats: Stats,
}

/// What a run is called and answers, which the engine does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunLabel {
    /// A name of its own, such as a ULID.
    pub id: String,
    /// When it began, RFC 3339.
    pub at: String,
    /// Who writes: `unmask 0.1.0`.
    pub program: String,
    /// What was said, oldest first; empty if the prompt is no conversation.
    pub messages: Vec<Message>,
}

impl Event {
    /// What the engine tells of a turn of `loaded`.
    #[must_use]
    pub fn of(event: &TurnEvent, loaded: &Loaded, label: &RunLabel) -> Self {
        match event {
            TurnEvent::Started { canvas, params, .. } => {
                Self::Start(Box::new(Start::of(canvas, params, loaded, label)))
            }
            TurnEvent::Step(step) => Self::Step(StepLine::of(step, &loaded.vocabulary)),
            &TurnEvent::Paused(step) => Self::Paused { step },
            TurnEvent::Resumed => Self::Resumed {},
            TurnEvent::Finished(outcome) => Self::Done(Done::of(outcome)),
            TurnEvent::Failed(failure) => Self::Failed(failure.clone()),
        }
    }

    /// The line, without its end.
    #[must_use]
    pub fn line(&self) -> String {
        // Every member is a number, a text, or a list or map of them with texts as keys.
        serde_json::to_string(self).expect("events have only plain values")
    }

    /// Reads a line.
    ///
    /// # Errors
    /// If it is no JSON, or no event of this version.
    pub fn parse(line: &str) -> serde_json::Result<Self> {
        let Kind { event } = serde_json::from_str(line)?;
        Ok(match &*event {
            "start" => Self::Start(serde_json::from_str(line)?),
            "step" => Self::Step(serde_json::from_str(line)?),
            "edit" => {
                let Edit { commits } = serde_json::from_str(line)?;
                Self::Edit { commits }
            }
            "settings" => {
                let Changed { params } = serde_json::from_str(line)?;
                Self::Settings { params }
            }
            "paused" => {
                let Paused { step } = serde_json::from_str(line)?;
                Self::Paused { step }
            }
            "resumed" => Self::Resumed {},
            "trimmed" => {
                let Trimmed { what } = serde_json::from_str(line)?;
                Self::Trimmed { what }
            }
            "done" => Self::Done(serde_json::from_str(line)?),
            "failed" => Self::Failed(serde_json::from_str(line)?),
            other => return Err(serde_json::Error::unknown_variant(other, &KINDS)),
        })
    }
}

const KINDS: [&str; 9] = [
    "start", "step", "edit", "settings", "paused", "resumed", "trimmed", "done", "failed",
];

/// What every line has. serde's own tags would read each value twice over, and maps of numbers not at all.
#[derive(Deserialize)]
struct Kind {
    event: String,
}

#[derive(Deserialize)]
struct Edit {
    commits: Vec<CommitLine>,
}

#[derive(Deserialize)]
struct Changed {
    params: Map<String, Value>,
}

#[derive(Deserialize)]
struct Paused {
    step: usize,
}

#[derive(Deserialize)]
struct Trimmed {
    what: String,
}

impl Done {
    fn of(outcome: &Outcome) -> Self {
        Self {
            reason: outcome.reason,
            text: outcome.text.clone(),
            stats: outcome.stats,
        }
    }
}
