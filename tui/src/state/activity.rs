use std::time::Duration;

use super::Turn;

/// What the engine is doing, as far as the screen has heard.
#[derive(Debug, Clone)]
pub enum Activity {
    /// Nothing.
    Idle,
    /// Reading a model.
    Loading(Load),
    /// Denoising.
    Turn(Box<Turn>),
}

/// A model on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// Its key.
    pub key: String,
    /// What is being done.
    pub stage: String,
    /// Bytes done.
    pub done: u64,
    /// Bytes in all, 0 if unknown.
    pub total: u64,
    /// When the engine last told of progress.
    pub progress_at: Duration,
    /// Whether the user has asked to stop it.
    pub cancellation: Cancellation,
}

/// Whether the user has asked to stop a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancellation {
    /// Not so far.
    NotRequested,
    /// It is being given up.
    Requested,
}
