//! What stopped a load, as people are told it.

use std::error::Error;

use unmask_api::{Backend, BackendError, ErrorCode, with_causes};

use crate::checkpoint::CheckpointError;
use crate::config::ConfigError;
use crate::engine::{Failure, FailureKind};
use crate::plugin::FindError;

pub(super) fn unusable(error: &FindError) -> Failure {
    Failure {
        hint: "see `unmask backends`".to_owned(),
        ..failure(FailureKind::Backend, error)
    }
}

pub(super) fn damaged(error: CheckpointError) -> Failure {
    failure(FailureKind::Model, &error)
}

pub(super) fn of_config(error: &ConfigError) -> Failure {
    Failure {
        hint: "correct it and load again".to_owned(),
        ..failure(FailureKind::Config, error)
    }
}

/// What `error` and its causes say, for people.
pub(super) fn failure(kind: FailureKind, error: &dyn Error) -> Failure {
    Failure {
        kind,
        text: with_causes(error),
        hint: String::new(),
    }
}

pub(super) fn of_backend(backend: &dyn Backend, error: &BackendError) -> Failure {
    let (kind, hint) = match error.code() {
        _ if matches!(error, BackendError::Gone { .. }) => (
            FailureKind::Backend,
            "what it wrote is in the log, which `unmask config path` names",
        ),
        ErrorCode::OutOfMemory => (
            FailureKind::Memory,
            "try a smaller precision; `unmask models` tells which there are and what they need",
        ),
        ErrorCode::Io | ErrorCode::Checkpoint => (FailureKind::Model, ""),
        ErrorCode::Unsupported => (FailureKind::Config, ""),
        _ => (FailureKind::Backend, ""),
    };
    let text = match error {
        BackendError::Plugin { .. } | BackendError::Gone { .. } => error.full_text(),
        _ => format!("{}: {}", backend.name(), error.full_text()),
    };
    Failure {
        kind,
        text,
        hint: hint.to_owned(),
    }
}
