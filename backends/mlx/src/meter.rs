//! Progress of one stage of loading.

use std::ops::ControlFlow;

use unmask_sdk::{BackendError, LoadProgress, Progress};

pub(crate) struct Meter<'a> {
    progress: &'a Progress<'a>,
    stage: &'a str,
    total: u64,
    done: u64,
}

impl<'a> Meter<'a> {
    /// `total` is in bytes.
    pub(crate) fn new(progress: &'a Progress<'a>, stage: &'a str, total: u64) -> Self {
        Self {
            progress,
            stage,
            total,
            done: 0,
        }
    }

    /// Tells of `bytes` more.
    ///
    /// # Errors
    /// [`BackendError::Cancelled`] if the host wants no more.
    pub(crate) fn add(&mut self, bytes: u64) -> Result<(), BackendError> {
        self.done += bytes;
        let report = LoadProgress {
            stage: self.stage,
            done: self.done,
            total: self.total,
        };
        match (self.progress)(report) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(BackendError::Cancelled),
        }
    }
}
