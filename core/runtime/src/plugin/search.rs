use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::file_name::name_in;
use super::isolate::Isolation;
use super::trust::{Approval, Warrant, resolved};

/// The variable that names more places, separated as in `PATH`.
const VARIABLE: &str = "UNMASK_BACKEND_PATH";

/// What decides where backends are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackendSearch {
    /// Files that the user vouches for in this run; searched first.
    pub plugins: Vec<PathBuf>,
    /// What the user has approved before.
    pub approved: Vec<Approval>,
    /// Folders and files that the configuration names.
    pub config: Vec<PathBuf>,
    /// `UNMASK_BACKEND_PATH`, as it is.
    pub environment: OsString,
    /// The user's data folder, such as `~/.local/share`.
    pub data_folder: Option<PathBuf>,
    /// The running program.
    pub executable: Option<PathBuf>,
    /// What else could not be used, for the list.
    pub refused: Vec<Refused>,
    /// Which backends are opened in processes of their own.
    pub isolation: Isolation,
}

impl BackendSearch {
    /// Those of this process, with the places that its configuration names; nothing but its own folder is trusted.
    #[must_use]
    pub fn here(config: Vec<PathBuf>) -> Self {
        let executable = std::env::current_exe().ok();
        Self {
            config,
            environment: std::env::var_os(VARIABLE).unwrap_or_default(),
            data_folder: etcetera::choose_base_strategy()
                .ok()
                .map(|strategy| strategy.data_dir()),
            executable: executable.map(unlinked),
            ..Self::default()
        }
    }
}

/// The backends lie beside the program, not beside a link to it. On Windows links are rare, and a resolved path is of a kind
/// that the loader does not take.
fn unlinked(path: PathBuf) -> PathBuf {
    if cfg!(windows) {
        return path;
    }
    path.canonicalize().unwrap_or(path)
}

/// Who asks for a [`SearchLocation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchOrigin {
    /// The user, for this run.
    Plugin,
    /// The configuration.
    Config,
    /// `UNMASK_BACKEND_PATH`.
    Environment,
    /// The user's data folder.
    UserData,
    /// The folder of the program.
    Executable,
}

/// A folder that is searched, or a file that is a backend by decree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchLocation {
    /// Absolute.
    pub path: PathBuf,
    /// Who asks for it.
    pub origin: SearchOrigin,
}

/// An entry that is not searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// As it was given.
    pub path: PathBuf,
    /// Why, and what to do.
    pub reason: String,
}

/// Where backends are looked for, the first place first; never the current folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchPath {
    // Invariant: the places are absolute and differ.
    places: Vec<SearchLocation>,
    refused: Vec<Refused>,
    approved: Vec<Approval>,
    isolation: Isolation,
}

impl SearchPath {
    /// Files that are vouched for, configuration, environment, `unmask/backends` in the user's data folder, then the
    /// program's own folder with its `deps`, and the folder around it if it is itself called `deps`: where cargo leaves libraries for programs and tests.
    #[must_use]
    pub fn new(surroundings: &BackendSearch) -> Self {
        let mut this = Self {
            approved: surroundings.approved.clone(),
            refused: surroundings.refused.clone(),
            isolation: surroundings.isolation.clone(),
            ..Self::default()
        };
        for path in &surroundings.plugins {
            this.add(path, SearchOrigin::Plugin);
        }
        for path in &surroundings.config {
            this.add(path, SearchOrigin::Config);
        }
        let named = std::env::split_paths(&surroundings.environment);
        for path in named.filter(|path| !path.as_os_str().is_empty()) {
            this.add(&path, SearchOrigin::Environment);
        }
        if let Some(folder) = &surroundings.data_folder {
            this.add(
                &folder.join("unmask").join("backends"),
                SearchOrigin::UserData,
            );
        }
        if let Some(folder) = surroundings.executable.as_deref().and_then(Path::parent) {
            this.add(folder, SearchOrigin::Executable);
            this.add(&folder.join("deps"), SearchOrigin::Executable);
            if let Some(around) = folder.parent().filter(|_| folder.ends_with("deps")) {
                this.add(around, SearchOrigin::Executable);
            }
        }
        this
    }

    fn add(&mut self, path: &Path, origin: SearchOrigin) {
        if !path.is_absolute() {
            self.refused.push(Refused {
                path: path.to_owned(),
                reason: format!(
                    "`{}` is a relative path, which would load code from whatever folder is current; write it from the \
                     root",
                    path.display()
                ),
            });
        } else if !self.has(path, origin) {
            self.places.push(SearchLocation {
                path: path.to_owned(),
                origin,
            });
        }
    }

    /// True if the place is there already; that it is the program's own too must be kept.
    fn has(&self, path: &Path, origin: SearchOrigin) -> bool {
        let is_own = |origin| origin == SearchOrigin::Executable;
        let mut places = self.places.iter();
        places.any(|it| it.path == path && is_own(it.origin) == is_own(origin))
    }

    /// The places, the first one first.
    #[must_use]
    pub fn places(&self) -> &[SearchLocation] {
        &self.places
    }

    /// The entries that are not searched.
    #[must_use]
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// Which of its backends are opened in processes of their own.
    #[must_use]
    pub fn isolation(&self) -> &Isolation {
        &self.isolation
    }

