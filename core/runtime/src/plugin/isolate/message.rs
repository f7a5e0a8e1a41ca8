//! What the two processes say to each other.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use ipc_channel::ipc::{IpcReceiver, IpcSender};
use serde::{Deserialize, Serialize};
use unmask_api::{Attention, BackendError, ErrorCode, LoadSpec};

/// The messages as this build has them; those of another are not understood.
pub(super) const VERSION: &str = concat!("1 of ", env!("CARGO_PKG_VERSION"));

/// The first message of a host. It stays as it is, so that every version can be told from every other.
#[derive(Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) version: String,
    pub(super) requests: IpcSender<Request>,
    pub(super) answers: IpcReceiver<Answer>,
    pub(super) notes: IpcReceiver<Note>,
}

/// What the program asks for; one thing at a time, but for `GiveUp`.
#[derive(Serialize, Deserialize)]
pub(super) enum Request {
    /// Open this library; answered by `Opened`.
    Open(PathBuf),
    /// Answered by `Progress`, then `Loaded`.
    Load(Spec),
    /// Answered by `Progress`, then `Done`.
    Export(Spec, PathBuf),
    /// Break the load or the export off.
    GiveUp,
    /// Open a session of the loaded model, which has a channel of its own; answered by `Done`.
    Session {
        capacity: u32,
        slots: u32,
        passes: IpcReceiver<PassMessage>,
        ends: IpcSender<Result<(), Fault>>,
    },
}

#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    Opened(Opened),
    Progress {
        stage: String,
        done: u64,
        total: u64,
    },
    Loaded(Facts),
    Done,
    Failed(Fault),
}

/// What a backend writes to the host's log.
#[derive(Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) level: u32,
    pub(super) part: String,
    pub(super) message: String,
}

/// What a library is.
#[derive(Serialize, Deserialize)]
pub(super) struct Opened {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) runtimes: String,
    pub(super) condition: Condition,
    pub(super) devices: Vec<DeviceMessage>,
}

#[derive(Serialize, Deserialize)]
pub(super) enum Condition {
    Usable { score: u32 },
    Unusable { reason: String, remedy: String },
    Broken(String),
}

/// [`Device`](unmask_api::Device), its kind as in the C table.
#[derive(Serialize, Deserialize)]
pub(super) struct DeviceMessage {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: u32,
    pub(super) total_bytes: u64,
    pub(super) free_bytes: u64,
    pub(super) precisions: String,
}

/// [`ModelFacts`](unmask_api::ModelFacts).
#[derive(Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) vocab: u32,
    pub(super) max_positions: u32,
    pub(super) memory_bytes: u64,
    pub(super) capabilities: u64,
    pub(super) precision: String,
    pub(super) notes: String,
}

/// [`LoadSpec`], as it goes from process to process.
#[derive(Debug, Serialize, Deserialize)]
pub struct Spec {
    family: String,
    folder: PathBuf,
    weights: Vec<PathBuf>,
    config_json: String,
    device: String,
    precision: String,
    threads: Option<NonZeroU32>,
    block: Option<NonZeroU32>,
    cache_folder: Option<PathBuf>,
    options_json: String,
}

/// [`Pass`](unmask_api::Pass), and where its scores go.
#[derive(Serialize, Deserialize)]
pub(super) struct PassMessage {
    /// `fed`, `slot`, and the ends of `attend`.
    pub(super) rows: Vec<[u32; 4]>,
    pub(super) tokens: Vec<u32>,
    pub(super) positions: Vec<u32>,
    pub(super) wanted: Vec<u32>,
    pub(super) wants: Wants,
    /// The file of the memory for the scores, if it is another than before.
    pub(super) memory: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum Wants {
    /// Rows of this many scores.
    Logits { vocab: usize },
    /// The best `k` of each row.
    Top { k: usize },
}

/// A [`BackendError`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Fault {
    status: i32,
    /// Who reported it, if it was a plugin.
    plugin: Option<String>,
    message: String,
}

impl Fault {
    pub(super) fn of(error: &BackendError) -> Self {
        let (plugin, message) = match error {
            BackendError::Remote {
                backend, message, ..
            } => (Some(backend.clone()), message.clone()),
            _ => (None, error.full_text()),
        };
        Self {
            status: error.code().to_status(),
            plugin,
            message,
        }
    }

    pub(super) fn error(self) -> BackendError {
        let message = self.message;
        match (ErrorCode::from_status(self.status), self.plugin) {
            (ErrorCode::Cancelled, _) => BackendError::Cancelled,
            (code, Some(backend)) => BackendError::Remote {
                backend,
                code,
                message,
            },
            (ErrorCode::Invalid, None) => BackendError::Invalid(message),
            (ErrorCode::Unsupported, None) => BackendError::Unsupported(message),
            (ErrorCode::OutOfMemory, None) => BackendError::OutOfMemory(message),
            (ErrorCode::Panicked, None) => BackendError::Panicked(message),
            (_, None) => BackendError::Device(message),
        }
    }
}

impl Spec {
    /// Of `spec`.
    ///
    /// # Errors
    /// If a path is not UTF-8, which a plugin could not be told either.
    pub fn of(spec: &LoadSpec) -> Result<Self, BackendError> {
        let weights = spec.weights.iter().map(PathBuf::as_path);
        let paths = weights
            .chain([&*spec.folder])
            .chain(spec.cache_folder.as_deref());
        for path in paths {
            utf8(path)?;
        }
        Ok(Self {
            family: spec.family.clone(),
            folder: spec.folder.clone(),
            weights: spec.weights.clone(),
            config_json: spec.config_json.clone(),
            device: spec.device.clone(),
            precision: spec.precision.clone(),
            threads: spec.threads,
            block: match spec.attention {
                Attention::Bidirectional => None,
                Attention::BlockCausal(length) => Some(length),
            },
            cache_folder: spec.cache_folder.clone(),
            options_json: spec.options_json.clone(),
        })
    }

    /// What it was made of.
    #[must_use]
    pub fn spec(self) -> LoadSpec {
        LoadSpec {
            family: self.family,
            folder: self.folder,
            weights: self.weights,
            config_json: self.config_json,
            device: self.device,
            precision: self.precision,
            threads: self.threads,
            attention: self
                .block
                .map_or(Attention::Bidirectional, Attention::BlockCausal),
            cache_folder: self.cache_folder,
            options_json: self.options_json,
        }
    }
}

/// A path as messages can hold it.
pub(super) fn utf8(path: &Path) -> Result<&str, BackendError> {
    path.to_str().ok_or_else(|| {
        BackendError::Unsupported(format!(
            "the path {} is not UTF-8; move it to a folder whose name is",
            path.display()
        ))
    })
}
