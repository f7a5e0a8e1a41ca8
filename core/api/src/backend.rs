use std::path::Path;

use crate::{BackendError, Device, LoadSpec, LogitsMut, ModelFacts, Pass, Probe, Progress, TopMut};

/// A way to run models: a factory, cheap to hold.
pub trait Backend: Send + Sync {
    /// Short lower-case name, as `framework = "…"` in the configuration says it: `candle`.
    fn name(&self) -> &str;

    /// Its version, for lists and bug reports.
    fn version(&self) -> &str;

    /// Tells whether this machine has what the backend needs, without loading anything large.
    fn probe(&self) -> Probe;

    /// What it can compute on; the first is the default. If [`probe`](Self::probe) says
    /// unusable: what it could compute on if a model's options gave it what it lacks, else nothing.
    fn devices(&self) -> Vec<Device>;

    /// Reads weights; may take minutes.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`] if files are missing, damaged or do not fit `spec.family`;
    /// [`BackendError::Unsupported`] for a device, precision or option that it does not have;
    /// [`BackendError::OutOfMemory`]; [`BackendError::Cancelled`] if `progress` said so.
    fn load(
        &self,
        spec: &LoadSpec,
        progress: &Progress<'_>,
    ) -> Result<Box<dyn Model>, BackendError>;

    /// Writes the checkpoint as files of the backend's own kind into `folder`, which is there and empty, for other programs
    /// to use.
    ///
    /// # Errors
    /// [`BackendError::Unsupported`] if it has no such files; else those of [`load`](Self::load). What was written before a
    /// failure is left for the caller.
    fn export(
        &self,
        spec: &LoadSpec,
        folder: &Path,
        progress: &Progress<'_>,
    ) -> Result<(), BackendError> {
        let _ = (spec, folder, progress);
        Err(BackendError::Unsupported(
            "this backend has no files of its own to write".to_owned(),
        ))
    }
}

/// Loaded weights: immutable, shared by sessions.
pub trait Model: Send + Sync {
    /// Sizes and abilities; the same at every call.
    fn facts(&self) -> ModelFacts;

    /// Starts a conversation with its own caches. The session may outlive the model handle.
    ///
    /// # Errors
    /// [`BackendError::OutOfMemory`] if the device has no room for `spec.capacity` positions.
    fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BackendError>;
}

/// The room a session needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSpec {
    /// Positions per cache slot: the longest canvas.
    pub capacity: u32,
    /// Independent K/V caches, one per row of a batch; 1 to 64. Guidance (CFG) needs two.
    pub slots: u32,
}

/// One conversation's mutable state.
pub trait Session: Send {
    /// Computes a pass: writes the K/V of the fed positions to the cache and the wanted rows' logits to `out`.
    ///
    /// # Errors
    /// [`BackendError::Cancelled`] if the flag was raised, after which the caches hold unspecified values until they are
    /// written again; [`BackendError::Unsupported`] for a pass outside the model's capabilities.
    fn forward(&mut self, pass: &Pass<'_>, out: LogitsMut<'_>) -> Result<(), BackendError>;

    /// As [`forward`](Self::forward), but keeps the logits on the device and returns the best of each row.
    ///
    /// # Errors
    /// As above; [`BackendError::Unsupported`] unless the model has `TOPK_OUTPUT`.
    fn forward_top(&mut self, pass: &Pass<'_>, out: TopMut<'_>) -> Result<(), BackendError> {
        let _ = (pass, out);
        Err(BackendError::Unsupported(
            "this backend has no top-k output".to_owned(),
        ))
    }
}
