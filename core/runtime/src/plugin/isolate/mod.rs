//! Backends in processes of their own: whatever becomes of one takes nothing else with it.
//!
//! The program starts itself once more as a [worker](serve), one for each loaded model, which opens the library and does what
//! is requested over a channel. [`Backend`], `Model` and `Session` look the same on this side of it, so that nobody above
//! notices. Output lies in memory that both processes map; it is copied out of it and tested as that of any plugin is. A
//! worker that dies, or does not respond in time and is ended, is a [`Gone`](unmask_api::BackendError::Gone). A worker whose
//! program is gone ends itself.
//!
//! Work of another kind, which is given once and followed by its events, is a [`Task`].
//!
//! This keeps accidents in, not malice: a worker has the user's rights.

mod backend;
mod channels;
mod message;
mod model;
mod output;
mod process;
mod receiver;
mod session;
mod shared_memory;
mod task;
mod worker;
mod worker_session;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use unmask_api::Backend;

pub(super) use backend::{IsolatedBackend, describe};
pub use channels::sweep_channels;
pub use message::Spec;
pub use task::{Task, TaskEvent, run_task};
pub use worker::serve;

use super::file_name::name_in;
use super::{FindError, Granted};

/// Opens `library`, which was just granted, in a process of its own and asks it what it is.
///
/// # Errors
/// If it cannot be opened, or fails when it is asked.
pub fn ask(library: &Granted) -> Result<Arc<dyn Backend>, FindError> {
    let broken = |name, reason| FindError::Broken { name, reason };
    let described = describe(library, &Launcher::default()).map_err(|error| {
        let path = library.path();
        let name = name_in(path).map_or_else(|| path.display().to_string(), ToOwned::to_owned);
        broken(name, error.to_string())
    })?;
    let name = described.backend.name().to_owned();
    described.probe.map_err(|reason| broken(name, reason))?;
    Ok(Arc::new(described.backend))
}

/// The subcommand of the program by which it is a worker; behind it comes the name of the channel.
pub const SUBCOMMAND: &str = "backend-worker";

/// A worker that has not said hello by then will not.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a load that is to stop may go on before its process is ended.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);
/// How many times longer than others a backend is waited for that does not promise to look between layers whether it should
/// stop: loading again takes longer still.
const PATIENCE_WITHOUT_CANCEL: u32 = 6;
/// How often those who wait look whether they should still.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// How a worker is started, and waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launcher {
    /// The program; `None` for the running one.
    pub program: Option<PathBuf>,
    /// What it is given before the name of the channel.
    pub arguments: Vec<OsString>,
    /// How long a pass that was asked to stop may go on before its process is ended.
    pub patience: Duration,
    /// How long all else may take that is neither load nor pass: opening and asking a library, sessions, reading output.
    pub quick: Duration,
}

impl Default for Launcher {
    /// The running program, which has a [`SUBCOMMAND`] for it.
    fn default() -> Self {
        Self {
            program: None,
            arguments: vec![SUBCOMMAND.into()],
            patience: Duration::from_secs(10),
            quick: Duration::from_secs(60),
        }
    }
}

impl Launcher {
    fn program(&self) -> io::Result<PathBuf> {
        match &self.program {
            Some(program) => Ok(program.clone()),
            None => std::env::current_exe(),
        }
    }
}

/// Which backends are opened in processes of their own, already to be asked what they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Isolation {
    /// Their names. A file whose name does not tell whose it is counts as one of them, unless there are none.
    pub names: BTreeSet<String>,
    /// How.
    pub launcher: Launcher,
}

impl Isolation {
    /// Of the backends called `names`, in this program.
    pub fn of(names: impl IntoIterator<Item = String>) -> Self {
        Self {
            names: names.into_iter().collect(),
            launcher: Launcher::default(),
        }
    }

    /// Whether the library at `path` must not be opened in this process.
    pub(super) fn covers(&self, path: &Path) -> bool {
        match name_in(path) {
            Some(name) => self.names.contains(name),
            None => !self.names.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};

    #[test]
    fn a_file_without_a_telling_name_is_kept_out_if_anything_is() {
        let file =
            |name: &str| PathBuf::from(format!("{DLL_PREFIX}unmask_backend_{name}{DLL_SUFFIX}"));
        let isolation = Isolation::of(["candle".to_owned()]);
        assert!(isolation.covers(&file("candle")));
        assert!(!isolation.covers(&file("onnx")));
        assert!(isolation.covers(Path::new("odd.so")));
        let nobody = Isolation::of([]);
        assert!(!nobody.covers(&file("candle")) && !nobody.covers(Path::new("odd.so")));
    }
}
