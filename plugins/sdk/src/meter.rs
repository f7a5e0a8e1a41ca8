use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use unmask_api::{BackendError, LoadProgress, Progress};

/// Progress of one stage of loading, counted by as many threads as take part.
pub struct Meter<'a> {
    progress: &'a Progress<'a>,
    stage: &'a str,
    total: u64,
    done: AtomicU64,
}

impl<'a> Meter<'a> {
    /// Of `total` bytes, none of which is done.
    #[must_use]
    pub fn new(progress: &'a Progress<'a>, stage: &'a str, total: u64) -> Self {
        Self {
            progress,
            stage,
            total,
            done: AtomicU64::new(0),
        }
    }

    /// Tells of `bytes` more.
    ///
    /// # Errors
    /// [`BackendError::Cancelled`] if the host wants no more.
    pub fn add(&self, bytes: u64) -> Result<(), BackendError> {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let report = LoadProgress {
            stage: self.stage,
            done,
            total: self.total,
        };
        match (self.progress)(report) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(BackendError::Cancelled),
        }
    }
}
