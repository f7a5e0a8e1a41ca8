use std::path::{Path, PathBuf};

use super::{ConfigError, ConfigSource, EMBEDDED, Environment, FILE_NAME};
use crate::regular_file::{self, SMALL};

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
) -> Result<(ConfigSource, String), ConfigError> {
    if let Some(path) = flag {
        let path = environment.expand(path);
        return Ok((ConfigSource::Named(path.clone()), read(&path, "--config")?));
    }
    if let Some(path) = environment.path("UNMASK_CONFIG") {
        return Ok((
            ConfigSource::Named(path.clone()),
            read(&path, "UNMASK_CONFIG")?,
        ));
    }
    let current = environment.current.join(FILE_NAME);
    if let Some(text) = read_if_there(&current, "the current folder")? {
        return Ok((ConfigSource::Current(current), text));
    }
    if let Some(path) = user_file(environment)
        && let Some(text) = read_if_there(&path, "the user's configuration folder")?
    {
        return Ok((ConfigSource::User(path), text));
    }
    Ok((ConfigSource::Embedded, EMBEDDED.to_owned()))
}

fn read_if_there(path: &Path, asked_by: &'static str) -> Result<Option<String>, ConfigError> {
    match regular_file::is_there(path) {
        Ok(false) => Ok(None),
        // What is no file is told by the reading.
        Ok(true) | Err(_) => read(path, asked_by).map(Some),
    }
}

fn read(path: &Path, asked_by: &'static str) -> Result<String, ConfigError> {
    regular_file::read_text(path, SMALL).map_err(|source| ConfigError::Unreadable {
        path: path.to_owned(),
        asked_by,
        source,
    })
}
