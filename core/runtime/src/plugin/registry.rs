use std::path::{Path, PathBuf};
use std::sync::Arc;

use unmask_api::Backend;

use super::find_error::FindError;
use super::found::{Examined, FoundBackend, Running};
use super::isolate::Isolation;
use super::row::{BackendRow, BackendState, Since};
use super::search::SearchPath;
use super::trust::{self, Granted, Warrant};
use super::{Approval, PluginError};

/// Which backends will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendFilter {
    /// Those that can be used here.
    Usable,
    /// Also those that lack something here, which a model's options may give them.
    Lacking,
}

/// The backends of this machine.
#[derive(Default)]
pub struct Registry {
    rows: Vec<BackendRow>,
    /// Those that are usable.
    backends: Vec<FoundBackend>,
    /// Those that work, but not here, unless a model's options give them what they lack.
    lacking: Vec<FoundBackend>,
    /// Where they were looked for.
    places: Vec<PathBuf>,
    /// Which run in processes of their own, and how.
    isolation: Isolation,
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
            isolation: path.isolation().clone(),
            ..Self::default()
        };
        for refused in path.refused() {
            let state = BackendState::Broken(refused.reason.clone());
            this.rows.push(BackendRow::unasked(&refused.path, state));
        }
        let mut seen: Vec<(FoundBackend, PathBuf)> = Vec::new();
        for file in path.files() {
            let library = match admit(&file, path) {
                Err(error) => Err(BackendState::Broken(error.to_string())),
                Ok(Admission::Ask(state)) => Err(state),
                Ok(Admission::Granted(library)) => Ok(library),
            };
            let opened = library.and_then(|it| {
                FoundBackend::open(it, path.isolation()).map_err(BackendState::Broken)
            });
            match opened {
                Err(state) => this.rows.push(BackendRow::unasked(&file, state)),
                Ok(opened) => this.take(file, opened, &mut seen),
            }
        }
        this
    }

    fn take(
        &mut self,
        file: PathBuf,
        (found, examined): (FoundBackend, Examined),
        seen: &mut Vec<(FoundBackend, PathBuf)>,
    ) {
        // One library under two paths, as cargo links them.
        if seen.iter().any(|(other, _)| other.is(&found)) {
            return;
        }
        let name = found.name();
        let namesake = seen.iter().find(|(other, _)| other.name() == name);
        match namesake {
            Some((_, first)) => self.rows.push(BackendRow::shadowed(&file, &found, first)),
            None => self.list(&file, found.clone(), examined),
        }
        seen.push((found, file));
    }

    /// Those of `backends` alone, which are part of the program.
    #[must_use]
    pub fn built_in(backends: Vec<Arc<dyn Backend>>) -> Self {
        let mut this = Self::default();
        for backend in backends {
            let examined = Ok((backend.probe(), backend.devices()));
            this.list(Path::new(""), FoundBackend::BuiltIn(backend), examined);
        }
        this
    }

    fn list(&mut self, file: &Path, found: FoundBackend, examined: Examined) {
        let (state, devices) = match examined {
            Ok((probe, devices)) => (BackendState::from(probe), devices),
            Err(reason) => (BackendState::Broken(reason), Vec::new()),
        };
        let row = BackendRow::of(file, &found, state.clone(), devices);
        self.rows.push(row);
        match state {
            BackendState::Usable { .. } => self.backends.push(found),
            BackendState::Unusable { .. } => self.lacking.push(found),
            BackendState::Broken(_) | BackendState::Unapproved { .. } => {}
        }
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
        self.usable(name).map(FoundBackend::backend)
    }

    /// The backend called `name`, with its code running where it is wanted.
    ///
    /// # Errors
    /// As [`find`](Self::find), for what `fit` excludes; [`FindError::Broken`] if it cannot be opened there.
    pub fn find_running(
        &self,
        name: &str,
        fit: BackendFilter,
        running: Running,
    ) -> Result<Arc<dyn Backend>, FindError> {
        let found = match fit {
            BackendFilter::Usable => self.usable(name),
            BackendFilter::Lacking => self.usable_or_lacking(name),
        }?;
        let backend = found.running(running, &self.isolation);
        backend.map_err(|reason| FindError::Broken {
            name: found.name(),
            reason,
        })
    }

    fn usable(&self, name: &str) -> Result<&FoundBackend, FindError> {
        if let Some(found) = self.backends.iter().find(|it| it.name() == name) {
            return Ok(found);
        }
        let named = self.named(name);
        let name = name.to_owned();
        Err(match named.map(|row| row.state.clone()) {
            Some(BackendState::Broken(reason)) => FindError::Broken { name, reason },
            Some(BackendState::Unusable { reason, remedy }) => FindError::Unusable {
                name,
                reason,
                remedy,
            },
            Some(BackendState::Unapproved { since, .. }) => FindError::Unapproved {
                remedy: named.map_or_else(String::new, BackendRow::how_to_approve),
                reason: since.reason(),
                name,
            },
            Some(BackendState::Usable { .. }) | None => FindError::Unknown {
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
        self.usable_or_lacking(name).map(FoundBackend::backend)
    }

    /// The library of the backend called `name`, which may lack something here.
    ///
    /// # Errors
    /// As [`find_lacking`](Self::find_lacking); [`FindError::Broken`] if it is part of the program.
    pub fn library(&self, name: &str) -> Result<Granted, FindError> {
        let library = self.usable_or_lacking(name)?.library().cloned();
        library.ok_or_else(|| FindError::Broken {
            name: name.to_owned(),
            reason: "it is part of this program and no library".to_owned(),
        })
    }

    fn usable_or_lacking(&self, name: &str) -> Result<&FoundBackend, FindError> {
        let lacking = self.lacking.iter().find(|it| it.name() == name);
        lacking.map_or_else(|| self.usable(name), Ok)
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
        let was_asked = |row: &&BackendRow| !matches!(row.state, BackendState::Unapproved { .. });
        named().find(was_asked).or_else(|| named().next())
    }

    fn hint(&self, name: &str) -> String {
        let distance = |row: &&BackendRow| strsim::damerau_levenshtein(&row.name, name);
        let named = self.rows.iter().filter(|row| !row.name.is_empty());
        let nearest = named.min_by_key(distance);
        if let Some(near) = nearest.filter(|row| distance(row) <= 1 + name.len() / 4) {
            return format!("did you mean `{}`?", near.name);
        }
        let names: Vec<String> = self.backends.iter().map(FoundBackend::name).collect();
        if !names.is_empty() {
            return format!("usable here: {}", names.join(", "));
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
    /// Open it.
    Granted(Granted),
    /// Nothing, before the user has approved it.
    Ask(BackendState),
}

/// Decides from the file alone; none of its code runs.
fn admit(file: &Path, path: &SearchPath) -> Result<Admission, PluginError> {
    let unreadable = |error: std::io::Error| PluginError::Open {
        path: file.to_owned(),
        reason: error.to_string(),
    };
    let library = trust::resolved(file).map_err(unreadable)?;
    if let Some(warrant) = path.warrant(&library) {
        return Granted::of(library, warrant).map(Admission::Granted);
    }
    let now = Approval::of(&library).map_err(unreadable)?;
    let known = path.approval(&library);
    let since = known.map_or(Since::Ever, |_| Since::ItChanged);
    let is_approved = known == Some(&now);
    let sha256 = now.sha256.clone();
    // One that is exposed is not worth an approval.
    let library = Granted::of(library, Warrant::Approved(now))?;
    Ok(match is_approved {
        true => Admission::Granted(library),
        false => Admission::Ask(BackendState::Unapproved { sha256, since }),
    })
}
