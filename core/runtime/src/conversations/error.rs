use std::io;
use std::path::PathBuf;

use super::id::SessionId;
use super::record::VERSION;

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
    #[error("{} was written by a newer unmask (format {found}, this one reads {}); use that one", path.display(), VERSION)]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// It is not open to be written to.
    #[error("no conversation is open to be written to")]
    NotWritten,
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
    pub(super) fn io(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
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
            | Self::NotWritten
            | Self::Newer { .. } => self.to_string(),
        }
    }
}
