use std::io;
use std::path::{Path, PathBuf};

/// Why something could not be fetched. What had come of a file is kept, unless it was wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// The caller ended it.
    #[error("stopped")]
    Stopped,
    /// Nobody was reached.
    #[error("cannot reach {address}; is there a network?")]
    Offline {
        /// Who was asked, as [`shown`](crate::shown).
        address: String,
        /// Why.
        source: ureq::Error,
    },
    /// The answer broke off too often.
    #[error("the fetch of {address} broke off; the next try goes on from there")]
    Broken {
        /// Where from.
        address: String,
        /// How.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server refuses.
    #[error("the server answers {status} for {address}{}", said(.message))]
    Status {
        /// Its number.
        status: u16,
        /// What was asked for.
        address: String,
        /// What it says of it, may be empty.
        message: String,
    },
    /// The server answers something else than what was asked for.
    #[error("what {address} answers is not understood: {what}")]
    Answer {
        /// Who was asked.
        address: String,
        /// What is wrong.
        what: String,
    },
    /// The file is not the one that was published; it was thrown away.
    #[error(
        "{name} came otherwise than it was published ({what}), and was thrown away; try again, or from another network"
    )]
    Wrong {
        /// Which.
        name: String,
        /// In what.
        what: String,
    },
    /// A file of ours cannot be written.
    #[error("cannot write {}{}", .path.display(), full(.source))]
    Disk {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl DownloadError {
    pub(crate) fn disk(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Disk { path, source }
    }

    /// True if a further try may help.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Broken { .. } | Self::Offline { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }
}

fn said(message: &str) -> String {
    match message {
        "" => String::new(),
        message => format!(": {message}"),
    }
}

fn full(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull => {
            "; the disk is full: what has come is kept, make room and try again"
        }
        _ => "",
    }
}
