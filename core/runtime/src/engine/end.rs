//! How work that was begun ends without its result, told to people.

use unmask_api::{BackendError, ErrorCode};

use super::model::ReadyModel;
use super::{Failure, FailureKind};
use crate::generate::DenoiseError;

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

pub(super) fn no_model() -> Failure {
    Failure {
        kind: FailureKind::NoModel,
        text: "no model is loaded".to_owned(),
        hint: "choose one first".to_owned(),
    }
}

pub(super) fn failure(ready: &ReadyModel, error: &DenoiseError) -> Failure {
    let (kind, hint) = match error {
        DenoiseError::Plan(_) | DenoiseError::NoCache | DenoiseError::NoMask => {
            (FailureKind::Usage, "")
        }
        DenoiseError::Backend(BackendError::Gone { .. }) => (
            FailureKind::NoModel,
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

/// A bug that was caught, for people.
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
