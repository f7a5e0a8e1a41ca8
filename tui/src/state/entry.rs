use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;

use unmask_core::Params;
use unmask_core::engine::Failure;
use unmask_core::event::{FinishReason, Stats};

use super::Turn;
use crate::screen_time::TimeOfDay;

/// One thing said.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// By the user.
    You {
        /// What.
        text: String,
        /// What is made of it.
        kind: MessageKind,
        /// When.
        at: TimeOfDay,
    },
    /// By a model.
    Answer(Answer),
    /// By the program: something failed.
    Failure(Failure),
    /// By the program.
    Note(String),
}

/// What is made of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MessageKind {
    /// The model answers it.
    #[default]
    Plain,
    /// The model fills its blanks, see `/fill`.
    Blanks,
}

/// A finished answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Who answers.
    pub name: String,
    /// What; the visible text, cleaned only when it is drawn.
    pub text: String,
    /// Why it ended.
    pub reason: FinishReason,
    /// Totals.
    pub stats: Stats,
    /// How it was made, its seed among it.
    pub params: Box<Params>,
    /// The turn it comes from, as it stood at its end: its tokens can be shown, and a stopped canvas go on. None for an
    /// answer whose tokens were not kept.
    pub trace: Option<Arc<Turn>>,
    /// Whether its log is on disk and can be read from there.
    pub log_kept: LogKept,
}

/// Whether the log of an answer is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogKept {
    /// It is not.
    #[default]
    No,
    /// It is.
    Yes,
    /// It is being read.
    Asked,
}

/// What tells an entry from the same one changed: a hash of what is written of it, and why it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(u64, Option<FinishReason>);

impl Fingerprint {
    fn of(contents: impl Hash, reason: Option<FinishReason>) -> Self {
        let mut hasher = DefaultHasher::new();
        contents.hash(&mut hasher);
        Self(hasher.finish(), reason)
    }
}

impl Entry {
    /// What tells it from what it was before.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::You { text, kind, .. } => Fingerprint::of((text, kind), None),
            Self::Note(text) => Fingerprint::of(text, None),
            Self::Answer(answer) => {
                let stats = &answer.stats;
                let work = (stats.steps, stats.nfe, stats.elapsed, answer.params.seed);
                Fingerprint::of((&answer.name, &answer.text, work), Some(answer.reason))
            }
            Self::Failure(failure) => Fingerprint::of(&failure.text, None),
        }
    }

    /// Rows behind its text: an answer's figures.
    #[must_use]
    pub fn rows_below(&self) -> usize {
        match self {
            Self::Answer(_) => 1,
            Self::You { .. } | Self::Failure(_) | Self::Note(_) => 0,
        }
    }
}
