use std::fmt;
use std::path::{Path, PathBuf};

use super::{ConfigError, Environment};

/// The file's name in every place but the embedded one.
pub const FILE_NAME: &str = "model_config.toml";

/// The configuration that the program carries: the `model_config.toml` at the top of the repository.
pub const EMBEDDED: &str = include_str!("../../../../model_config.toml");

/// Where a configuration comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file that a flag or `UNMASK_CONFIG` names.
    Named(PathBuf),
    /// `model_config.toml` in the current folder: it may not make the program load libraries.
    Current(PathBuf),
    /// `unmask/model_config.toml` in the user's configuration folder.
    User(PathBuf),
    /// [`EMBEDDED`].
    Embedded,
}

impl Source {
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

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(path) | Self::Current(path) | Self::User(path) => {
                write!(out, "{}", path.display())
            }
            Self::Embedded => write!(out, "built-in {FILE_NAME}"),
        }
    }
}

/// Where the user's own file lies, whether or not it exists.
#[must_use]
pub fn user_file(environment: &Environment) -> Option<PathBuf> {
    let folders = environment.folders.as_ref()?;
    Some(folders.config.join("unmask").join(FILE_NAME))
}

/// The text of the configuration: that of `flag`, of `UNMASK_CONFIG`, of the current folder, of the user's configuration
/// folder, or the embedded one, whichever comes first.
///
/// # Errors
/// [`ConfigError::Unreadable`] if one that is named is not there, or one that is there cannot be read.
pub(super) fn find(
    flag: Option<&Path>,
    environment: &Environment,
) -> Result<(Source, String), ConfigError> {
    if let Some(path) = flag {
        let path = environment.expand(path);
        return Ok((Source::Named(path.clone()), read(&path, "--config")?));
    }
    if let Some(path) = environment.path("UNMASK_CONFIG") {
        return Ok((Source::Named(path.clone()), read(&path, "UNMASK_CONFIG")?));
    }
    let current = environment.current.join(FILE_NAME);
    if current.is_file() {
        let text = read(&current, "the current folder")?;
        return Ok((Source::Current(current), text));
    }
    match user_file(environment).filter(|path| path.is_file()) {
        Some(path) => {
            let text = read(&path, "the user's configuration folder")?;
            Ok((Source::User(path), text))
        }
        None => Ok((Source::Embedded, EMBEDDED.to_owned())),
    }
}

fn read(path: &Path, asked_by: &'static str) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
        path: path.to_owned(),
        asked_by,
        source,
    })
}
