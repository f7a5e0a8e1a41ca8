use std::error::Error;
use std::path::PathBuf;

/// Why a backend could not do what it was asked. Messages say what, where and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The caller broke a promise of the contract: a bug above the border.
    #[error("{0}")]
    Invalid(String),
    /// A device, precision, option or kind of pass that this backend does not have.
    #[error("{0}")]
    Unsupported(String),
    /// Not enough memory on the device.
    #[error("{0}")]
    OutOfMemory(String),
    /// A file could not be read or written.
    #[error("cannot read {path}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The checkpoint is damaged, incomplete or of another family.
    #[error("{path}: {what}", path = path.display())]
    Checkpoint {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        what: String,
    },
    /// The device or its library failed.
    #[error("{0}")]
    Device(String),
    /// The host asked to stop.
    #[error("stopped on request")]
    Cancelled,
    /// The backend panicked; it was stopped at the border.
    #[error("the backend panicked: {0}; its log has more")]
    Panicked(String),
    /// The process that the backend ran in is no more, and its models with it.
    #[error("the process of {backend} {how}")]
    Gone {
        /// The backend's name.
        backend: String,
        /// How it ended, behind "the process of NAME".
        how: String,
    },
    /// A plugin reported this over the C border.
    #[error("{backend}: {message}")]
    Plugin {
        /// The plugin's name.
        backend: String,
        /// What kind of failure.
        code: ErrorCode,
        /// What it reported.
        message: String,
    },
}

/// The kinds of failure that cross the C border.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorCode {
    /// See [`BackendError::Invalid`].
    Invalid,
    /// See [`BackendError::Unsupported`].
    Unsupported,
    /// See [`BackendError::OutOfMemory`].
    OutOfMemory,
    /// See [`BackendError::Io`].
    Io,
    /// See [`BackendError::Checkpoint`].
    Checkpoint,
    /// See [`BackendError::Device`].
    Device,
    /// See [`BackendError::Cancelled`].
    Cancelled,
    /// See [`BackendError::Panicked`].
    Panicked,
    /// A code that this build does not know.
    Unknown,
}

impl BackendError {
    /// What the message of a [`Plugin`](Self::Plugin) ends with if the plugin gave none.
    pub const SAID_NOTHING: &str = "and said nothing more";

    /// The kind of failure.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(_) => ErrorCode::Invalid,
            Self::Unsupported(_) => ErrorCode::Unsupported,
            Self::OutOfMemory(_) => ErrorCode::OutOfMemory,
            Self::Io { .. } => ErrorCode::Io,
            Self::Checkpoint { .. } => ErrorCode::Checkpoint,
            Self::Device(_) | Self::Gone { .. } => ErrorCode::Device,
            Self::Cancelled => ErrorCode::Cancelled,
            Self::Panicked(_) => ErrorCode::Panicked,
            Self::Plugin { code, .. } => *code,
        }
    }

    /// The message with its causes, as it crosses the border.
    #[must_use]
    pub fn full_text(&self) -> String {
        with_causes(self)
    }
}

/// An error's message with those of its causes behind it, `a: b: c`.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_text_ends_with_the_systems_reason() {
        let error = BackendError::Io {
            path: PathBuf::from("weights"),
            source: std::io::Error::other("the disk is gone"),
        };
        assert_eq!(error.full_text(), "cannot read weights: the disk is gone");
        assert_eq!(BackendError::Cancelled.full_text(), "stopped on request");
    }
}
