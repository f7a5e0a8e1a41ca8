//! The messages between the program and a worker process.

use std::num::NonZeroU32;
use std::path::PathBuf;

use super::Granted;
use ipc_channel::ipc::{IpcReceiver, IpcSender};
use serde::{Deserialize, Serialize};
use unmask_api::{Attention, BackendError, ErrorCode, Estimate, LoadSpec};

use super::super::check::utf8;

/// The messages as this build has them; those of another are not understood.
pub(super) const VERSION: &str = concat!("4 of ", env!("CARGO_PKG_VERSION"));

/// The first message of a worker. It stays as it is, so that every version can be told from every other.
#[derive(Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) version: String,
    pub(super) requests: IpcSender<Request>,
    pub(super) responses: IpcReceiver<Response>,
    pub(super) log: IpcReceiver<LogMessage>,
}

/// What the program asks for; one thing at a time, but for `Cancel`.
#[derive(Serialize, Deserialize)]
pub(super) enum Request {
    /// Open this library; answered by `Opened`.
    Open(Granted),
    /// Answered by `Checked`.
    Check(Spec),
    /// Answered by `Progress`, then `Loaded`.
    Load(Spec),
    /// Answered by `Progress`, then `Done`.
    Export(Spec, PathBuf),
    /// Break the load or the export off.
    Cancel,
    /// Open a session of the loaded model, which has a channel of its own; answered by `Done`.
    Session {
        cells: u32,
        slots: u32,
        requests: IpcReceiver<SessionRequest>,
        responses: IpcSender<SessionResponse>,
    },
}

#[derive(Serialize, Deserialize)]
pub(super) enum Response {
    Opened(Description),
    Checked(EstimateMessage),
    Progress {
        stage: String,
        done: u64,
        total: u64,
    },
    Loaded(Facts),
    Done,
    Failed(ErrorMessage),
}

/// What a backend writes to the program's log.
#[derive(Serialize, Deserialize)]
pub(super) struct LogMessage {
    pub(super) level: u32,
    pub(super) part: String,
    pub(super) message: String,
}

/// What a library is.
#[derive(Serialize, Deserialize)]
pub(super) struct Description {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) runtimes: String,
    pub(super) probe: ProbeMessage,
    pub(super) devices: Vec<DeviceMessage>,
}

/// [`Probe`](unmask_api::Probe), or why it failed.
#[derive(Serialize, Deserialize)]
pub(super) enum ProbeMessage {
    Usable { score: u32 },
    Unusable { reason: String, remedy: String },
    Failed(String),
}

/// [`Device`](unmask_api::Device), its kind as in the C table.
#[derive(Serialize, Deserialize)]
pub(super) struct DeviceMessage {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: u32,
    pub(super) total_bytes: u64,
    pub(super) free_bytes: u64,
    pub(super) precisions: Vec<String>,
    pub(super) ranked: bool,
}

/// [`Estimate`].
#[derive(Serialize, Deserialize)]
pub(super) struct EstimateMessage {
    weights_bytes: u64,
    cell_bytes: u64,
    threads: u32,
}

/// [`ModelFacts`](unmask_api::ModelFacts).
#[derive(Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) vocab: u32,
    pub(super) max_positions: u32,
    pub(super) memory_bytes: u64,
    pub(super) cell_bytes: u64,
    pub(super) capabilities: u64,
    pub(super) precision: String,
    pub(super) notes: Vec<String>,
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
    attention: AttentionMessage,
    cache_folder: Option<PathBuf>,
    options_json: String,
}

#[derive(Debug, Serialize, Deserialize)]
enum AttentionMessage {
    Bidirectional,
    BlockCausal(NonZeroU32),
    Causal,
}

/// Something to do with a session.
#[derive(Serialize, Deserialize)]
pub(super) struct SessionRequest {
    pub(super) action: SessionAction,
    /// The file of the shared memory, if it is another than before.
    pub(super) memory: Option<PathBuf>,
}

#[derive(Serialize, Deserialize)]
pub(super) enum SessionAction {
    Forward(PassMessage),
    /// Answered when the logits lie in the shared memory, `[rows, vocab]`.
    ReadLogits {
        rows: Vec<u32>,
        vocab: usize,
    },
    /// Answered when the answer lies in the shared memory, as [`TopLayout`](super::shared_memory::TopLayout) says.
    ReadTop(TopMessage),
    CopySlot {
        from: u32,
        to: u32,
    },
    ClearSlot(u32),
    Reserve(u32),
}

/// That it is done, or why not.
pub(super) type SessionResponse = Result<(), ErrorMessage>;

/// [`Pass`](unmask_api::Pass); the cancel flag lies in the shared memory.
#[derive(Serialize, Deserialize)]
pub(super) struct PassMessage {
    /// `fed`, `slot`, the ends of `context`, and `padding`.
    pub(super) rows: Vec<[u32; 5]>,
    pub(super) tokens: Vec<u32>,
    pub(super) positions: Vec<u32>,
    pub(super) cells: Vec<u32>,
    pub(super) mask: Option<Vec<u32>>,
    pub(super) wanted: Vec<u32>,
}

/// [`TopRequest`](unmask_api::TopRequest).
#[derive(Serialize, Deserialize)]
pub(super) struct TopMessage {
    pub(super) k: usize,
    pub(super) rows: Vec<u32>,
    pub(super) banned: Vec<u32>,
    pub(super) asked: Vec<u32>,
    pub(super) divergence: bool,
}

/// A [`BackendError`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ErrorMessage {
    status: i32,
    /// Who reported it, if it was a plugin.
    plugin: Option<String>,
    message: String,
}

impl From<Estimate> for EstimateMessage {
    fn from(estimate: Estimate) -> Self {
        Self {
            weights_bytes: estimate.weights_bytes,
            cell_bytes: estimate.cell_bytes,
            threads: estimate.threads,
        }
    }
}

impl From<EstimateMessage> for Estimate {
    fn from(message: EstimateMessage) -> Self {
        Self {
            weights_bytes: message.weights_bytes,
            cell_bytes: message.cell_bytes,
            threads: message.threads,
        }
    }
}

impl ErrorMessage {
    pub(super) fn of(error: &BackendError) -> Self {
        let (plugin, message) = match error {
            BackendError::Plugin {
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
            (code, Some(backend)) => BackendError::Plugin {
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
            attention: match spec.attention {
                Attention::Bidirectional => AttentionMessage::Bidirectional,
                Attention::BlockCausal(length) => AttentionMessage::BlockCausal(length),
                Attention::Causal => AttentionMessage::Causal,
            },
            cache_folder: spec.cache_folder.clone(),
            options_json: spec.options_json.clone(),
        })
    }

    /// The spec.
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
            attention: match self.attention {
                AttentionMessage::Bidirectional => Attention::Bidirectional,
                AttentionMessage::BlockCausal(length) => Attention::BlockCausal(length),
                AttentionMessage::Causal => Attention::Causal,
            },
            cache_folder: self.cache_folder,
            options_json: self.options_json,
        }
    }
}
