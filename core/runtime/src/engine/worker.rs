//! What the engine's thread owns.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::events::EngineEvent;
use super::model::{Loader, Ready};
use super::request::LoadRequest;
use crate::failure::{Failure, FailureKind};
use crate::scorer::Scorer;

/// Where events go.
pub(super) struct EventSink(pub(super) Box<dyn Fn(EngineEvent) + Send + Sync>);

impl EventSink {
    /// A receiver that panics misses the event, but ends neither the work nor the thread.
    pub(super) fn emit(&self, event: EngineEvent) {
        if catch_unwind(AssertUnwindSafe(|| (self.0)(event))).is_err() {
            tracing::error!("the receiver of the engine's events panicked; one is lost");
        }
    }
}

/// The engine's thread: owns the model, carries out one command after the other until its owner is gone.
pub(super) struct EngineWorker {
    pub(super) loader: Box<dyn Loader>,
    pub(super) events: EventSink,
    pub(super) current: Option<Current>,
}

/// The model that answers, and how to get it again.
pub(super) struct Current {
    pub(super) ready: Ready,
    pub(super) again: LoadRequest,
    /// The session of the turn before, if the next one can use what it holds.
    pub(super) session: Option<Scorer>,
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
