use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// Which positions a position may attend to; a property of the model family, not of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attention {
    /// Every position attends to every other.
    Bidirectional,
    /// A position attends to its own block of this many positions, counted from position 0, and to earlier blocks.
    BlockCausal(NonZeroU32),
}

/// What to load, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadSpec {
    /// The network's family, such as `llada`.
    pub family: String,
    /// The checkpoint's folder.
    pub folder: PathBuf,
    /// Its weight files, in the order of the index file, or the one.
    pub weights: Vec<PathBuf>,
    /// The text of its `config.json`.
    pub config_json: String,
    /// A [`Device::id`](crate::Device::id).
    pub device: String,
    /// One of the device's precisions.
    pub precision: String,
    /// Threads to compute with; `None` leaves it to the backend, which then uses all cores.
    pub threads: Option<NonZeroU32>,
    /// The family's attention pattern.
    pub attention: Attention,
    /// Where derived files, such as quantised weights, may be kept; `None` forbids them.
    pub cache_folder: Option<PathBuf>,
    /// Free-form options of this backend: a JSON object, `{}` if there are none.
    pub options_json: String,
}

/// How far loading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadProgress<'a> {
    /// What is being done, such as `reading weights`.
    pub stage: &'a str,
    /// Bytes done in this stage.
    pub done: u64,
    /// Bytes in all, 0 if unknown.
    pub total: u64,
}

/// Hears of progress, from any thread; `Break` asks the backend to give up with [`BackendError::Cancelled`].
///
/// [`BackendError::Cancelled`]: crate::BackendError::Cancelled
pub type Progress<'a> = dyn Fn(LoadProgress<'_>) -> ControlFlow<()> + Sync + 'a;
