//! What `model_id = "…"` names: a hub id, a folder or a model that the program carries.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where a checkpoint is to be looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelId {
    /// `builtin:NAME`: carried by the program.
    Builtin(String),
    /// `ORG/NAME`: a Hugging Face hub id, found in the models folder or the hub's cache.
    Hub {
        /// The part before the slash.
        org: String,
        /// The part after it.
        name: String,
    },
    /// A folder of files in Hugging Face form.
    Folder(PathBuf),
}

/// Why a text names no model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no model; write ORG/NAME for a hub id, ./FOLDER or an absolute path for a folder, \
     or builtin:demo"
)]
pub struct ModelIdError(pub String);

impl ModelId {
    /// Reads `text`; a folder that is not absolute is taken from `base`.
    ///
    /// A folder is an absolute path or begins with `.` or `~` (which is `home`); one slash between plain names is a hub id.
    ///
    /// # Errors
    /// If it is none of the three forms.
    pub fn parse(text: &str, base: &Path, home: Option<&Path>) -> Result<Self, ModelIdError> {
        if let Some(name) = text.strip_prefix("builtin:") {
            return Ok(Self::Builtin(name.to_owned()));
        }
        if let Some(folder) = explicit_folder(text, base, home) {
            return Ok(Self::Folder(folder));
        }
        match text.split_once('/') {
            Some((org, name)) if is_hub_name(org) && is_hub_name(name) => Ok(Self::Hub {
                org: org.to_owned(),
                name: name.to_owned(),
            }),
            _ => Err(ModelIdError(text.to_owned())),
        }
    }

    /// A short name for people: the last part of the id.
    #[must_use]
    pub fn short_name(&self) -> String {
        match self {
            Self::Builtin(name) | Self::Hub { name, .. } => name.clone(),
            Self::Folder(folder) => folder.file_name().map_or_else(
                || folder.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            ),
        }
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin(name) => write!(out, "builtin:{name}"),
            Self::Hub { org, name } => write!(out, "{org}/{name}"),
            Self::Folder(folder) => write!(out, "{}", folder.display()),
        }
    }
}

/// `path` with `~` replaced by `home`, and taken from `base` if it is not absolute.
pub(crate) fn expand(path: &Path, base: &Path, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => base.join(path),
    }
}

fn explicit_folder(text: &str, base: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let path = Path::new(text);
    let first = path.components().next()?.as_os_str();
    let explicit = path.is_absolute()
        || [".", "..", "~"].iter().any(|start| first == *start)
        || (cfg!(windows) && text.contains('\\'));
    explicit.then(|| expand(path, base, home))
}

/// The hub allows letters, digits, `-`, `_` and `.`; a name never begins with a dot.
fn is_hub_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &Result<ModelId, ModelIdError>) {
        let got = ModelId::parse(text, Path::new("/base"), Some(Path::new("/home/me")));
        assert_eq!(&got, expected, "{text}");
    }

    fn folder(path: &str) -> Result<ModelId, ModelIdError> {
        Ok(ModelId::Folder(PathBuf::from(path)))
    }

    #[test]
    #[cfg(unix)]
    fn folders_are_told_from_hub_ids_by_their_first_part() {
        check("/models/x", &folder("/models/x"));
        check("./x/y", &folder("/base/./x/y"));
        check("../x", &folder("/base/../x"));
        check("~/x", &folder("/home/me/x"));
    }

    #[test]
    fn one_slash_between_plain_names_is_a_hub_id() {
        let id = ModelId::Hub {
            org: "GSAI-ML".to_owned(),
            name: "LLaDA-1.5".to_owned(),
        };
        check("GSAI-ML/LLaDA-1.5", &Ok(id.clone()));
        assert_eq!(id.to_string(), "GSAI-ML/LLaDA-1.5");
        assert_eq!(id.short_name(), "LLaDA-1.5");
    }

    #[test]
    fn anything_else_is_refused_and_quoted() {
        for text in ["", "llada", "a/b/c", "a/..", "https://x/y", "a b/c"] {
            check(text, &Err(ModelIdError(text.to_owned())));
        }
    }

    #[test]
    fn builtin_models_have_a_prefix() {
        check("builtin:demo", &Ok(ModelId::Builtin("demo".to_owned())));
    }
}
