use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::{Builder, NamedTempFile, TempDir};

use super::folder_lock;

/// How the name of everything unfinished ends.
pub(super) const SUFFIX: &str = ".partial";
/// Bytes of a place's name that are part of it, so that every name that a place may have leaves room for the rest.
const NAMED: usize = 160;
/// How often one is made anew that was taken for a leftover between its making and its lock.
const TRIES: usize = 8;

/// Who may read a file that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    /// Those of the file that it replaces, else whoever the user lets read new files.
    AsBefore,
    /// The user alone, where the system has permissions of that kind.
    TheUser,
}

/// After so many, those that are finished are forgotten.
const FORGOTTEN: usize = 64;

/// What this process has made, finished or not: what is finished is no longer called so.
static MADE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn remember(path: &Path) {
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    // Now and then, so that it does not grow for ever.
    if made.len() >= FORGOTTEN {
        made.retain(|path| path.exists());
    }
    made.push(path.to_owned());
}

/// Removes what this process has not finished, for one that is about to end without its destructors.
pub fn abandon() {
    let made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    for path in made.iter() {
        // There is nobody left to tell; a later start looks again.
        match path.is_dir() {
            true => fs::remove_dir_all(path).ok(),
            false => fs::remove_file(path).ok(),
        };
    }
}

/// An empty file beside `place` that is locked.
pub(super) fn locked_file(place: &Path, readers: Readers) -> io::Result<NamedTempFile> {
    let mode = match readers {
        Readers::AsBefore => 0o666,
        Readers::TheUser => 0o600,
    };
    for _ in 0..TRIES {
        let file = unfinished(&prefix(place), mode).tempfile_in(parent(place))?;
        if holds(file.as_file(), file.path()) {
            remember(file.path());
            return Ok(file);
        }
    }
    Err(taken_away())
}

/// An empty folder beside `place`, and its lock, where folders can be locked.
pub(super) fn locked_folder(place: &Path) -> io::Result<(TempDir, Option<File>)> {
    for _ in 0..TRIES {
        let folder = unfinished(&prefix(place), 0o777).tempdir_in(parent(place))?;
        let lock = match folder_lock::held(folder.path()) {
            Ok(lock) if folder.path().exists() => Some(lock),
            Err(TryLockError::Error(_)) if folder.path().exists() => None,
            // Another program has removed it.
            Ok(_) | Err(_) => continue,
        };
        remember(folder.path());
        return Ok((folder, lock));
    }
    Err(taken_away())
}

/// Of this mode, of which the user's mask takes what it takes from any new file.
#[cfg_attr(not(unix), expect(unused_variables, reason = "modes are Unix's"))]
fn unfinished(prefix: &OsStr, mode: u32) -> Builder<'_, 'static> {
    let mut builder = Builder::new();
    builder.prefix(prefix).suffix(SUFFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    builder
}

/// Locks what was just made at `path`; false if it was removed before that. Where there are no locks, nothing is removed.
fn holds(file: &File, path: &Path) -> bool {
    match file.try_lock() {
        Ok(()) | Err(TryLockError::Error(_)) => path.exists(),
        Err(TryLockError::WouldBlock) => false,
    }
}

fn taken_away() -> io::Error {
    io::Error::other("what is written is removed by another program")
}

/// How the name begins of what is made beside `place`.
pub(super) fn prefix(place: &Path) -> OsString {
    let name = place.file_name().unwrap_or_default();
    let name = match name.len() <= NAMED {
        true => name.to_owned(),
        false => beginning(&name.to_string_lossy()).into(),
    };
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    prefix
}

fn beginning(name: &str) -> &str {
    let ends = name.char_indices().map(|(at, _)| at);
    let end = ends.take_while(|&at| at <= NAMED).last();
    &name[..end.unwrap_or(0)]
}

/// The folder of `place`.
pub(super) fn parent(place: &Path) -> &Path {
    match place.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
