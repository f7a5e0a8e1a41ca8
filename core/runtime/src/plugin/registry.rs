use std::path::{Path, PathBuf};
use std::sync::Arc;

use unmask_api::{Backend, BackendError, Device, Probe};

use super::remote::{self, RemoteBackend};
use super::search::{self, SearchPath};
use super::{Approval, PluginError, trust};
use crate::config::ModelEntry;

/// Whether a backend can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
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
    pub state: State,
    /// What it can compute on, the default first; empty unless it is usable.
    pub devices: Vec<Device>,
    /// The libraries that it opens itself, in its own words, for [`Runtimes::parse`](super::Runtimes::parse); empty if there
    /// are none.
    pub runtimes: String,
}

impl BackendRow {
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

/// Why a name gives no backend.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindError {
    /// Nobody is called that.
    #[error("there is no backend `{name}`; {hint}")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The nearest name, or where backends are looked for.
        hint: String,
    },
    /// It is there, but cannot be used here.
    #[error("backend `{name}` cannot be used here: {reason}{}{remedy}", if remedy.is_empty() { "" } else { "; " })]
    Unusable {
        /// Its name.
        name: String,
        /// Why not.
        reason: String,
        /// What to do; may be empty.
        remedy: String,
    },
    /// It is there, but nobody has approved it.
    #[error("backend `{name}` is {reason}; {remedy}")]
    Unapproved {
        /// Its name, as its file says it.
        name: String,
        /// That it never was, or is another now.
        reason: &'static str,
        /// How to.
        remedy: String,
    },
    /// It is there, but does not work.
    #[error("backend `{name}` does not work: {reason}")]
    Broken {
        /// Its name.
        name: String,
        /// Why not, and what to do.
        reason: String,
    },
}

/// The backends of this machine.
#[derive(Default)]
pub struct Registry {
    rows: Vec<BackendRow>,
    /// Those that are usable.
    backends: Vec<Arc<dyn Backend>>,
    /// Those that work, but not here, unless a model's options give them what they lack.
    lacking: Vec<Arc<dyn Backend>>,
    /// Where they were looked for.
    places: Vec<PathBuf>,
}

impl Registry {
    /// Loads and probes whatever lies on `path` and may run. What cannot be used is a row that says why; what is not ours
    /// and was not approved is looked at as a file, and never opened as a library.
    ///
    /// Of two backends with one name the first wins.
    #[must_use]
    pub fn discover(path: &SearchPath) -> Self {
        let mut this = Self {
            places: path.places().iter().map(|it| it.path.clone()).collect(),
            ..Self::default()
        };
        for refused in path.refused() {
            this.rows
                .push(broken(&refused.path, refused.reason.clone()));
        }
        let mut seen: Vec<(Arc<RemoteBackend>, PathBuf)> = Vec::new();
        for file in path.files() {
            match admit(&file, path) {
                Err(error) => this.rows.push(broken(&file, error.to_string())),
                Ok(Admission::Ask(state)) => this.rows.push(BackendRow {
                    state,
                    ..broken(&file, String::new())
                }),
                Ok(Admission::Granted(library)) => match remote::start(&library) {
                    Err(error) => this.rows.push(broken(&file, error.to_string())),
                    Ok(backend) => this.take(file, backend, &mut seen),
                },
            }
        }
        this
    }

    fn take(
        &mut self,
        file: PathBuf,
        backend: Arc<RemoteBackend>,
        seen: &mut Vec<(Arc<RemoteBackend>, PathBuf)>,
    ) {
        // One library under two paths, as cargo links them.
        if seen.iter().any(|(other, _)| Arc::ptr_eq(other, &backend)) {
            return;
        }
        let namesake = seen
            .iter()
            .find(|(other, _)| other.name() == backend.name());
        match namesake {
            Some((_, first)) => self.rows.push(shadowed(&file, &backend, first)),
            None => self.ask(&file, &backend),
        }
        seen.push((backend, file));
    }

    /// Those of `backends` alone, which are part of the program.
    #[must_use]
    pub fn built_in(backends: Vec<Arc<dyn Backend>>) -> Self {
        let mut this = Self::default();
        for backend in backends {
            let (state, devices) = (state(backend.probe()), backend.devices());
            let usable = matches!(state, State::Usable { .. });
            this.rows
                .push(row(Path::new(""), &*backend, state, devices, ""));
            if usable {
                this.backends.push(backend);
            }
        }
        this
    }

    fn ask(&mut self, file: &Path, backend: &Arc<RemoteBackend>) {
        let (state, devices) = match probe(backend) {
            Ok(answer) => answer,
            Err(error) => (State::Broken(error.to_string()), Vec::new()),
        };
        let found = Arc::clone(backend) as Arc<dyn Backend>;
        match state {
            State::Usable { .. } => self.backends.push(found),
            State::Unusable { .. } => self.lacking.push(found),
            State::Broken(_) | State::Unapproved { .. } => {}
        }
        let runtimes = &backend.runtimes;
        self.rows
            .push(row(file, &**backend, state, devices, runtimes));
    }

    /// Every backend found, the first place first, and every entry of the search path that was refused.
    #[must_use]
    pub fn rows(&self) -> &[BackendRow] {
        &self.rows
    }

