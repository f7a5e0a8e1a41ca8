//! Changes to the configuration's file: comments, order and everything else that the user wrote stay.

use std::fs;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, TableLike, value};

use super::{Config, ConfigError, ConfigReader, EMBEDDED, Source, user_file};
use crate::Params;
use crate::checkpoint::{Checkpoint, CheckpointError, Locations};
use crate::model_id::{ModelId, ModelIdError};
use crate::params::{CacheMode, Remasking, Transfer};
use crate::replace::replace;

/// Why the configuration's file was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// It cannot be used as it is, or could not be after the change.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It may not be written to.
    #[error("{path} is read-only; make it writable, or name another file with --config", path = .0.display())]
    ReadOnly(PathBuf),
    /// It cannot be read or written.
    #[error("cannot change {path}; check its permissions and the free space", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The account has no place for it.
    #[error(
        "there is no folder for the configuration; set HOME or XDG_CONFIG_HOME, or name a file with --config"
    )]
    NoFolder,
    /// The model is listed already.
    #[error("{model} is in {file} already, as `{key}`")]
    Listed {
        /// Which.
        model: String,
        /// Where.
        file: Source,
        /// Under this key.
        key: String,
    },
    /// There is no such entry.
    #[error("{file} has no model `{key}`; add it first")]
    NoEntry {
        /// The file.
        file: Source,
        /// The key.
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
    /// Adds an entry for the checkpoint in the folder `model` (or the folder of that file), or for a hub id. The user's
    /// file is made from the embedded one if there is none yet.
    ///
    /// # Errors
    /// [`EditError`]: the file is as it was.
    pub fn add_model(&self, model: &str) -> Result<Added, EditError> {
        let config = self.read()?;
        let id = self.identify(model)?;
        if let ModelId::Folder(_) = id {
            Checkpoint::open(&id, &Locations::new(&config, &self.environment))?;
        }
        if let Some(entry) = config.models.iter().find(|it| it.model_id.value == id) {
            return Err(EditError::Listed {
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

    /// Makes `params`, without its seed, and `length` what the model `key` starts with; returns the file that says so now:
    /// the user's, made from the embedded one, if there was no other.
    ///
    /// # Errors
    /// [`EditError`]: the file is as it was.
    pub fn save_generation(
        &self,
        key: &str,
        params: &Params,
        length: usize,
    ) -> Result<PathBuf, EditError> {
        let config = self.read()?;
        let edited = self.edit(&config, |document| {
            let models = document["available_models"].as_table_like_mut()?;
            let entry = models.get_mut(key)?.as_table_like_mut()?;
            if entry.get("generation").is_none() {
                entry.insert("generation", toml_edit::table());
            }
            let generation = entry.get_mut("generation")?.as_table_like_mut()?;
            write_generation(generation, params, length);
            Some(())
        });
        edited.map_err(|error| match error {
            EditError::NoEntry { file, .. } => EditError::NoEntry {
                file,
                key: key.to_owned(),
            },
            other => other,
        })
    }

    fn identify(&self, model: &str) -> Result<ModelId, EditError> {
        let path = self.environment.expand(Path::new(model));
        // Absolute and without `..`, since the entry outlives the current folder.
        let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if path.is_dir() {
            return Ok(ModelId::Folder(real(&path)));
        }
        if path.is_file() {
            let folder = real(&path).parent().map(Path::to_owned);
            return Ok(ModelId::Folder(folder.unwrap_or(path)));
        }
        let environment = &self.environment;
        Ok(ModelId::parse(
            model,
            &environment.current,
            environment.home(),
        )?)
    }

    /// Changes the file of `config`; `change` gives `None` if what it is to change is not there.
    fn edit(
        &self,
        config: &Config,
        change: impl FnOnce(&mut DocumentMut) -> Option<()>,
    ) -> Result<PathBuf, EditError> {
        let (source, path, text) = self.file(config)?;
        let mut document: DocumentMut = text.parse().map_err(|error| broken(&source, &error))?;
        change(&mut document).ok_or_else(|| EditError::NoEntry {
            file: source.clone(),
            key: String::new(),
        })?;
        let text = document.to_string();
        // What could not be read again is not written.
        Config::from_text(&text, source, &self.overrides, &self.environment)?;
        let io = |source| EditError::Io {
            path: path.clone(),
            source,
        };
        replace(&path, text.as_bytes()).map_err(io)?;
        Ok(path)
    }

    /// What is to be edited: where it will come from, where it lies, and its text.
    fn file(&self, config: &Config) -> Result<(Source, PathBuf, String), EditError> {
        match &config.source {
            Source::Named(path) | Source::Current(path) | Source::User(path) => {
                let io = |source| EditError::Io {
                    path: path.clone(),
                    source,
                };
                // A link stays one.
                let real = fs::canonicalize(path).map_err(io)?;
                if fs::metadata(&real).map_err(io)?.permissions().readonly() {
                    return Err(EditError::ReadOnly(path.clone()));
                }
                let text = fs::read_to_string(&real).map_err(io)?;
                Ok((config.source.clone(), real, text))
            }
            Source::Embedded => {
                let path = user_file(&self.environment).ok_or(EditError::NoFolder)?;
                Ok((Source::User(path.clone()), path, EMBEDDED.to_owned()))
            }
        }
    }
}

fn broken(source: &Source, error: &toml_edit::TomlError) -> EditError {
    EditError::Config(ConfigError::Invalid {
        file: source.clone(),
        line: 1,
        key: String::new(),
        message: error.message().to_owned(),
    })
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

fn write_generation(table: &mut dyn TableLike, params: &Params, length: usize) {
    put(table, "length", count(length));
    put(table, "steps", count(params.steps));
    put(table, "block_length", count(params.block_length));
    put(table, "temperature", value(params.temperature));
    put(table, "cfg_scale", value(shortest(params.cfg_scale)));
    let remasking = match params.remasking {
        Remasking::LowConfidence => "low_confidence",
        Remasking::Random => "random",
    };
    put(table, "remasking", value(remasking));
    let (threshold, factor) = match params.transfer {
        Transfer::Quota => (None, None),
        Transfer::Threshold(threshold) => (Some(threshold), None),
        Transfer::Factor(factor) => (None, Some(factor)),
    };
    for (key, number) in [("threshold", threshold), ("factor", factor)] {
        match number {
            Some(number) => put(table, key, value(number)),
            None => drop(table.remove(key)),
        }
    }
    let cache = match params.cache {
        CacheMode::Off => "off",
        CacheMode::Prefix => "prefix",
        CacheMode::Dual => "dual",
    };
    put(table, "cache", value(cache));
    put(table, "logits_eos_inf", value(params.logits_eos_inf));
    let last = params.confidence_eos_eot_inf;
    put(table, "confidence_eos_eot_inf", value(last));
    put(table, "early_stop", value(params.early_stop));
}

/// Sets a key; the comment behind an old value stays.
fn put(table: &mut dyn TableLike, key: &str, mut item: Item) {
    let old = table.get(key).and_then(Item::as_value);
    if let (Some(old), Some(new)) = (old, item.as_value_mut()) {
        *new.decor_mut() = old.decor().clone();
    }
    table.insert(key, item);
}

fn count(count: usize) -> Item {
    value(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The decimal that a person wrote: 0.1 as `f64`, not 0.10000000149.
fn shortest(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}

#[cfg(test)]
mod tests;
