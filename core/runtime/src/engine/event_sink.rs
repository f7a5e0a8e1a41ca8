use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::EngineEvent;

/// Hears of events.
type OnEvent = dyn Fn(EngineEvent) + Send + Sync;
/// Hears what a client has had of the engine's time.
type OnServed = dyn Fn(&str, Duration) + Send + Sync;

/// Where both go.
pub(super) struct EventSink {
    pub(super) event: Box<OnEvent>,
    pub(super) served: Box<OnServed>,
}

impl EventSink {
    pub(super) fn emit(&self, event: EngineEvent) {
        tell(|| (self.event)(event));
    }

    /// The engine has worked so long for a client.
    pub(super) fn served(&self, client: &str, time: Duration) {
        tell(|| (self.served)(client, time));
    }
}

/// A receiver that panics misses the event, but ends neither the work nor the thread.
fn tell(event: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(event)).is_err() {
        tracing::error!("the receiver of the engine's events panicked; one is lost");
    }
}
