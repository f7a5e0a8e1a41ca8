use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::file::{LineStart, line_start, make_folder, options};
use crate::partial::replace_private;
use crate::regular_file::{self, LARGE};

/// How many prompts are kept.
pub(super) const KEPT: usize = 10_000;

/// The prompts sent so far, by every unmask of this user: an object a line, the latest last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryFile {
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Prompt {
    text: String,
}

impl HistoryFile {
    /// The file within the user's state folder. It need not exist.
    #[must_use]
    pub fn within(state: &Path) -> Self {
        Self {
            path: state.join("unmask").join("history.jsonl"),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last prompts, each once, the latest last. A line that makes no sense is skipped.
    ///
    /// A file that has grown to twice of what is kept is written anew.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn load(&self) -> io::Result<Vec<String>> {
        let bytes = match regular_file::read(&self.path, LARGE) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            bytes => bytes?,
        };
        let n_lines = bytes.split(|&byte| byte == b'\n').count();
        if n_lines > 2 * KEPT {
            // It is only larger than it need be.
            if let Err(error) = self.shorten() {
                tracing::warn!(%error, "the history of prompts was not shortened");
            }
        }
        Ok(latest(&bytes))
    }

    /// Adds a prompt in one write, so that several processes can do so at a time.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(&self, text: &str) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            make_folder(folder)?;
        }
        let mut file = self.locked()?;
        let line = line(text);
        match line_start(&mut file)? {
            LineStart::Yes => file.write_all(line.as_bytes()),
            LineStart::No => file.write_all(format!("\n{line}").as_bytes()),
        }
    }

    /// The file, locked; it is opened again if it was replaced while the lock was waited for.
    fn locked(&self) -> io::Result<File> {
        loop {
            let file = options().create(true).open(&self.path)?;
            // Where there are no locks, one write at a time is all there is.
            file.lock().ok();
            if !is_replaced(&file)? {
                return Ok(file);
            }
        }
    }

    /// Replaces the file by what is kept of it. The lock of the old one is held, so that nobody adds to it meanwhile.
    fn shorten(&self) -> io::Result<()> {
        let mut locked = self.locked()?;
        // Through the handle that holds the lock: on Windows no other can read meanwhile.
        let mut bytes = Vec::new();
        locked.seek(SeekFrom::Start(0))?;
        locked.read_to_end(&mut bytes)?;
        let lines = latest(&bytes);
        let lines: String = lines.iter().map(|text| line(text)).collect();
        // An open file cannot be replaced there: a prompt that is added in this moment is lost.
        #[cfg(not(unix))]
        drop(locked);
        replace_private(&self.path, lines.as_bytes())
    }
}

fn line(text: &str) -> String {
    let prompt = Prompt {
        text: text.to_owned(),
    };
    serde_json::to_string(&prompt).expect("a text is plain") + "\n"
}

fn latest(bytes: &[u8]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut prompts: Vec<String> = bytes
        .split(|&byte| byte == b'\n')
        .rev()
        .filter_map(|line| serde_json::from_slice::<Prompt>(line).ok())
        .map(|prompt| prompt.text)
        .filter(|text| seen.insert(text.clone()))
        .take(KEPT)
        .collect();
    prompts.reverse();
    prompts
}

#[cfg(unix)]
fn is_replaced(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(file.metadata()?.nlink() == 0)
}

/// An open file cannot be replaced here.
#[cfg(not(unix))]
fn is_replaced(_file: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn file() -> (tempfile::TempDir, HistoryFile) {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let file = HistoryFile::within(folder.path());
        (folder, file)
    }

    fn add(file: &HistoryFile, texts: &[&str]) {
        for text in texts {
            file.add(text).expect("it can be written");
        }
    }

    fn load(file: &HistoryFile) -> Vec<String> {
        file.load().expect("it can be read")
    }

    #[test]
    fn prompts_come_back_once_each_the_latest_last() {
        let (_folder, file) = file();
        assert_eq!(load(&file), [] as [&str; 0]);
        add(&file, &["one", "two\nlines", "one"]);
        assert_eq!(load(&file), ["two\nlines", "one"]);
    }

    #[test]
    fn a_line_cut_off_loses_itself_alone() {
        let (_folder, file) = file();
        add(&file, &["one"]);
        let mut bytes = fs::read(&file.path).expect("it is there");
        bytes.extend_from_slice(b"{\"text\":\"tw");
        fs::write(&file.path, bytes).expect("it can be written");
        add(&file, &["three"]);
        assert_eq!(load(&file), ["one", "three"]);
    }

    #[test]
    fn several_may_add_at_a_time() {
        let (_folder, file) = file();
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let file = &file;
                scope.spawn(move || {
                    for prompt in 0..50 {
                        add(file, &[&format!("{writer} {prompt}")]);
                    }
                });
            }
        });
        assert_eq!(load(&file).len(), 200);
    }

    #[test]
    fn a_file_of_too_many_lines_is_shortened_to_the_latest() {
        let (_folder, file) = file();
        add(&file, &["first"]);
        let many: String = (0..2 * KEPT).map(|n| line(&n.to_string())).collect();
        fs::write(&file.path, many).expect("it can be written");
        let loaded = load(&file);
        assert_eq!((loaded.len(), loaded[0].as_str()), (KEPT, "10000"));
        let bytes = fs::read(&file.path).expect("it is there");
        assert_eq!(bytes.iter().filter(|&&byte| byte == b'\n').count(), KEPT);
        assert_eq!(load(&file), loaded);
    }

    #[cfg(unix)]
    #[test]
    fn the_history_is_the_users_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, file) = file();
        add(&file, &["one"]);
        let data = fs::metadata(&file.path).expect("it is there");
        assert_eq!(data.permissions().mode() & 0o777, 0o600);
    }
}
