//! Whose code may run: the program's own, and what the user approved, known by path and content.
//!
//! A library runs its constructors when it is opened, so all of this is decided from files alone, before the loader is asked.

mod exposure;
mod granted;
mod held;

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::config::Environment;
use crate::partial::replace_private;
use crate::regular_file::{self, SMALL};
use exposure::{Rule, exposure};
pub use granted::Granted;
pub(super) use granted::Warrant;
pub(super) use held::HeldLibrary;

/// Bytes that a library may have: what is larger is none, and would be hashed for minutes.
const LARGEST_LIBRARY: u64 = 4 << 30;

/// The file below the user's state folder.
const FILE: &str = "unmask/approved_backends.json";

/// A library that the user lets run: this content at this place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Absolute, links followed.
    pub path: PathBuf,
    /// Of its bytes, in lower-case hexadecimal.
    pub sha256: String,
}

impl Approval {
    /// What approving the file at `path` would mean now.
    ///
    /// # Errors
    /// If it is no readable file.
    pub fn of(path: &Path) -> io::Result<Self> {
        let path = resolved(path)?;
        Ok(Self {
            sha256: sha256(&mut opened(&path)?)?,
            path,
        })
    }
}

/// What the user has approved, as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Approvals {
    /// Where; `None` for an account without folders, which has nothing approved.
    file: Option<PathBuf>,
    // Invariant: the paths differ.
    list: Vec<Approval>,
}

/// Why something cannot be approved, or what was approved cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApprovalsError {
    /// There is nowhere to remember it.
    #[error("this account has no folder to remember approvals in; set HOME")]
    NoFolder,
    /// The file of approvals cannot be read or written.
    #[error("{path} cannot be {done}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        done: &'static str,
        /// The system's words.
        source: io::Error,
    },
    /// The file of approvals is not as we wrote it.
    #[error("{path} cannot be used: {what}; correct it, or remove it and approve again", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// There is no such library.
    #[error("{path} cannot be read; give the file of a backend", path = path.display())]
    Library {
        /// As it was given.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// It lies where anybody could exchange it.
    #[error("{path} is not approved: {what}", path = path.display())]
    Exposed {
        /// The library.
        path: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// It is not what the user was asked about.
    #[error("{path} has changed while you were asked; look at it again", path = path.display())]
    Changed {
        /// The library.
        path: PathBuf,
    },
    /// JSON has no words for its path.
    #[error("the path {path} is not UTF-8; rename it", path = path.display())]
    Name {
        /// The library.
        path: PathBuf,
    },
}

impl ApprovalsError {
    /// The file that it is about; empty if there is none.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::NoFolder => Path::new(""),
            Self::File { path, .. }
            | Self::Damaged { path, .. }
            | Self::Library { path, .. }
            | Self::Exposed { path, .. }
            | Self::Changed { path }
            | Self::Name { path } => path,
        }
    }
}

impl Approvals {
    /// What is remembered in the user's state folder. It counts only if nobody else can write there.
    ///
    /// # Errors
    /// If the file is there, but cannot be read or trusted: nothing is then approved.
    pub fn read(environment: &Environment) -> Result<Self, ApprovalsError> {
        let Some(folders) = &environment.folders else {
            return Ok(Self::default());
        };
        let path = folders.state.join(FILE);
        let list = match regular_file::read(&path, SMALL) {
            Ok(text) => parse(&text, &path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => {
                let done = "read";
                return Err(ApprovalsError::File { path, done, source });
            }
        };
        Ok(Self {
            file: Some(path),
            list,
        })
    }

    /// Every approval, the oldest first.
    #[must_use]
    pub fn list(&self) -> &[Approval] {
        &self.list
    }

    /// Remembers the library at `path`, instead of what was approved at its place before. With `seen`, only if its content
    /// is still that.
    ///
    /// # Errors
    /// [`ApprovalsError`]; nothing is then remembered.
    pub fn approve(&mut self, path: &Path, seen: Option<&str>) -> Result<Approval, ApprovalsError> {
        let approval = Approval::of(path).map_err(|source| ApprovalsError::Library {
            path: path.to_owned(),
            source,
        })?;
        let path = approval.path.clone();
        if let Err(what) = exposure(&path, Rule::Library) {
            return Err(ApprovalsError::Exposed { path, what });
        }
        if path.to_str().is_none() {
            return Err(ApprovalsError::Name { path });
        }
        if seen.is_some_and(|seen| seen != approval.sha256) {
            return Err(ApprovalsError::Changed { path });
        }
        let mut list = self.list.clone();
        list.retain(|known| known.path != path);
        list.push(approval.clone());
        self.write(list)?;
        Ok(approval)
    }

    /// Forgets what was approved at `path`, which need not be there any more; false if nothing was.
    ///
    /// # Errors
    /// If that cannot be written; it is then still approved.
    pub fn revoke(&mut self, path: &Path) -> Result<bool, ApprovalsError> {
        let mut list = self.list.clone();
        let also = resolved(path).ok();
        list.retain(|known| known.path != path && Some(&known.path) != also.as_ref());
        let is_known = list.len() < self.list.len();
        if is_known {
            self.write(list)?;
        }
        Ok(is_known)
    }

    fn write(&mut self, list: Vec<Approval>) -> Result<(), ApprovalsError> {
        let path = self.file.clone().ok_or(ApprovalsError::NoFolder)?;
        let written = serde_json::to_vec_pretty(&list)
            .map_err(io::Error::from)
            .and_then(|text| replace_private(&path, &text));
        written.map_err(|source| ApprovalsError::File {
            path,
            done: "written",
            source,
        })?;
        self.list = list;
        Ok(())
    }
}

fn parse(text: &[u8], path: &Path) -> Result<Vec<Approval>, ApprovalsError> {
    let damaged = |what: String| ApprovalsError::Damaged {
        path: path.to_owned(),
        what,
    };
    exposure(path, Rule::Notes).map_err(damaged)?;
    serde_json::from_slice(text).map_err(|error| damaged(error.to_string()))
}

/// The path of the file itself: absolute, links followed where the loader takes such paths.
///
/// # Errors
/// If there is no such file; a folder or device is none.
pub(super) fn resolved(path: &Path) -> io::Result<PathBuf> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    match cfg!(windows) {
        true => std::path::absolute(path),
        false => path.canonicalize(),
    }
}

/// Opens what may be a library, and waits for no pipe that was put into its place.
fn opened(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    #[cfg(unix)]
    {
        let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, nonblock);
    }
    let file = options.read(true).open(path)?;
    let data = file.metadata()?;
    match (data.is_file(), data.len() > LARGEST_LIBRARY) {
        (true, false) => Ok(file),
        (true, true) => Err(io::Error::other(
            "it has more than 4 GiB, as no library has",
        )),
        (false, _) => Err(io::Error::other("not a file")),
    }
}

/// Of all bytes of `file`, from its first.
fn sha256(file: &mut File) -> io::Result<String> {
    file.rewind()?;
    let (mut hasher, mut part) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut part)? {
            0 => break,
            n => hasher.update(&part[..n]),
        }
    }
    let digits = hasher.finalize();
    Ok(digits.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests;
