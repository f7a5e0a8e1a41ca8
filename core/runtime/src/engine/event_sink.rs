use std::panic::{AssertUnwindSafe, catch_unwind};

use super::EngineEvent;

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
