//! The traces of a conversation's answers: files in a folder beside it that has its name.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::bufread::GzDecoder;
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

impl TraceError {
    /// True if there is no such file.
    pub(super) fn is_missing(&self) -> bool {
        let Self::Read { source, .. } = self else {
            return false;
        };
        matches!(source, ReadError::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// How the name of a trace ends, behind that of its answer.
pub(super) const SUFFIX: &str = ".trace.jsonl.gz";

/// The folder of a conversation's traces.
pub(super) fn folder_of(conversation: &Path) -> PathBuf {
    conversation.with_extension("")
}

pub(super) fn path_of(conversation: &Path, answer: MessageId) -> PathBuf {
    folder_of(conversation).join(format!("{}{SUFFIX}", answer.0))
}

/// Appends a run to the trace of an answer: gzip lets files follow each other. A run that was cut off is left out first, for
/// nothing behind it could be read; after an error the file is as it was.
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
        // Not opened to append: that asks for less than cutting off needs on Windows.
        let mut file = options()
            .append(false)
            .write(true)
            .create(true)
            .open(&path)?;
        let whole = whole_runs(&mut file)?;
        file.set_len(whole)?;
        file.seek(SeekFrom::Start(whole))?;
        let written = file.write_all(&packed);
        if written.is_err() {
            // What cannot be taken back is left out by the next call.
            file.set_len(whole).ok();
        }
        written
    };
    pack().map_err(SessionError::io("write to", &path))
}

/// Bytes of the runs before one that was cut off.
fn whole_runs(file: &mut File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(0))?;
    let mut source = BufReader::new(file);
    let mut whole = 0;
    while whole < length {
        match io::copy(&mut GzDecoder::new(&mut source), &mut io::sink()) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            read => drop(read?),
        }
        let left = source.fill_buf()?.len() as u64;
        whole = source.get_mut().stream_position()? - left;
    }
    Ok(whole)
}

/// The trace of the answer that is being written: lines that are not packed, so that a process that dies loses the last alone.
const RUNNING: &str = "running.trace.jsonl";

fn running_of(conversation: &Path) -> PathBuf {
    folder_of(conversation).join(RUNNING)
}

/// Begins the trace of an answer that is being written, in place of one that is there.
pub(super) fn begin_running(conversation: &Path, lines: &str) -> Result<(), SessionError> {
    let (folder, path) = (folder_of(conversation), running_of(conversation));
    make_folder(&folder).map_err(SessionError::io("make", &folder))?;
    let begin = || -> io::Result<()> {
        // As above, not opened to append.
        let mut file = options()
            .append(false)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        file.write_all(lines.as_bytes())
    };
    begin().map_err(SessionError::io("write to", &path))
}

/// Appends to it.
pub(super) fn append_running(conversation: &Path, lines: &str) -> Result<(), SessionError> {
    let path = running_of(conversation);
    let append = || options().open(&path)?.write_all(lines.as_bytes());
    append().map_err(SessionError::io("write to", &path))
}

/// Removes it.
pub(super) fn end_running(conversation: &Path) -> Result<(), SessionError> {
    let path = running_of(conversation);
    match fs::remove_file(&path) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(SessionError::io("remove", &path)),
    }
}

/// What a process that died has left of it; `None` if there is none.
pub(super) fn running(conversation: &Path) -> Result<Option<Recording>, TraceError> {
    let path = running_of(conversation);
    let read = read_file(&path).map_err(|source| TraceError::Read { path, source });
    match read {
        Err(missing) if missing.is_missing() => Ok(None),
        read => read.map(Some),
    }
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

    #[test]
    fn a_run_that_was_cut_off_costs_itself_alone() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let folder = SessionFolder::within(place.path());
        let path = conversation(&folder);
        let (answer, start) = (MessageId(3), crate::wire::tests::start_line());
        append(&path, answer, &start).expect("it is written");
        let trace = path_of(&path, answer);
        let whole = fs::read(&trace).expect("it is there");
        for cut in 1..whole.len() {
            let bytes = [&whole[..], &whole[..cut]].concat();
            fs::write(&trace, bytes).expect("it can be written");
            let read = recording(&path, answer).expect("a cut is no error");
            assert!(read.is_cut && !read.events.is_empty(), "cut at {cut}");
            append(&path, answer, &start).expect("it is written");
            let after = fs::read(&trace).expect("it is there");
            assert_eq!(after, [&whole[..], &whole[..]].concat(), "cut at {cut}");
        }
        assert_eq!(
            recording(&path, answer).expect("it is whole").events.len(),
            2
        );
        fs::write(&trace, "no gzip, and longer than its header").expect("it can be written");
        append(&path, answer, &start).expect_err("nothing of it is ours");
    }
}
