//! Conversations on disk, and the history of prompts.
//!
//! A conversation is one file, `DATA/unmask/sessions/YEAR/ULID.jsonl`: a JSON object a line, each with its kind in `t` and the
//! time in `at`. It is only ever appended to, by whoever holds its lock; folders are the user's alone (0700), and so are files
//! (0600). Lists are made from the files; there is no index that could be wrong.
//!
//! | `t` | holds |
//! |---|---|
//! | `head` | `v` (the format, 1), `id`, `program`; for a copy of another conversation `from` |
//! | `msg` | `id`, `parent`, `role`, `text`: what the user said |
//! | `gen` | `id`, `parent`, `text`, `name`, `model`, `settings`, `seed`, `stop`, `stats`, and for a stopped answer its `canvas` |
//! | `title` | `text`: the name that the user gave |
//! | `sight` | `ids`, `sight`: how these messages are seen from now on |
//! | `del` | `ids`: these messages were taken back |
//!
//! Ids count from 1 in each file, and parents make a tree: who reads follows them from the last message to the first. A message
//! that is written again, as an answer that goes on, takes its own place. A line that is cut or makes no sense is skipped and
//! counted; kinds that this version does not know stay where they are.
//!
//! [`Keeper`] does all of it on a thread of its own: the screen sends it [`Job`]s and hears [`News`].

mod conversation;
mod entries;
mod file;
mod folder;
mod history;
mod keeper;
mod record;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

pub use conversation::{Conversation, Node, Said};
pub use entries::{Resumed, Stopped, record_of, resumed};
pub use file::Writer;
pub use folder::{Condition, Folder, Found, Summary};
pub use history::HistoryFile;
pub use keeper::{Access, Effort, Job, Keeper, News, Opened};
pub use record::{
    CanvasRecord, GenerationRecord, Head, Line, MessageId, MessageRecord, ModelRecord, Record,
    SettingsRecord, SightRecord, StatsRecord, Stop,
};

/// Names a conversation: when it was begun, and chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionId(Ulid);

impl SessionId {
    /// One for a conversation that begins now.
    #[must_use]
    pub fn generate() -> Self {
        Self(Ulid::new())
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for SessionId {
    type Err = ulid::DecodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ulid::from_string(text).map(Self)
    }
}

impl TryFrom<String> for SessionId {
    type Error = ulid::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> Self {
        id.to_string()
    }
}

/// Why a conversation cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// No file of this name.
    #[error("no conversation {word}; {known}")]
    Unknown {
        /// What was asked for.
        word: String,
        /// What there is, in a sentence.
        known: String,
    },
    /// The beginning of an id that fits several.
    #[error("{word} is the beginning of {n} conversations; write more of it")]
    Several {
        /// What was asked for.
        word: String,
        /// How many.
        n: usize,
    },
    /// It belongs to another process now.
    #[error("conversation {id} is open in another unmask; close it there first")]
    InUse {
        /// Which.
        id: SessionId,
    },
    /// A format to come.
    #[error("{} was written by a newer unmask (format {found}, this one reads {}); use that one", path.display(), record::VERSION)]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The system says no.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl SessionError {
    fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }

    /// The message with its cause, on one line.
    #[must_use]
    pub fn whole(&self) -> String {
        match self {
            Self::Io { source, .. } => format!("{self}: {source}"),
            Self::Unknown { .. }
            | Self::Several { .. }
            | Self::InUse { .. }
            | Self::Newer { .. } => self.to_string(),
        }
    }
}
