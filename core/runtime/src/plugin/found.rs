use std::path::Path;
use std::sync::Arc;

use unmask_api::{Backend, BackendError, Device, Probe};

use super::backend::{self, PluginBackend};
use super::isolate::{self, IsolatedBackend, Isolation};

use super::trust::Granted;

/// Where the code of a backend runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Running {
    /// In this process.
    #[default]
    Here,
    /// In a process of its own.
    Alone,
}

/// A backend that was found, and where it was asked what it is.
#[derive(Clone)]
pub(super) enum FoundBackend {
    /// Part of the program.
    BuiltIn(Arc<dyn Backend>),
    Here(Arc<PluginBackend>, Granted),
    Alone(Arc<IsolatedBackend>, Granted),
}

/// Whether a backend can be used and on what, or why it fails when asked.
pub(super) type Examined = Result<(Probe, Vec<Device>), String>;

impl FoundBackend {
    /// Opens a library that was just granted and asks it what it is, where `isolation` says.
    ///
    /// # Errors
    /// If it cannot be opened, or ends the process of its own that it runs in.
    pub(super) fn open(
        library: Granted,
        isolation: &Isolation,
    ) -> Result<(Self, Examined), String> {
        if isolation.covers(library.path()) {
            let described = isolate::describe(&library, &isolation.launcher).map_err(message)?;
            let devices = match &described.probe {
                Ok(Probe::Usable { .. }) => described.backend.devices(),
                Ok(Probe::Unusable { .. }) | Err(_) => Vec::new(),
            };
            let examined = described.probe.map(|probe| (probe, devices));
            return Ok((Self::Alone(Arc::new(described.backend), library), examined));
        }
        let backend = backend::start(&library).map_err(|error| error.to_string())?;
        let examined = backend.examine().map_err(message);
        Ok((Self::Here(backend, library), examined))
    }

    pub(super) fn backend(&self) -> Arc<dyn Backend> {
        match self {
            Self::BuiltIn(backend) => Arc::clone(backend),
            Self::Here(backend, _) => Arc::clone(backend) as Arc<dyn Backend>,
            Self::Alone(backend, _) => Arc::clone(backend) as Arc<dyn Backend>,
        }
    }

    /// The same backend with its code where it is wanted.
    ///
    /// # Errors
    /// If it cannot be opened there.
    pub(super) fn running(
        &self,
        running: Running,
        isolation: &Isolation,
    ) -> Result<Arc<dyn Backend>, String> {
        match (self, running) {
            (Self::BuiltIn(_), Running::Here)
            | (Self::Here(..), Running::Here)
            | (Self::Alone(..), Running::Alone) => Ok(self.backend()),
            (Self::BuiltIn(_), Running::Alone) => {
                Err("it is part of this program and cannot run in a process of its own".to_owned())
            }
            (Self::Here(_, library), Running::Alone) => {
                let described = isolate::describe(library, &isolation.launcher).map_err(message)?;
                described
                    .probe
                    .map(|_| Arc::new(described.backend) as Arc<dyn Backend>)
            }
            (Self::Alone(_, library), Running::Here) => {
                let backend = backend::start(library).map_err(|error| error.to_string())?;
                Ok(backend)
            }
        }
    }

    /// Its library; `None` for a part of the program.
    pub(super) fn library(&self) -> Option<&Granted> {
        match self {
            Self::BuiltIn(_) => None,
            Self::Here(_, library) | Self::Alone(_, library) => Some(library),
        }
    }

    pub(super) fn name(&self) -> String {
        self.backend().name().to_owned()
    }

    /// What it says of the libraries that it opens itself; empty if nothing.
    pub(super) fn runtimes(&self) -> &str {
        match self {
            Self::BuiltIn(_) => "",
            Self::Here(backend, _) => &backend.runtimes,
            Self::Alone(backend, _) => &backend.runtimes,
        }
    }

    /// True for one library under two paths, as cargo links them.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Here(one, _), Self::Here(other, _)) if Arc::ptr_eq(one, other) => true,
            // One that was approved is opened under each of its paths.
            (Self::Here(_, one), Self::Here(_, other))
            | (Self::Alone(_, one), Self::Alone(_, other)) => is_one_file(one.path(), other.path()),
            (Self::BuiltIn(_) | Self::Here(..) | Self::Alone(..), _) => false,
        }
    }
}

fn message(error: BackendError) -> String {
    error.to_string()
}

#[cfg(unix)]
fn is_one_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let name = |path: &Path| path.metadata().ok().map(|it| (it.dev(), it.ino()));
    name(one).is_some_and(|it| Some(it) == name(other))
}

#[cfg(not(unix))]
fn is_one_file(one: &Path, other: &Path) -> bool {
    let name = |path: &Path| path.canonicalize().ok();
    name(one).is_some_and(|it| Some(it) == name(other))
}
