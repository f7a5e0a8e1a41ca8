//! Why something could not be done, for people.

use serde::{Deserialize, Serialize};

/// What a failure is about; decides the exit code and what the screen offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// None is loaded, or the process that it ran in has ended; exit code 1.
    NoModel,
    /// No such backend, or one that does not work here; exit code 3.
    Backend,
    /// Not enough memory; exit code 4.
    Memory,
    /// Denoising failed; exit code 1.
    Generation,
}

/// Why something could not be done, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{text}{}{hint}", if hint.is_empty() { "" } else { "; " })]
pub struct Failure {
    /// What it is about.
    pub kind: FailureKind,
    /// What and where, in one sentence.
    pub text: String,
    /// What to do; empty if the text says it.
    pub hint: String,
}

impl Failure {
    /// A request that cannot be carried out.
    #[must_use]
    pub fn usage(text: String, hint: &str) -> Self {
        Self {
            kind: FailureKind::Usage,
            text,
            hint: hint.to_owned(),
        }
    }
}
