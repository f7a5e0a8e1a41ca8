use std::fmt;
use std::path::{Path, PathBuf};

/// The file's name in every place but the embedded one.
pub const FILE_NAME: &str = "model_config.toml";

/// The configuration that the program carries: the `model_config.toml` at the top of the repository.
pub const EMBEDDED: &str = include_str!("../../../../model_config.toml");

/// Where a configuration comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigSource {
    /// A file that a flag or `UNMASK_CONFIG` names.
    Named(PathBuf),
    /// `model_config.toml` in the current folder: it may not make the program load libraries.
    Current(PathBuf),
    /// `unmask/model_config.toml` in the user's configuration folder.
    User(PathBuf),
    /// [`EMBEDDED`].
    Embedded,
}

impl ConfigSource {
    /// The folder that relative paths in it are taken from; `None` for the embedded one.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Named(path) | Self::Current(path) | Self::User(path) => path.parent(),
            Self::Embedded => None,
        }
    }

    /// True if it may name libraries to load.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        !matches!(self, Self::Current(_))
    }
}

impl fmt::Display for ConfigSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(path) | Self::Current(path) | Self::User(path) => {
                write!(out, "{}", path.display())
            }
            Self::Embedded => write!(out, "built-in {FILE_NAME}"),
        }
    }
}
