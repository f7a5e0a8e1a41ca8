//! The log file: what the program, its backends and their libraries have to say while the screen is up.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;
use unmask::run::Log;
use unmask_core::config::Environment;

use super::output::open_at_once;

/// What is written at the least; `UNMASK_LOG` says otherwise, in the words of `RUST_LOG`.
const LEVEL: &str = "info";

/// Where the log is; `None` if the user has no folder for it.
pub(super) fn path(environment: &Environment) -> Option<PathBuf> {
    let folders = environment.folders.as_ref()?;
    Some(folders.state.join("unmask").join("unmask.log"))
}

/// The log file, opened to be appended to; `None` if the user has no folder for it.
pub(super) fn file(environment: &Environment) -> anyhow::Result<Option<Log>> {
    let Some(path) = path(environment) else {
        return Ok(None);
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = open_at_once(File::options().create(true).append(true), &path);
    let file = file.with_context(|| format!("cannot write the log {}", path.display()))?;
    Ok(Some(Log { file, path }))
}

/// Sends tracing to the log file. A log that cannot be written is no reason not to work.
pub(super) fn start(environment: &Environment) {
    let Ok(Some(log)) = file(environment) else {
        return;
    };
    let filter = EnvFilter::try_from_env("UNMASK_LOG").unwrap_or_else(|_| EnvFilter::new(LEVEL));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Mutex::new(log.file))
        .init();
}
