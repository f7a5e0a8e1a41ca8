//! The list of backends, as people see it.

use std::path::{Path, PathBuf};

use unmask_api::{Device, Probe};

use super::file_name::name_in;
use super::found::FoundBackend;

/// Whether a backend can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackendState {
    /// It can.
    Usable {
        /// Rough worth on this machine; the highest is suggested first.
        score: u32,
    },
    /// It works, but not on this machine or not under this name.
    Unusable {
        /// Why not.
        reason: String,
        /// What to do about it; empty if nothing.
        remedy: String,
    },
    /// It cannot be loaded, or fails when asked; why, and what to do.
    Broken(String),
    /// It is neither ours nor approved by the user: none of its code has run.
    Unapproved {
        /// What its bytes hash to now.
        sha256: String,
        /// Whether it ever was approved.
        since: Since,
    },
}

impl From<Probe> for BackendState {
    fn from(probe: Probe) -> Self {
        match probe {
            Probe::Usable { score } => Self::Usable { score },
            Probe::Unusable { reason, remedy } => Self::Unusable { reason, remedy },
        }
    }
}

/// Since when a library is not approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// It never was.
    Ever,
    /// Another file was, at the same place.
    ItChanged,
}

impl Since {
    /// In a word or a few, as a reason.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Ever => "not approved",
            Self::ItChanged => "not approved: it has changed",
        }
    }
}

/// One line of the list of backends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendRow {
    /// Its file; empty for a backend that is part of the program.
    pub path: PathBuf,
    /// Its name; what the file's name tells if it could not be asked.
    pub name: String,
    /// Its version; empty if it could not be asked.
    pub version: String,
    /// Whether it can be used.
    pub state: BackendState,
    /// What it can compute on, the default first; empty unless it is usable.
    pub devices: Vec<Device>,
    /// The libraries that it opens itself, in its own words, for [`Runtimes::parse`](super::Runtimes::parse); empty if there
    /// are none.
    pub runtimes: String,
}

impl BackendRow {
    pub(super) fn of(
        path: &Path,
        found: &FoundBackend,
        state: BackendState,
        devices: Vec<Device>,
    ) -> Self {
        let backend = found.backend();
        Self {
            path: path.to_owned(),
            name: backend.name().to_owned(),
            version: backend.version().to_owned(),
            state,
            devices,
            runtimes: found.runtimes().to_owned(),
        }
    }

    /// Of a backend whose name the one in the file `first` has already.
    pub(super) fn shadowed(path: &Path, found: &FoundBackend, first: &Path) -> Self {
        let state = BackendState::Unusable {
            reason: format!("{} has the same name and comes first", first.display()),
            remedy: "remove one of them".to_owned(),
        };
        Self::of(path, found, state, Vec::new())
    }

    /// Of a file whose code was not asked.
    pub(super) fn unasked(path: &Path, state: BackendState) -> Self {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        Self {
            path: path.to_owned(),
            name: name_in(path).map_or_else(|| stem.into_owned(), ToOwned::to_owned),
            version: String::new(),
            state,
            devices: Vec::new(),
            runtimes: String::new(),
        }
    }

    /// The command that approves it, for people to copy.
    #[must_use]
    pub fn how_to_approve(&self) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        match self.name.chars().all(is_plain) && !self.name.starts_with('-') {
            true => format!("run: unmask backends approve {}", self.name),
            // Nobody should paste what a file's name makes of a command line.
            false => "run `unmask backends approve` with its path".to_owned(),
        }
    }
}
