//! Models that the user adds to the configuration.

use std::fs;
use std::path::{Path, PathBuf};

use toml_edit::{Item, value};

use crate::checkpoint::{Checkpoint, CheckpointError, Locations};
use crate::config::{Config, ConfigError, ConfigReader, ConfigSource, EditError};
use crate::model_id::{ModelId, ModelIdError, is_gguf};

/// Why a model was not added.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// The configuration cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its file was not changed.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The model is listed already.
    #[error("{model} is in {file} already, as `{key}`")]
    Listed {
        /// Which.
        model: String,
        /// Where.
        file: ConfigSource,
        /// Under this key.
        key: String,
    },
    /// What was named is no model.
    #[error(transparent)]
    NoModel(#[from] ModelIdError),
    /// What was named is no checkpoint, or a damaged one.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// A model that is new in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Its key.
    pub key: String,
    /// The file.
    pub file: PathBuf,
}

impl ConfigReader {
    /// Adds an entry for the checkpoint in the folder `model` (or the folder of that file), a GGUF file, or a hub id. The user's
    /// file is made from the embedded one if there is none yet.
    ///
    /// # Errors
    /// [`AddError`]: the file is as it was.
    pub fn add_model(&self, model: &str) -> Result<Added, AddError> {
        let config = self.read()?;
        let id = self.identify(model)?;
        if let ModelId::Folder(_) = id {
            Checkpoint::open(&id, &Locations::new(&config, &self.environment))?;
        }
        if let Some(entry) = config.models.iter().find(|it| it.model_id.value == id) {
            return Err(AddError::Listed {
                model: id.to_string(),
                file: config.source.clone(),
                key: entry.key.clone(),
            });
        }
        let key = free_key(&config, &id.short_name());
        let framework = config.active_model().framework.value.clone();
        let file = self.edit(&config, |document| {
            let models = document["available_models"].as_table_like_mut()?;
            let mut entry = toml_edit::Table::new();
            entry.insert("framework", value(framework.as_str()));
            entry.insert("model_id", value(id.to_string()));
            models.insert(&key, Item::Table(entry));
            Some(())
        })?;
        Ok(Added { key, file })
    }

    fn identify(&self, model: &str) -> Result<ModelId, AddError> {
        let path = self.environment.expand(Path::new(model));
        // Absolute and without `..`, since the entry outlives the current folder.
        let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if path.is_dir() || (path.is_file() && is_gguf(&path)) {
            return Ok(ModelId::Folder(real(&path)));
        }
        if path.is_file() {
            let folder = real(&path).parent().map(Path::to_owned);
            return Ok(ModelId::Folder(folder.unwrap_or(path)));
        }
        let environment = &self.environment;
        Ok(environment.model_id(model, &environment.current)?)
    }
}

/// A key as the entries have it, made of the model's name: `LLaDA-1.5` becomes `llada-1_5`, with a number if that is taken.
fn free_key(config: &Config, name: &str) -> String {
    let plain = |character: char| match character.to_ascii_lowercase() {
        kept @ ('a'..='z' | '0'..='9' | '-' | '_') => kept,
        _ => '_',
    };
    let key: String = name.chars().map(plain).collect();
    let is_free = |key: &String| config.model(key).is_none();
    let numbered = (2..).map(|number| format!("{key}-{number}"));
    let mut keys = std::iter::once(key.clone()).chain(numbered);
    keys.find(is_free).unwrap_or(key)
}