    /// The usable backend called `name`.
    ///
    /// # Errors
    /// [`FindError`] says what is known of that name, or which name is near.
    pub fn find(&self, name: &str) -> Result<Arc<dyn Backend>, FindError> {
        if let Some(backend) = self.backends.iter().find(|it| it.name() == name) {
            return Ok(Arc::clone(backend));
        }
        let named = self.named(name);
        let name = name.to_owned();
        Err(match named.map(|row| row.state.clone()) {
            Some(State::Broken(reason)) => FindError::Broken { name, reason },
            Some(State::Unusable { reason, remedy }) => FindError::Unusable {
                name,
                reason,
                remedy,
            },
            Some(State::Unapproved { since, .. }) => FindError::Unapproved {
                remedy: named.map_or_else(String::new, BackendRow::how_to_approve),
                reason: since.reason(),
                name,
            },
            Some(State::Usable { .. }) | None => FindError::Unknown {
                hint: self.hint(&name),
                name,
            },
        })
    }

    /// The backend called `name`, also if it lacks something here: for work that may not need it, or is told where it is.
    /// The backend's own errors tell if that is not so.
    ///
    /// # Errors
    /// As [`find`](Self::find), but never [`FindError::Unusable`].
    pub fn find_lacking(&self, name: &str) -> Result<Arc<dyn Backend>, FindError> {
        let lacking = self.lacking.iter().find(|it| it.name() == name);
        lacking.map_or_else(|| self.find(name), |backend| Ok(Arc::clone(backend)))
    }

    /// As a load of `entry` finds its backend: options may name what it lacks.
    pub(crate) fn find_for(
        &self,
        name: &str,
        entry: &ModelEntry,
    ) -> Result<Arc<dyn Backend>, FindError> {
        match entry.options.value.is_empty() {
            true => self.find(name),
            false => self.find_lacking(name),
        }
    }

    /// What is known of the backend called `name`, usable or not.
    ///
    /// # Errors
    /// [`FindError::Unknown`], with a name that is near.
    pub fn row(&self, name: &str) -> Result<&BackendRow, FindError> {
        self.named(name).ok_or_else(|| FindError::Unknown {
            hint: self.hint(name),
            name: name.to_owned(),
        })
    }

    /// The row of this name: rather one that was asked for it than a file that is only called that.
    fn named(&self, name: &str) -> Option<&BackendRow> {
        let named = || self.rows.iter().filter(|row| row.name == name);
        let was_asked = |row: &&BackendRow| !matches!(row.state, State::Unapproved { .. });
        named().find(was_asked).or_else(|| named().next())
    }

    fn hint(&self, name: &str) -> String {
        let distance = |row: &&BackendRow| strsim::damerau_levenshtein(&row.name, name);
        let named = self.rows.iter().filter(|row| !row.name.is_empty());
        let nearest = named.min_by_key(distance);
        if let Some(near) = nearest.filter(|row| distance(row) <= 1 + name.len() / 4) {
            return format!("did you mean `{}`?", near.name);
        }
        let names: Vec<&str> = self.backends.iter().map(|it| it.name()).collect();
        if !names.is_empty() {
            return format!("there are {}", names.join(", "));
        }
        let places: Vec<String> = self
            .places
            .iter()
            .map(|it| it.display().to_string())
            .collect();
        format!("none was found in {}", places.join(", "))
    }
}

/// What may be done with a file.
enum Admission {
    /// Open the library at this path.
    Granted(PathBuf),
    /// Nothing, before the user has approved it.
    Ask(State),
}

/// Decides from the file alone; none of its code runs.
fn admit(file: &Path, path: &SearchPath) -> Result<Admission, PluginError> {
    let unreadable = |error: std::io::Error| PluginError::Open {
        path: file.to_owned(),
        reason: error.to_string(),
    };
    let library = trust::resolved(file).map_err(unreadable)?;
    trust::exposure(&library).map_err(|what| PluginError::Exposed {
        path: file.to_owned(),
        what,
    })?;
    if path.vouches_for(&library) {
        return Ok(Admission::Granted(library));
    }
    let now = Approval::of(&library).map_err(unreadable)?;
    let known = path.approval(&library);
    if known == Some(&now) {
        return Ok(Admission::Granted(library));
    }
    Ok(Admission::Ask(State::Unapproved {
        sha256: now.sha256,
        since: known.map_or(Since::Ever, |_| Since::ItChanged),
    }))
}

fn probe(backend: &RemoteBackend) -> Result<(State, Vec<Device>), BackendError> {
    let state = state(backend.try_probe()?);
    let devices = match state {
        State::Usable { .. } => backend.try_devices()?,
        State::Unusable { .. } | State::Broken(_) | State::Unapproved { .. } => Vec::new(),
    };
    let idle = devices.is_empty() && matches!(state, State::Usable { .. });
    if idle {
        return Err(BackendError::Device(
            "it says that it can be used, but lists no device; update it".to_owned(),
        ));
    }
    Ok((state, devices))
}

fn state(probe: Probe) -> State {
    match probe {
        Probe::Usable { score } => State::Usable { score },
        Probe::Unusable { reason, remedy } => State::Unusable { reason, remedy },
    }
}

fn row(
    path: &Path,
    backend: &dyn Backend,
    state: State,
    devices: Vec<Device>,
    runtimes: &str,
) -> BackendRow {
    BackendRow {
        path: path.to_owned(),
        name: backend.name().to_owned(),
        version: backend.version().to_owned(),
        state,
        devices,
        runtimes: runtimes.to_owned(),
    }
}

fn shadowed(path: &Path, backend: &RemoteBackend, first: &Path) -> BackendRow {
    let state = State::Unusable {
        reason: format!("{} has the same name and comes first", first.display()),
        remedy: "remove one of them".to_owned(),
    };
    row(path, backend, state, Vec::new(), &backend.runtimes)
}

fn broken(path: &Path, reason: String) -> BackendRow {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    BackendRow {
        path: path.to_owned(),
        name: search::name_in(path).map_or_else(|| stem.into_owned(), ToOwned::to_owned),
        version: String::new(),
        state: State::Broken(reason),
        devices: Vec::new(),
        runtimes: String::new(),
    }
}
