//! Files and folders that appear whole or not at all: made beside their place as `.NAME.….partial`, then moved there.
//!
//! Whoever makes one holds a lock on it, which ends with the process however that ends. What nobody holds is a leftover:
//! [`sweep`] removes it from the program's own folders, and [`Notes`] say in which other folders one may be.

mod beside;
mod folder_lock;
mod notes;
mod sweep;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

pub use beside::abandon;
use beside::{Readers, locked_file, locked_folder, parent};
pub use notes::Notes;
pub use sweep::{is_unfinished, sweep};

/// What becomes of a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is replaced.
    Replaced,
    /// It stays, and nothing is written.
    Kept,
}

/// Makes `bytes` the content of `path`, whose folder is made if need be. Two programs may do this at the same time.
///
/// # Errors
/// The system's; the file is then as it was.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_for(Readers::AsBefore, path, bytes)
}

/// The same, and only the user may read or write it.
///
/// # Errors
/// The system's; the file is then as it was.
pub(crate) fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_for(Readers::TheUser, path, bytes)
}

/// An empty file beside `path` that is the user's alone, and gone when it is dropped.
///
/// # Errors
/// The system's.
#[cfg(unix)]
pub(crate) fn private_beside(path: &Path) -> io::Result<NamedTempFile> {
    sweep::beside(path);
    locked_file(path, Readers::TheUser)
}

fn replace_for(readers: Readers, path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(parent(path))?;
    sweep::beside(path);
    let file = written(path, bytes, readers)?;
    file.persist(path)?;
    Ok(())
}

/// Puts a file with `bytes` into `path`, for more to be appended; a note tells of it until it is there.
///
/// # Errors
/// The system's, also if there is one that is to be kept; nothing is left then, and what was there is as it was.
pub fn put(
    path: &Path,
    bytes: &[u8],
    existing: Existing,
    notes: Option<&Notes>,
) -> io::Result<File> {
    // It is needed for what a signal leaves; without one the file is as good.
    let _note = notes.and_then(|notes| notes.write(path).ok());
    let file = written(path, bytes, Readers::AsBefore)?;
    let file = match existing {
        Existing::Replaced => file.persist(path)?,
        Existing::Kept => file.persist_noclobber(path)?,
    };
    // It held the lock of the unfinished.
    file.unlock().ok();
    Ok(file)
}

/// A file beside `path` that holds `bytes`, on the disk.
fn written(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<NamedTempFile> {
    let mut file = locked_file(path, readers)?;
    file.write_all(bytes)?;
    if let (Readers::AsBefore, Ok(data)) = (readers, fs::metadata(path)) {
        file.as_file().set_permissions(data.permissions())?;
    }
    file.as_file().sync_all()?;
    Ok(file)
}

/// A folder that is made beside its place. Dropped before it is [`put`](Self::put) there, it is removed with all in it.
#[derive(Debug)]
pub struct PartialFolder {
    folder: TempDir,
    place: PathBuf,
    /// Where folders can be locked.
    _lock: Option<File>,
    _note: Option<notes::Note>,
}

impl PartialFolder {
    /// An empty folder beside `place`; a note tells of it until it is there.
    ///
    /// # Errors
    /// The system's.
    pub fn beside(place: &Path, notes: Option<&Notes>) -> io::Result<Self> {
        let note = notes.and_then(|notes| notes.write(place).ok());
        let (folder, lock) = locked_folder(place)?;
        Ok(Self {
            folder,
            place: place.to_owned(),
            _lock: lock,
            _note: note,
        })
    }

    /// Where it is until it is put into its place.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Gives it its place, where nothing is, or an empty folder.
    ///
    /// # Errors
    /// The system's; it is removed then.
    pub fn put(self) -> io::Result<()> {
        if cfg!(windows) {
            // Elsewhere an empty folder is replaced in one stroke.
            fs::remove_dir(&self.place).ok();
        }
        fs::rename(self.folder.path(), &self.place)?;
        // Nothing is left where it was.
        let _ = self.folder.keep();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
