//! Changes to the configuration's file: comments, order and everything else that the user wrote stay.

use std::fs;
use std::path::PathBuf;

use toml_edit::{DocumentMut, Item, TableLike, value};

use super::{Config, ConfigError, ConfigReader, ConfigSource, EMBEDDED, user_file};
use crate::Params;
use crate::partial::replace;
use crate::regular_file::{SMALL, read_text};
use crate::settings::{GenerationPatch, Setting, SettingValue};

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
    /// There is no such entry.
    #[error("{file} has no model `{key}`; add it first")]
    NoEntry {
        /// The file.
        file: ConfigSource,
        /// The key.
        key: String,
    },
}

impl ConfigReader {
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

    /// Changes the file of `config`; `change` gives `None` if what it is to change is not there.
    pub(crate) fn edit(
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
    fn file(&self, config: &Config) -> Result<(ConfigSource, PathBuf, String), EditError> {
        match &config.source {
            ConfigSource::Named(path) | ConfigSource::Current(path) | ConfigSource::User(path) => {
                let io = |source| EditError::Io {
                    path: path.clone(),
                    source,
                };
                // A link stays one.
                let real = fs::canonicalize(path).map_err(io)?;
                if fs::metadata(&real).map_err(io)?.permissions().readonly() {
                    return Err(EditError::ReadOnly(path.clone()));
                }
                let text = read_text(&real, SMALL).map_err(io)?;
                Ok((config.source.clone(), real, text))
            }
            ConfigSource::Embedded => {
                let path = user_file(&self.environment).ok_or(EditError::NoFolder)?;
                Ok((ConfigSource::User(path.clone()), path, EMBEDDED.to_owned()))
            }
        }
    }
}

fn broken(source: &ConfigSource, error: &toml_edit::TomlError) -> EditError {
    EditError::Config(ConfigError::Invalid {
        file: source.clone(),
        line: 1,
        key: String::new(),
        message: error.message().to_owned(),
    })
}

fn write_generation(table: &mut dyn TableLike, params: &Params, length: usize) {
    let said = GenerationPatch::of(params, length).without(Setting::Seed);
    for (setting, said) in said.iter() {
        let key = setting.definition().key;
        match item(said) {
            Some(item) => put(table, key, item),
            None => drop(table.remove(key)),
        }
    }
}

/// The value as TOML has it; `None` for what is off, which is not written.
fn item(said: SettingValue) -> Option<Item> {
    let whole = |number| i64::try_from(number).unwrap_or(i64::MAX);
    Some(match said {
        SettingValue::Count(count) => value(whole(count as u64)),
        SettingValue::Seed(seed) => value(whole(seed)),
        SettingValue::Number(number) => value(number),
        SettingValue::Switch(is_on) => value(is_on),
        SettingValue::Choice(word) => value(word),
        SettingValue::Off => return None,
    })
}

/// Sets a key; the comment behind an old value stays.
fn put(table: &mut dyn TableLike, key: &str, mut item: Item) {
    let old = table.get(key).and_then(Item::as_value);
    if let (Some(old), Some(new)) = (old, item.as_value_mut()) {
        *new.decor_mut() = old.decor().clone();
    }
    table.insert(key, item);
}

#[cfg(test)]
mod tests;
