use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::beside::{Readers, locked_file};
use super::sweep;
use crate::regular_file;

/// Bytes that a note may have: more than any path.
const LONGEST: u64 = 1 << 16;

/// Where the program keeps notes of what it makes in folders that are not its own: a file each with the place, which is
/// locked, as what it tells of, until that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notes {
    folder: PathBuf,
}

/// A note, as long as it holds.
#[derive(Debug)]
pub(super) struct Note {
    _file: NamedTempFile,
}

impl Notes {
    /// In `cache`, the program's own cache folder.
    #[must_use]
    pub fn within(cache: &Path) -> Self {
        Self {
            folder: cache.join("unfinished"),
        }
    }

    /// Notes that something is made beside `place`.
    pub(super) fn write(&self, place: &Path) -> io::Result<Note> {
        let place = std::path::absolute(place)?;
        fs::create_dir_all(&self.folder)?;
        let mut file = locked_file(&self.folder.join("note"), Readers::TheUser)?;
        file.write_all(place.as_os_str().as_encoded_bytes())?;
        file.flush()?;
        Ok(Note { _file: file })
    }

    /// Removes what dead processes left beside the places of their notes, then the notes.
    pub fn sweep(&self) {
        sweep::each(&self.folder, |note| {
            let place = regular_file::read(note, LONGEST).ok().and_then(path);
            place.iter().for_each(|place| sweep::beside(place));
        });
    }
}

#[cfg(unix)]
fn path(bytes: Vec<u8>) -> Option<PathBuf> {
    let text: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(bytes);
    Some(text.into())
}

#[cfg(not(unix))]
fn path(bytes: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(bytes).ok().map(PathBuf::from)
}
