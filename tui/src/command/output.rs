//! A file that the user named to be written to: looked at before anything is done, and put into its place whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use unmask_core::config::Environment;
use unmask_core::partial::{Existing, Notes, put};

use super::Usage;

/// Whether a file may be replaced that the command did not write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Force {
    /// Never.
    No,
    /// The user said so.
    Yes,
}

impl From<bool> for Force {
    fn from(force: bool) -> Self {
        match force {
            true => Self::Yes,
            false => Self::No,
        }
    }
}

/// What is where a file is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum There {
    /// Nothing, or an empty file.
    Nothing,
    /// A file.
    File,
    /// A device or a pipe, which has no content to lose.
    Stream,
}

/// The place of a file to be written.
#[derive(Debug, Clone)]
pub(super) struct Output {
    /// As the user would call it, for messages.
    pub(super) shown: String,
    /// Links followed.
    pub(super) path: PathBuf,
    pub(super) there: There,
    existing: Existing,
    notes: Option<Notes>,
}

impl Output {
    /// Looks at `path` and changes nothing.
    ///
    /// # Errors
    /// [`Usage`] for a folder, and for a place in a folder that is not there.
    pub(super) fn look(path: &Path, environment: &Environment) -> Result<Self, Usage> {
        let shown = path.display().to_string();
        let path = environment.expand(path);
        let refused = |why: &str| Err(Usage(format!("cannot write {shown}: {why}")));
        let (path, there) = match fs::metadata(&path) {
            Ok(data) if data.is_dir() => return refused("it is a folder; name a file in it"),
            Ok(data) if !data.is_file() || is_of_the_system(&path) => (path, There::Stream),
            Ok(data) => {
                // A link stays one: what it leads to is replaced.
                let path = path.canonicalize().unwrap_or(path);
                match data.len() {
                    0 => (path, There::Nothing),
                    _ => (path, There::File),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if path.is_symlink() {
                    return refused("it is a link to nothing; remove it, or name another file");
                }
                let folder = path.parent().unwrap_or(Path::new("."));
                if !folder.is_dir() {
                    let why = format!("there is no folder {}; make it first", folder.display());
                    return refused(&why);
                }
                (path, There::Nothing)
            }
            Err(error) => return refused(&error.to_string()),
        };
        let existing = match path.exists() {
            true => Existing::Replaced,
            false => Existing::Kept,
        };
        Ok(Self {
            shown,
            path,
            there,
            existing,
            notes: notes(environment),
        })
    }

    /// Refuses to replace a file that is not ours, unless it is forced.
    ///
    /// # Errors
    /// [`Usage`] that says `what` the file is.
    pub(super) fn may_replace(&self, force: Force, what: &str) -> Result<(), Usage> {
        match (&self.there, force) {
            (There::File, Force::No) => Err(Usage(format!(
                "{}: {what}; name another file, or replace it with --force",
                self.shown
            ))),
            (There::File, Force::Yes) | (There::Nothing | There::Stream, _) => Ok(()),
        }
    }

    /// Puts a file that begins with `text` into its place, for more to be appended to.
    ///
    /// # Errors
    /// The system's, naming the file: then nothing is there that was not before.
    pub(super) fn begin(&self, text: impl AsRef<[u8]>) -> anyhow::Result<File> {
        let bytes = text.as_ref();
        let written = match self.there {
            There::Stream => self.stream(bytes),
            There::Nothing | There::File => {
                put(&self.path, bytes, self.existing, self.notes.as_ref())
            }
        };
        written.with_context(|| format!("cannot write {}", self.shown))
    }

    fn stream(&self, bytes: &[u8]) -> io::Result<File> {
        let mut file = open_at_once(File::options().append(true), &self.path)?;
        file.write_all(bytes)?;
        Ok(file)
    }
}

/// Where it is noted what is made in folders of the user's.
pub(super) fn notes(environment: &Environment) -> Option<Notes> {
    let folders = environment.folders.as_ref()?;
    Some(Notes::within(&folders.cache.join("unmask")))
}

/// True for the names by which a system offers its devices, and the files that a process has open already.
fn is_of_the_system(path: &Path) -> bool {
    let places = ["/dev/fd", "/dev/stdout", "/dev/stderr", "/proc"];
    cfg!(unix) && places.iter().any(|place| path.starts_with(place))
}

/// Adds a line to a file that may be read by others at any time: whole, or not at all.
///
/// # Errors
/// The system's, naming the file.
pub(super) fn append(file: &mut File, line: &str, shown: &str) -> anyhow::Result<()> {
    let before = file.metadata().map(|data| data.len());
    let written = file.write_all(format!("{line}\n").as_bytes());
    if let (Err(_), Ok(length)) = (&written, before) {
        // What cannot be taken back is told by its reader: a last line without an end.
        file.set_len(length).ok();
        file.seek(SeekFrom::End(0)).ok();
    }
    written.with_context(|| format!("cannot write {shown}"))
}

/// Opens a file, a device, or a pipe that somebody reads: whoever might is not waited for.
#[cfg(unix)]
pub(super) fn open_at_once(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    use rustix::io::Errno;

    options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file = options.open(path).map_err(|error| {
        match error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) {
            true => io::Error::other("nobody reads this pipe; start its reader first"),
            false => error,
        }
    })?;
    // A slow reader is waited for.
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(file)
}

#[cfg(not(unix))]
pub(super) fn open_at_once(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}
