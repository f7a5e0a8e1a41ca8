//! The traces of a conversation's answers: files in a folder beside it that has its name.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::error::SessionError;
use super::file::{make_folder, options};
use super::record::MessageId;
use crate::wire::{ReadError, Recording, read_file};

/// Why a trace cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The conversation is not there.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The file cannot be read.
    #[error("{path} cannot be replayed", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
}

/// The folder of a conversation's traces.
pub(super) fn folder_of(conversation: &Path) -> PathBuf {
    conversation.with_extension("")
}

pub(super) fn path_of(conversation: &Path, answer: MessageId) -> PathBuf {
    folder_of(conversation).join(format!("{}.trace.jsonl.gz", answer.0))
}

/// Appends a run to the trace of an answer: gzip lets files follow each other.
pub(super) fn append(
    conversation: &Path,
    answer: MessageId,
    lines: &str,
) -> Result<(), SessionError> {
    let (folder, path) = (folder_of(conversation), path_of(conversation, answer));
    make_folder(&folder).map_err(SessionError::io("make", &folder))?;
    let pack = || -> io::Result<()> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::default());
        packer.write_all(lines.as_bytes())?;
        let packed = packer.finish()?;
        options().create(true).open(&path)?.write_all(&packed)
    };
    pack().map_err(SessionError::io("write to", &path))
}

/// The trace of an answer.
pub(super) fn recording(conversation: &Path, answer: MessageId) -> Result<Recording, TraceError> {
    let path = path_of(conversation, answer);
    read_file(&path).map_err(|source| TraceError::Read { path, source })
}

/// Removes the traces of a conversation that is gone.
pub(super) fn remove(conversation: &Path) -> Result<(), SessionError> {
    let folder = folder_of(conversation);
    match fs::remove_dir_all(&folder) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(SessionError::io("remove", &folder)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversations::{SessionFolder, SessionId};

    /// A conversation's file in a folder of its own.
    pub(super) fn conversation(folder: &SessionFolder) -> PathBuf {
        let year = folder.path().join("2026");
        fs::create_dir_all(&year).expect("a temporary folder");
        let path = year.join(format!("{}.jsonl", SessionId::generate()));
        fs::write(&path, "").expect("a temporary file");
        path
    }

    #[test]
    fn runs_of_an_answer_are_read_as_one_file_and_go_with_the_conversation() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let folder = SessionFolder::within(place.path());
        let path = conversation(&folder);
        let line = "{\"event\":\"resumed\"}\n";
        append(&path, MessageId(3), line).expect("it is written");
        // Without a start it is no recording; that is told of the first of two lines.
        append(&path, MessageId(3), line).expect("it is written");
        let error = recording(&path, MessageId(3)).expect_err("it has no start");
        assert!(
            matches!(
                error,
                TraceError::Read {
                    source: ReadError::NoStart { line: 1 },
                    ..
                }
            ),
            "{error}"
        );
        remove(&path).expect("it is removed");
        assert!(!folder_of(&path).exists());
        remove(&path).expect("nothing is no error");
    }
}
