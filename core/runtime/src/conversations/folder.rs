use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::conversation::Conversation;
use super::error::SessionError;
use super::file::{self, ConversationWriter};
use super::id::SessionId;
use super::trace_file;
use crate::regular_file::{self, LARGE};

/// Where conversations are kept: a folder for each year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFolder {
    root: PathBuf,
}

/// A file that has the name of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFile {
    /// Whose.
    pub id: SessionId,
    /// Where.
    pub path: PathBuf,
    /// When it was written last.
    pub written: SystemTime,
}

/// A row of a list of conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Which.
    pub id: SessionId,
    /// What it is called; empty if nothing can be read.
    pub title: String,
    /// Messages and answers.
    pub messages: usize,
    /// The model that answered last; empty if none did.
    pub model: String,
    /// How long ago it was written.
    pub age: Duration,
    /// What can be done with it.
    pub condition: Condition,
}

/// What can be done with a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It can be opened.
    Free,
    /// It is the one on the screen.
    Here,
    /// Another process has it: it can be read.
    InUse,
    /// It cannot be read, or was written by a newer version.
    Unreadable,
}

/// How many conversations a refusal names.
const NAMED: usize = 3;

impl SessionFolder {
    /// The folder within the user's data folder. It need not exist.
    #[must_use]
    pub fn within(data: &Path) -> Self {
        Self {
            root: data.join("unmask").join("sessions"),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Every file that has the name of a conversation, the one written last first.
    ///
    /// # Errors
    /// [`SessionError::Io`] if a folder cannot be read; a missing one is an empty one.
    pub fn files(&self) -> Result<Vec<SessionFile>, SessionError> {
        let mut files = Vec::new();
        for year in entries(&self.root)? {
            if year.is_dir() {
                files.extend(entries(&year)?.into_iter().filter_map(found));
            }
        }
        files.sort_by_key(|file| std::cmp::Reverse((file.written, file.id)));
        Ok(files)
    }

    /// The conversation that `word` means: an id, the beginning of one, or `last`.
    ///
    /// # Errors
    /// [`SessionError::Unknown`] or [`SessionError::Several`], [`SessionError::Io`].
    pub fn find(&self, word: &str) -> Result<SessionFile, SessionError> {
        let files = self.files()?;
        let unknown = || SessionError::Unknown {
            word: word.to_owned(),
            known: known(&files),
        };
        if word == "last" {
            return files.first().cloned().ok_or_else(unknown);
        }
        let start = word.to_ascii_uppercase();
        let fits = |file: &&SessionFile| file.id.to_string().starts_with(&start);
        let fitting: Vec<&SessionFile> = files.iter().filter(fits).collect();
        match fitting.as_slice() {
            _ if word.is_empty() => Err(unknown()),
            [one] => Ok((*one).clone()),
            [] => Err(unknown()),
            several => Err(SessionError::Several {
                word: word.to_owned(),
                n: several.len(),
            }),
        }
    }

    /// A row for each conversation, the one written last first.
    ///
    /// # Errors
    /// As [`SessionFolder::files`]; a file that cannot be read is a row that says so.
    pub fn list(&self) -> Result<Vec<Summary>, SessionError> {
        Ok(self.files()?.iter().map(summary).collect())
    }

    /// Begins a conversation's file.
    pub(super) fn create(
        &self,
        id: SessionId,
        year: i16,
    ) -> Result<ConversationWriter, SessionError> {
        let path = self.root.join(year.to_string()).join(format!("{id}.jsonl"));
        ConversationWriter::create(id, &path)
    }
}

impl SessionFile {
    /// Its bytes.
    ///
    /// # Errors
    /// [`SessionError::Io`].
    pub fn bytes(&self) -> Result<Vec<u8>, SessionError> {
        regular_file::read(&self.path, LARGE).map_err(SessionError::io("read", &self.path))
    }

    /// What it holds.
    ///
    /// # Errors
    /// [`SessionError::Newer`], [`SessionError::Io`].
    pub fn read(&self) -> Result<Conversation, SessionError> {
        self.understand(&self.bytes()?)
    }

    pub(super) fn understand(&self, bytes: &[u8]) -> Result<Conversation, SessionError> {
        let conversation = Conversation::read(bytes);
        match conversation.newer_format() {
            Some(found) => Err(SessionError::Newer {
                path: self.path.clone(),
                found,
            }),
            None => Ok(conversation),
        }
    }

    /// Locks it, to be appended to.
    pub(super) fn write(&self) -> Result<ConversationWriter, SessionError> {
        ConversationWriter::open(self.id, &self.path)
    }

    /// Removes it and its traces.
    ///
    /// # Errors
    /// [`SessionError::InUse`], [`SessionError::Io`].
    pub fn remove(&self) -> Result<(), SessionError> {
        file::remove(self.id, &self.path)?;
        trace_file::remove(&self.path)
    }
}

/// What is in a folder; nothing if there is none.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, SessionError> {
    let error = |source| SessionError::io("read", folder)(source);
    let entries = match fs::read_dir(folder) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(error)?,
    };
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

fn found(path: PathBuf) -> Option<SessionFile> {
    if path.extension()? != "jsonl" {
        return None;
    }
    let id = path.file_stem()?.to_str()?.parse().ok()?;
    let written = fs::metadata(&path).ok()?.modified().ok()?;
    Some(SessionFile { id, path, written })
}

fn summary(found: &SessionFile) -> Summary {
    let age = found.written.elapsed().unwrap_or_default();
    let row = |title, messages, model, condition| Summary {
        id: found.id,
        title,
        messages,
        model,
        age,
        condition,
    };
    let Ok(conversation) = found.read() else {
        return row(String::new(), 0, String::new(), Condition::Unreadable);
    };
    let condition = match file::is_locked(found.id, &found.path) {
        true => Condition::InUse,
        false => Condition::Free,
    };
    row(
        conversation.name(),
        conversation.seen().len(),
        conversation.model().unwrap_or_default().to_owned(),
        condition,
    )
}

/// What there is instead, in a sentence.
fn known(files: &[SessionFile]) -> String {
    if files.is_empty() {
        return "none is saved".to_owned();
    }
    let name = |file: &SessionFile| {
        let title = file.read().map(|read| read.name()).unwrap_or_default();
        format!("{} ({title})", file.id)
    };
    let named: Vec<String> = files.iter().take(NAMED).map(name).collect();
    format!(
        "the latest of {} are {}; unmask sessions ls shows all",
        files.len(),
        named.join(", ")
    )
}
