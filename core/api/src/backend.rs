use std::path::Path;

use crate::{
    BackendError, Device, Estimate, LoadSpec, LogitsMut, ModelFacts, Pass, Probe, Progress, TopMut,
    TopRequest,
};

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

    /// Tells what [`load`](Self::load) of the same `spec` would take, reading no weights: sizes of files and `config.json`
    /// must do.
    ///
    /// # Errors
    /// Why it would be refused, as far as that can be told: [`BackendError::Unsupported`] for a family, attention kind,
    /// device, precision or option that the backend does not have, [`BackendError::Checkpoint`].
    fn check(&self, spec: &LoadSpec) -> Result<Estimate, BackendError>;

    /// Reads weights; may take minutes.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`] if files are missing, damaged or do not fit `spec.family`;
    /// [`BackendError::Unsupported`] for a device, precision, attention kind or option that it does not have;
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

    /// Opens a session with its own caches. The session may outlive the model handle.
    ///
    /// # Errors
    /// [`BackendError::OutOfMemory`] if the device has no room for its cells; [`BackendError::Unsupported`] for cells
    /// without `KV_CACHE`.
    fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BackendError>;
}

/// The room a session needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSpec {
    /// Cells per slot; 0 if no K/V are to be kept, and then none are allocated.
    pub cells: u32,
    /// Rows that a pass may have, each with a slot of its own; 1 to 64. Guidance (CFG) needs two.
    pub slots: u32,
}

impl SessionSpec {
    /// The most slots that a session may have.
    pub const MOST_SLOTS: u32 = 64;
}

/// The mutable state of one or more sequences: slots of cells, and the output of the last pass.
///
/// Used by one thread at a time, any. It may live over all turns of a conversation.
pub trait Session: Send {
    /// Computes a pass: writes the K/V of the fed tokens to their cells and keeps the wanted rows' output, on the device if
    /// it likes, until the next pass.
    ///
    /// # Errors
    /// [`BackendError::Cancelled`] if the flag was raised; [`BackendError::Unsupported`] for a pass outside the model's
    /// capabilities. After an error there is no output, and the cells that the pass was to write hold unspecified values
    /// until they are written again; all other cells are as they were.
    fn forward(&mut self, pass: &Pass<'_>) -> Result<(), BackendError>;

    /// Reads whole rows of the last pass's output. It can be read any number of times, whole and reduced.
    ///
    /// `rows` are indices into the pass's `wanted`, strictly ascending.
    ///
    /// # Errors
    /// [`BackendError::Invalid`] if no pass has succeeded last, or `rows` are beyond it.
    fn read_logits(&mut self, rows: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError>;

    /// Reads the best of some rows of the last pass's output, with what a sampler needs to know of the rest.
    ///
    /// # Errors
    /// As [`read_logits`](Self::read_logits); [`BackendError::Unsupported`] unless the model has `TOPK_OUTPUT`, and
    /// `DIVERGENCE` if that is asked for.
    fn read_top(&mut self, request: &TopRequest<'_>, out: TopMut<'_>) -> Result<(), BackendError> {
        let _ = (request, out);
        Err(BackendError::Unsupported(
            "this backend has no top-k output".to_owned(),
        ))
    }

    /// Makes all cells of slot `to` equal those of slot `from`, remembered distributions included.
    ///
    /// # Errors
    /// [`BackendError::Unsupported`] without `KV_CACHE`; [`BackendError::Invalid`] for a slot beyond the session.
    fn copy_slot(&mut self, from: u32, to: u32) -> Result<(), BackendError> {
        let _ = (from, to);
        Err(BackendError::Unsupported(
            "this backend keeps no K/V".to_owned(),
        ))
    }

    /// Forgets the cells of a slot: they hold unspecified values until they are written again, and their memory may go.
    ///
    /// # Errors
    /// As [`copy_slot`](Self::copy_slot).
    fn clear_slot(&mut self, slot: u32) -> Result<(), BackendError> {
        let _ = slot;
        Err(BackendError::Unsupported(
            "this backend keeps no K/V".to_owned(),
        ))
    }

    /// Makes room for `cells` cells a slot, if there are fewer; the contents of those that there are stay.
    ///
    /// # Errors
    /// [`BackendError::OutOfMemory`], after which the session is as it was; [`BackendError::Unsupported`] without
    /// `KV_CACHE`.
    fn reserve(&mut self, cells: u32) -> Result<(), BackendError> {
        let _ = cells;
        Err(BackendError::Unsupported(
            "this backend keeps no K/V".to_owned(),
        ))
    }
}
