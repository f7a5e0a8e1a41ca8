//! `model_config.toml`: which models there are, which backend runs them, how they denoise.
//!
//! A file is *parsed* as said (unknown keys are errors with line and nearest key) and *resolved* as meant, in layers:
//! built-in defaults < file < environment ([`variables`]) < preset ([`Presets`]) < flags ([`Overrides`]). Each resolved value knows its [`Origin`];
//! [`Config::explain`] lists them all.
//!
//! The file is that of `--config`, of `UNMASK_CONFIG`, `./model_config.toml`, `unmask/model_config.toml` in the user's
//! configuration folder, or the one that the program carries, whichever comes first. One that merely lies in the current
//! folder may not name libraries to load.

mod edit;
mod environment;
mod error;
mod explain;
mod file;
mod generation;
mod lines;
mod locate;
mod names;
mod origin;
mod overrides;
mod presets;
mod reader;
mod resolve;
mod schema;
mod serve;
mod source;
pub(crate) mod threads;

use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::Deserialize;

pub use edit::EditError;
pub use environment::{Environment, Folders};
pub use error::{ConfigError, nearest};
pub use explain::Explained;
pub use generation::GenerationSettings;
pub use locate::user_file;
pub use names::variables;
pub use origin::{Origin, Resolved};
pub use overrides::Overrides;
pub use presets::{LikelihoodPreset, PresetHalf, Presets, TaskPreset};
pub use reader::ConfigReader;
pub use schema::schema;
pub use serve::ServeSettings;
pub use source::{ConfigSource, EMBEDDED, FILE_NAME};

use crate::model_id::ModelId;

/// The `framework` of models that answer on other servers; no backend may be called so.
pub const REMOTE: &str = "openai";

/// The configuration as meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where the file came from.
    pub source: ConfigSource,
    /// The key of the model to start with; one of `models`.
    pub active: Resolved<String>,
    /// The models, in the order of the file; at least one.
    pub models: Vec<ModelEntry>,
    /// Folders or files in which backends are looked for, besides the usual ones.
    pub backend_paths: Resolved<Vec<PathBuf>>,
    /// Backends that the user vouches for in this run: said by `--plugin` alone, since a file or a variable outlives it.
    pub plugins: Vec<PathBuf>,
    /// A folder that holds models, besides the usual ones.
    pub models_folder: Resolved<Option<PathBuf>>,
    /// The preset of the active model, if one was asked for: its settings are laid over those of the models that it is for.
    pub preset: Option<TaskPreset>,
    /// What the file says of `unmask serve`.
    pub serve: ServeSettings,
}

/// One model on one backend.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelEntry {
    /// Its name in the configuration.
    pub key: String,
    /// The backend's name.
    pub framework: Resolved<String>,
    /// Where its checkpoint is.
    pub model_id: Resolved<ModelId>,
    /// The model whose presets it takes; `None` for its own id's.
    pub preset_of: Resolved<Option<String>>,
    /// A line for people, may be empty.
    pub description: String,
    /// The device's id; `None` takes the backend's first.
    pub device: Resolved<Option<String>>,
    /// One of the device's precisions; `None` takes the one that is best here.
    pub precision: Resolved<Option<String>>,
    /// Threads; `None` leaves it to the backend.
    pub threads: Resolved<Option<NonZeroU32>>,
    /// Whether its backend runs in a process of its own.
    pub isolated: Resolved<bool>,
    /// How it denoises, where that is said.
    pub generation: GenerationSettings,
    /// Ids that the checkpoint's files do not say or say wrongly.
    pub tokens: Resolved<TokenOverrides>,
    /// Free-form options for the backend: a JSON object.
    pub options: Resolved<serde_json::Map<String, serde_json::Value>>,
}

/// `[available_models.KEY.tokens]`: ids that win over the checkpoint's own files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct TokenOverrides {
    /// The mask.
    pub mask: Option<u32>,
    /// End of text.
    pub eos: Option<u32>,
    /// End of turn.
    pub eot: Option<u32>,
    /// Beginning of text.
    pub bos: Option<u32>,
}

impl Config {
    /// Finds, reads and resolves the configuration.
    ///
    /// # Errors
    /// [`ConfigError`]: the file, line and key that cannot be used, and what to write instead.
    pub fn load(overrides: &Overrides, environment: &Environment) -> Result<Self, ConfigError> {
        let (source, text) = locate::find(overrides.config.as_deref(), environment)?;
        Self::from_text(&text, source, overrides, environment)
    }

    /// Resolves the text of a file.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn from_text(
        text: &str,
        source: ConfigSource,
        overrides: &Overrides,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        let (file, lines) = file::parse(text, &source)?;
        resolve::resolve(file, &lines, source, overrides, environment)
    }

    /// The entry of this key.
    #[must_use]
    pub fn model(&self, key: &str) -> Option<&ModelEntry> {
        self.models.iter().find(|entry| entry.key == key)
    }

    /// The entry to start with.
    ///
    /// # Panics
    /// If `active` was changed by hand to a key that is not in `models`.
    #[must_use]
    pub fn active_model(&self) -> &ModelEntry {
        self.model(&self.active.value)
            .expect("the active key is one of the models")
    }
}

impl ModelEntry {
    /// The model whose presets it takes.
    #[must_use]
    pub fn preset_model(&self) -> String {
        let own = || self.model_id.value.to_string();
        self.preset_of.value.clone().unwrap_or_else(own)
    }

    /// The backend's options as the text of a JSON object.
    #[must_use]
    pub fn options_json(&self) -> String {
        serde_json::Value::Object(self.options.value.clone()).to_string()
    }
}

#[cfg(test)]
mod tests;
