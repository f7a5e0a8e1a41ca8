//! Progress of one stage of loading, counted by many threads.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use unmask_sdk::{BackendError, LoadProgress, Progress};

pub(crate) struct Meter<'a> {
    progress: &'a Progress<'a>,
    stage: &'a str,
    total: u64,
    done: AtomicU64,
}

impl<'a> Meter<'a> {
    /// `total` is in bytes.
    pub(crate) fn new(progress: &'a Progress<'a>, stage: &'a str, total: u64) -> Self {
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
    pub(crate) fn add(&self, bytes: u64) -> Result<(), BackendError> {
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
