//! The ONNX Runtime library: where it is, whether it fits, and opening it.
//!
//! It is not linked: whichever library fits first is opened when it is needed, once per process, since ONNX Runtime keeps
//! state of the process. [`find`] opens it only if the names of files do not tell its version, so that it is cheap enough for
//! every start of the program; [`start`] opens it for use.
//!
//! Looked for in, first to last: the model's option `library`; `ORT_DYLIB_PATH`; beside the program and where backends lie;
//! what `unmask backends install onnx` unpacked, those for a GPU first, then the newest; Python's package `onnxruntime`;
//! the system. A library that the user named has to fit; others are passed over if they do not.

mod binary;
mod needed;
mod places;
mod version;

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::LoadDynamicError;
use unmask_sdk::{BackendError, Probe};

pub(crate) use places::{LibraryOrigin, LibrarySearch};
pub(crate) use version::Version;

/// The oldest that fits: what the feature `api-24` of the crate `ort` asks for.
const OLDEST: Version = Version {
    minor: 24,
    patch: 0,
};
const REMEDY: &str = "run `unmask backends install onnx`";

/// A library that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundLibrary {
    /// Absolute.
    pub(crate) path: PathBuf,
    /// Who led to it.
    pub(crate) origin: LibraryOrigin,
    /// As its file or folder is called; `None` if the names do not tell.
    pub(crate) version: Option<Version>,
}

impl FoundLibrary {
    /// The plugin that reaches GPUs through WebGPU: beside the library, as `unmask backends install` unpacked it, or in Python.
    pub(crate) fn webgpu_plugin(&self) -> Option<PathBuf> {
        places::webgpu_plugin(&self.path)
    }

    /// True if a library of this name, without `lib` and the ending, lies beside it: `onnxruntime_providers_cuda`.
    pub(crate) fn has_beside(&self, name: &str) -> bool {
        self.has_file_beside(&places::file_name(name))
    }

    /// True if a file of this name lies beside it.
    pub(crate) fn has_file_beside(&self, name: &str) -> bool {
        self.path.with_file_name(name).is_file()
    }

    /// The libraries that the library of this name beside it needs, as far as its file tells, which is on Linux.
    pub(crate) fn needed_by(&self, name: &str) -> Vec<String> {
        needed::of(&self.path.with_file_name(places::file_name(name)))
    }
}

/// Why there is no library, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Such as that the one there is too old.
    pub(crate) reason: String,
    /// For the user.
    pub(crate) remedy: String,
}

impl From<Missing> for Probe {
    fn from(missing: Missing) -> Self {
        Self::Unusable {
            reason: missing.reason,
            remedy: missing.remedy,
        }
    }
}

impl From<Missing> for BackendError {
    fn from(missing: Missing) -> Self {
        Self::Unsupported(format!("{}; {}", missing.reason, missing.remedy))
    }
}

/// The library that [`start`] would open, or has opened.
///
/// # Errors
/// [`Missing`] if there is none, or if a library that the user named does not fit.
pub(crate) fn find() -> Result<FoundLibrary, Missing> {
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = &*opened {
        return Ok(found.clone());
    }
    let found = first_fit(&LibrarySearch::here(None), |path, version| match version {
        Some(_) => Ok(()),
        None => open(path),
    })?;
    if found.version.is_none() {
        *opened = Some(found.clone());
    }
    Ok(found)
}

/// What was opened. A static, as the library is the process's.
static OPENED: Mutex<Option<FoundLibrary>> = Mutex::new(None);

/// Opens the library, unless this was done before. From then on the functions of `ort` work; before, they panic.
///
/// `named` is the model's option `library`: a file, or a folder that holds it.
///
/// # Errors
/// [`Missing`] as [`find`], or if `named` is another library than the one that is open.
pub(crate) fn start(named: Option<&Path>) -> Result<FoundLibrary, Missing> {
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = &*opened {
        return match named {
            Some(other) if !is_same(other, &found.path) => Err(Missing {
                reason: format!(
                    "the option `library` names {}, but {} is open, and a process can have but one",
                    other.display(),
                    found.path.display()
                ),
                remedy: "start the program anew with this model".to_owned(),
            }),
            Some(_) | None => Ok(found.clone()),
        };
    }
    let found = first_fit(&LibrarySearch::here(named), |path, _| open(path))?;
    Ok(opened.insert(found).clone())
}

/// The first candidate that fits and that `open` takes.
fn first_fit(
    around: &LibrarySearch,
    open: impl Fn(&Path, Option<Version>) -> Result<(), String>,
) -> Result<FoundLibrary, Missing> {
    let mut unfit = None;
    for (origin, path) in places::candidates(around) {
        let fits = fitting(&path).and_then(|version| open(&path, version).map(|()| version));
        match (fits, origin.setting()) {
            (Ok(version), _) => {
                return Ok(FoundLibrary {
                    path,
                    origin,
                    version,
                });
            }
            (Err(why), Some(setting)) => {
                return Err(Missing {
                    reason: format!("{setting} names {}, which {why}", path.display()),
                    remedy: format!("correct it, or take it away and {REMEDY}"),
                });
            }
            (Err(why), None) => {
                unfit.get_or_insert_with(|| format!("{} {why}", path.display()));
            }
        }
    }
    Err(Missing {
        reason: unfit.unwrap_or_else(|| "the ONNX Runtime library was not found".to_owned()),
        remedy: REMEDY.to_owned(),
    })
}

/// The version of the library at `path` as its names tell it, if as far as can be seen it fits; else why it does not.
fn fitting(path: &Path) -> Result<Option<Version>, String> {
    binary::check(path)?;
    let version = version::of_library(path);
    match version {
        Some(old) if old < OLDEST => Err(too_old(&old.to_string())),
        Some(_) | None => Ok(version),
    }
}

fn too_old(version: &str) -> String {
    let Version { minor, .. } = OLDEST;
    format!("is ONNX Runtime {version}; 1.{minor} or later is needed")
}

fn open(path: &Path) -> Result<(), String> {
    if cfg!(windows) {
        // The system's own is older than what the runtime was built for, and found first if none is loaded. Never run.
        ort::util::preload_dylib(path.with_file_name("DirectML.dll")).ok();
    }
    match ort::init_from(path) {
        Ok(_) => Ok(()),
        Err(LoadDynamicError::BadVersion { version_str, .. }) => Err(too_old(&version_str)),
        Err(LoadDynamicError::MissingApi { .. }) => Err("is no ONNX Runtime".to_owned()),
        // Its own text leaves the loader's words out.
        Err(LoadDynamicError::Dlopen { error, .. }) => {
            let words = error.source().map(ToString::to_string);
            let words = words.unwrap_or_else(|| error.to_string());
            Err(format!("cannot be loaded: {words}"))
        }
        Err(error) => Err(format!("cannot be used: {error}")),
    }
}

fn is_same(named: &Path, open: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    let named = places::library_at(named);
    real(&named).is_some_and(|named| Some(named) == real(open))
}

#[cfg(test)]
mod tests;
