//! Room for traces.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use super::error::SessionError;
use super::file::is_locked;
use super::folder::{SessionFile, SessionFolder};
use super::id::SessionId;
use super::trace_file::{SUFFIX, folder_of};

impl SessionFolder {
    /// Removes the oldest traces until the others have at most `most` bytes; those of conversations that somebody has open
    /// stay. Returns how many were removed.
    ///
    /// # Errors
    /// [`SessionError::Io`].
    pub fn trim_traces(&self, most: u64) -> Result<usize, SessionError> {
        let mut traces = Vec::new();
        for file in self.files()? {
            traces.extend(traces_of(&file));
        }
        traces.sort_by_key(|trace| trace.written);
        let mut total: u64 = traces.iter().map(|trace| trace.bytes).sum();
        let mut removed = 0;
        let mut locked: HashMap<SessionId, bool> = HashMap::new();
        for trace in traces {
            if total <= most {
                break;
            }
            let is_locked = || is_locked(trace.of.id, &trace.of.path);
            if *locked.entry(trace.of.id).or_insert_with(is_locked) {
                continue;
            }
            total -= trace.bytes;
            match fs::remove_file(&trace.path) {
                Err(gone) if gone.kind() == io::ErrorKind::NotFound => (),
                done => {
                    done.map_err(SessionError::io("remove", &trace.path))?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}

struct TraceFile {
    of: SessionFile,
    path: PathBuf,
    bytes: u64,
    written: SystemTime,
}

/// What cannot be looked at takes no room that could be won.
fn traces_of(conversation: &SessionFile) -> Vec<TraceFile> {
    let entries = fs::read_dir(folder_of(&conversation.path));
    let entries = entries.into_iter().flatten().flatten();
    let trace = |entry: fs::DirEntry| {
        let is_trace = entry.file_name().to_str()?.ends_with(SUFFIX);
        let about = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        if !is_trace {
            return None;
        }
        Some(TraceFile {
            of: conversation.clone(),
            path: entry.path(),
            bytes: about.len(),
            written: about.modified().ok()?,
        })
    };
    entries.filter_map(trace).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversations::trace_file::{append, path_of};
    use crate::conversations::{MessageId, SessionId};

    #[test]
    fn the_oldest_traces_make_room() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let folder = SessionFolder::within(place.path());
        let year = folder.path().join("2026");
        fs::create_dir_all(&year).expect("a temporary folder");
        let path = year.join(format!("{}.jsonl", SessionId::generate()));
        fs::write(&path, "").expect("a temporary file");
        for answer in 1..=3 {
            append(&path, MessageId(answer), "{}\n").expect("it is written");
            let file = fs::File::open(path_of(&path, MessageId(answer))).expect("it is there");
            let written = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(answer);
            file.set_modified(written).expect("it is ours");
        }
        let bytes = fs::metadata(path_of(&path, MessageId(1)))
            .expect("it is there")
            .len();
        let other = folder_of(&path).join("notes.txt");
        fs::write(&other, "x".repeat(4096)).expect("it can be written");
        assert_eq!(folder.trim_traces(3 * bytes).expect("it is looked at"), 0);
        assert_eq!(folder.trim_traces(2 * bytes).expect("it is looked at"), 1);
        let left = |answer| path_of(&path, MessageId(answer)).exists();
        assert_eq!([1, 2, 3].map(left), [false, true, true]);
        assert!(other.exists());
    }
}
