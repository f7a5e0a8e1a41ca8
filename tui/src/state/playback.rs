use std::collections::VecDeque;
use std::time::Duration;

use unmask_core::engine::TurnEvent;

/// News of the running turn that are shown later, since the user wants to see each step.
#[derive(Debug, Clone, Default)]
pub struct Playback {
    /// Oldest first.
    pub waiting: VecDeque<TurnEvent>,
    /// When the next one is shown.
    pub next_at: Duration,
}
