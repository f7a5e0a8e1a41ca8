use std::path::{Path, PathBuf};

use super::{ConfigError, EMBEDDED, Environment, FILE_NAME, Source};

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
