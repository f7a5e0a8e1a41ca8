use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::{ConfigError, variables};
use crate::model_id::{ModelId, ModelIdError};

/// The user's folders, without the program's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// `~`.
    pub home: PathBuf,
    /// `~/.config`, or what the system has instead.
    pub config: PathBuf,
    /// `~/.local/share`, or what the system has instead.
    pub data: PathBuf,
    /// `~/.cache`, or what the system has instead.
    pub cache: PathBuf,
    /// `~/.local/state`, or the data folder where the system has none.
    pub state: PathBuf,
}

/// What the process was started with: passed in, so that tests need not change it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// The [`variables`] that are set.
    pub variables: BTreeMap<String, OsString>,
    /// The user's folders; `None` for an account without a home.
    pub folders: Option<Folders>,
    /// The current folder.
    pub current: PathBuf,
}

impl Environment {
    /// That of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let set = |(name, _): (&str, _)| Some((name.to_owned(), std::env::var_os(name)?));
        let folders = etcetera::choose_base_strategy().ok().map(|base| Folders {
            home: base.home_dir().to_owned(),
            config: base.config_dir(),
            data: base.data_dir(),
            cache: base.cache_dir(),
            state: base.state_dir().unwrap_or_else(|| base.data_dir()),
        });
        Self {
            variables: variables().filter_map(set).collect(),
            folders,
            current: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
        }
    }

    /// The variable's text; an empty one counts as not set.
    ///
    /// # Errors
    /// If it is not UTF-8.
    pub fn text(&self, name: &str) -> Result<Option<&str>, ConfigError> {
        let Some(value) = self.variables.get(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        value
            .to_str()
            .map(Some)
            .ok_or_else(|| ConfigError::Setting {
                name: name.to_owned(),
                message: "is not valid UTF-8; write it again".to_owned(),
            })
    }

    /// The variable as a path; an empty one counts as not set.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let value = self.variables.get(name).filter(|value| !value.is_empty())?;
        Some(self.expand(Path::new(value)))
    }

    /// `path` with `~` replaced, and taken from the current folder if it is not absolute.
    #[must_use]
    pub fn expand(&self, path: &Path) -> PathBuf {
        crate::model_id::expand(path, &self.current, self.home())
    }

    /// What `text` names; a folder that is not absolute is taken from `base`.
    ///
    /// # Errors
    /// [`ModelIdError`].
    pub fn model_id(&self, text: &str, base: &Path) -> Result<ModelId, ModelIdError> {
        // What is no text is no address either; whoever asks the hub says so.
        let endpoint = self.text("HF_ENDPOINT").ok().flatten();
        ModelId::parse(text, base, self.home(), endpoint)
    }

    /// A path as people write it: with `~` for the home.
    #[must_use]
    pub fn short(&self, path: &Path) -> String {
        let in_home = self.home().and_then(|home| path.strip_prefix(home).ok());
        match in_home {
            Some(rest) => Path::new("~").join(rest).display().to_string(),
            None => path.display().to_string(),
        }
    }

    /// The user's home, if there is one.
    #[must_use]
    pub fn home(&self) -> Option<&Path> {
        self.folders.as_ref().map(|folders| folders.home.as_path())
    }
}