    /// The files that may be backends: in order of the places, those of a folder by name.
    ///
    /// In folders only `libunmask_backend_*.so` (or as the system calls it) counts. What the user, the configuration or the
    /// environment names and is no folder is listed whatever its name, even if it is missing. Of the program's own files
    /// with one name the first counts: cargo leaves copies in its folders.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let (mut seen, mut own) = (BTreeSet::new(), BTreeSet::new());
        let of_place = |place: &SearchLocation| {
            let mut files = files_of(place);
            if place.origin == SearchOrigin::Executable {
                files.retain(|file| own.insert(file.file_name().map(ToOwned::to_owned)));
            }
            files
        };
        let mut files: Vec<PathBuf> = self.places.iter().flat_map(of_place).collect();
        files.retain(|file| seen.insert(file.clone()));
        files
    }

    /// Why the file at `path`, links followed, may run unasked, if it may: it lies in the program's own folders, or the user
    /// vouches for it.
    pub(super) fn warrant(&self, path: &Path) -> Option<Warrant> {
        let warrants = self.places.iter().filter_map(|place| match place.origin {
            SearchOrigin::Executable => {
                (path.parent() == Some(&*unlinked(place.path.clone()))).then_some(Warrant::Ours)
            }
            SearchOrigin::Plugin => resolved(&place.path)
                .is_ok_and(|it| it == path)
                .then_some(Warrant::Vouched),
            SearchOrigin::Config | SearchOrigin::Environment | SearchOrigin::UserData => None,
        });
        warrants.min_by_key(|warrant| *warrant != Warrant::Ours)
    }

    /// What was approved at `path`, links followed.
    pub(super) fn approval(&self, path: &Path) -> Option<&Approval> {
        self.approved.iter().find(|it| it.path == path)
    }
}

fn files_of(place: &SearchLocation) -> Vec<PathBuf> {
    let by_decree = match place.origin {
        SearchOrigin::Plugin => true,
        SearchOrigin::Config | SearchOrigin::Environment => !place.path.is_dir(),
        SearchOrigin::UserData | SearchOrigin::Executable => false,
    };
    if by_decree {
        return vec![place.path.clone()];
    }
    // A folder that is missing or closed has no backends for us.
    let entries = std::fs::read_dir(&place.path).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_backend(path))
        .collect();
    files.sort();
    files
}

fn is_backend(path: &Path) -> bool {
    name_in(path).is_some_and(|name| !name.is_empty()) && path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::file_name::STEM;
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};

    fn root() -> PathBuf {
        std::env::temp_dir()
    }

    fn file(name: &str) -> String {
        format!("{DLL_PREFIX}{STEM}{name}{DLL_SUFFIX}")
    }

    #[test]
    fn places_are_searched_in_the_promised_order() {
        let environment =
            std::env::join_paths([root().join("e1"), root().join("c"), root().join("e2")])
                .expect("no separators in them");
        let path = SearchPath::new(&BackendSearch {
            config: vec![root().join("c")],
            plugins: vec![root().join("p.so")],
            environment,
            data_folder: Some(root().join("data")),
            executable: Some(root().join("release/deps/tests-1")),
            ..BackendSearch::default()
        });
        let found: Vec<_> = path
            .places()
            .iter()
            .map(|it| (it.origin, &*it.path))
            .collect();
        assert_eq!(
            found,
            [
                (SearchOrigin::Plugin, &*root().join("p.so")),
                (SearchOrigin::Config, &*root().join("c")),
                (SearchOrigin::Environment, &*root().join("e1")),
                (SearchOrigin::Environment, &*root().join("e2")),
                (
                    SearchOrigin::UserData,
                    &*root().join("data/unmask/backends")
                ),
                (SearchOrigin::Executable, &*root().join("release/deps")),
                (SearchOrigin::Executable, &*root().join("release/deps/deps")),
                (SearchOrigin::Executable, &*root().join("release")),
            ]
        );
    }

    #[test]
    fn relative_entries_are_refused_with_a_reason() {
        let path = SearchPath::new(&BackendSearch {
            config: vec![".".into(), "plugins/x.so".into()],
            ..BackendSearch::default()
        });
        assert_eq!(path.places(), []);
        let refused: Vec<_> = path.refused().iter().map(|it| it.path.as_path()).collect();
        assert_eq!(refused, [Path::new("."), Path::new("plugins/x.so")]);
        assert!(
            path.refused()[0]
                .reason
                .starts_with("`.` is a relative path")
        );
    }

    #[test]
    fn an_unset_variable_adds_nothing() {
        assert_eq!(
            SearchPath::new(&BackendSearch::default()),
            SearchPath::default()
        );
    }

    #[test]
    fn folders_give_files_of_the_right_name_and_decrees_any() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in [
            &file("b"),
            &file("a"),
            &file(""),
            "libother.so",
            "notes.txt",
        ] {
            std::fs::write(folder.path().join(name), "").expect("the folder is ours");
        }
        let odd = folder.path().join("notes.txt");
        let missing = folder.path().join("missing.so");
        let path = SearchPath::new(&BackendSearch {
            config: vec![missing.clone(), folder.path().to_owned()],
            environment: odd.clone().into(),
            data_folder: Some(folder.path().join("nowhere")),
            ..BackendSearch::default()
        });
        let (a, b) = (folder.path().join(file("a")), folder.path().join(file("b")));
        assert_eq!(path.files(), [missing, a, b, odd]);
    }

    #[test]
    fn of_the_copies_that_cargo_leaves_beside_the_program_the_first_counts() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [release, deps] = ["release", "release/deps"].map(|name| folder.path().join(name));
        std::fs::create_dir_all(&deps).expect("the folder is ours");
        for place in [&release, &deps] {
            std::fs::write(place.join(file("a")), "").expect("the folder is ours");
        }
        std::fs::write(deps.join(file("b")), "").expect("the folder is ours");
        let path = SearchPath::new(&BackendSearch {
            executable: Some(release.join("unmask")),
            ..BackendSearch::default()
        });
        assert_eq!(
            path.files(),
            [release.join(file("a")), deps.join(file("b"))]
        );
    }
}
