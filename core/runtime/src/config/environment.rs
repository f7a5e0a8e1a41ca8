use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::ConfigError;

/// Every environment variable that the configuration reads, with its meaning, for help texts.
pub const VARIABLES: [(&str, &str); 25] = [
    ("UNMASK_CONFIG", "the configuration file"),
    ("UNMASK_MODEL", "key, hub id or folder of the model"),
    ("UNMASK_BACKEND", "backend of every model"),
    ("UNMASK_DEVICE", "device of every model"),
    ("UNMASK_PRECISION", "precision of every model"),
    ("UNMASK_THREADS", "threads to compute with"),
    (
        "UNMASK_ISOLATED",
        "backends in processes of their own: true or false",
    ),
    ("UNMASK_MODELS", "folder that holds models"),
    (
        "UNMASK_BACKEND_PATHS",
        "folders or files to look for backends, as in PATH",
    ),
    ("UNMASK_LENGTH", "positions of an answer"),
    ("UNMASK_STEPS", "denoising steps"),
    ("UNMASK_BLOCK_LENGTH", "positions per block"),
    ("UNMASK_TEMPERATURE", "Gumbel temperature, 0 and up"),
    ("UNMASK_CFG_SCALE", "classifier-free guidance, 0 and up"),
    ("UNMASK_REMASKING", "low_confidence or random"),
    (
        "UNMASK_THRESHOLD",
        "confidence above which all are committed, 0 to 1",
    ),
    ("UNMASK_FACTOR", "factor of the parallel schedule, above 0"),
    ("UNMASK_CACHE", "off, prefix or dual"),
    (
        "UNMASK_LOGITS_EOS_INF",
        "never predict the end of text: true or false",
    ),
    (
        "UNMASK_CONFIDENCE_EOS_EOT_INF",
        "commit end tokens last: true or false",
    ),
    (
        "UNMASK_EARLY_STOP",
        "stop once the answer has ended: true or false",
    ),
    ("UNMASK_SEED", "seed of temperature and random remasking"),
    ("HF_HUB_CACHE", "the Hugging Face hub's cache"),
    ("HF_HOME", "Hugging Face's folder, whose `hub` is the cache"),
    (
        "XDG_CACHE_HOME",
        "parent of `huggingface`, if the two above are not set",
    ),
];

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
    /// The variables of [`VARIABLES`] that are set.
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
            variables: VARIABLES.into_iter().filter_map(set).collect(),
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
