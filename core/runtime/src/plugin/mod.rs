//! Backends from disk: where they are looked for ([`SearchPath`]), what was found ([`Registry`]), one file ([`load`]).
//!
//! A plugin runs in our process, so that it must be ours or approved by the user before the loader may touch it
//! ([`Approvals`]). What it says is not believed even then: data is checked before its first function is called, and
//! everything that its functions return afterwards. A bad one is a row in the list of backends, never the end of the
//! program. One that would end the program by itself, as by writing where it may not, can be kept in a process of its own
//! ([`isolate`]).

mod backend;
mod calls;
mod check;
mod elf;
mod file_name;
mod find_error;
mod found;
mod handle;
pub mod isolate;
mod library;
mod model;
mod registry;
mod row;
mod runtimes;
mod search;
mod services;
mod session;
mod trust;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use unmask_api::Backend;
use unmask_api::abi::{ABI_MAJOR, ABI_MINOR};

pub use find_error::FindError;
pub use found::Running;
pub use isolate::{Isolation, Launcher};
pub use registry::{BackendFilter, Registry};
pub use row::{BackendRow, BackendState, Since};
pub use runtimes::{Runtime, Runtimes, RuntimesError};
pub use search::{BackendSearch, Refused, SearchLocation, SearchOrigin, SearchPath};
pub use trust::{Approval, Approvals, ApprovalsError, Granted};

/// Why a file is not a usable plugin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// Not a whole path: the loader would search the system for it.
    #[error("{path} is not an absolute path; write it from the root", path = path.display())]
    Relative {
        /// As given.
        path: PathBuf,
    },
    /// Others may change it.
    #[error("{path} is not loaded: {what}", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// It is not what the user has approved.
    #[error("{path} has changed since it was approved; approve it again", path = path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The loader refused it.
    #[error("{path} cannot be loaded: {reason}", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The loader's own words.
        reason: String,
    },
    /// A library of another kind.
    #[error("{path} is not a backend for unmask: it exports no UNMASK_PLUGIN", path = path.display())]
    NoEntry {
        /// The file.
        path: PathBuf,
    },
    /// Built for another ABI.
    #[error(
        "{path} speaks plugin ABI {major}.{minor}, this program speaks {ABI_MAJOR}.{ABI_MINOR}; rebuild it against \
         unmask-sdk or unmask_backend.h of ABI {ABI_MAJOR}",
        path = path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its ABI.
        major: u32,
        /// Its ABI.
        minor: u32,
    },
    /// The exported table is not what the contract says.
    #[error("{path}: {what}; the plugin must be repaired by its maker", path = path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Its `init` reported a failure.
    #[error("{path} did not start: {message}", path = path.display())]
    Init {
        /// The file.
        path: PathBuf,
        /// The plugin's own words.
        message: String,
    },
}

/// Opens the plugin in the file at `path`, which must be absolute; opening it again gives the same backend.
///
/// Nobody is asked: whoever calls this vouches for the file. [`Registry::discover`] is for files that were found.
///
/// The library stays mapped until the process ends: its threads may outlive every handle.
///
/// # Errors
/// [`PluginError`] if others may change it, or it is no library, no plugin, speaks another ABI, has a damaged table, or fails
/// to start.
pub fn load(path: &Path) -> Result<Arc<dyn Backend>, PluginError> {
    load_granted(&Granted::vouched(path)?)
}

/// The same for a library that was granted, also in another process: what was approved is opened, or nothing.
///
/// # Errors
/// Those of [`load`], and [`PluginError::Changed`].
pub fn load_granted(library: &Granted) -> Result<Arc<dyn Backend>, PluginError> {
    let backend: Arc<dyn Backend> = backend::start(library)?;
    Ok(backend)
}

#[cfg(test)]
mod tests;
