//! The configuration as said: what may stand in the file, and where it stands.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::Deserialize;

use super::error::nearest;
use super::lines::{Lines, line_at};
use super::{ConfigError, ConfigSource, ServeSettings, TokenOverrides};
use crate::settings::GenerationPatch;

/// A whole file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigFile {
    pub(super) active_model_key: String,
    pub(super) available_models: BTreeMap<String, EntryFile>,
    #[serde(default)]
    pub(super) backend_paths: Vec<PathBuf>,
    pub(super) models_folder: Option<PathBuf>,
    #[serde(default)]
    pub(super) serve: ServeSettings,
}

/// One `[available_models.KEY]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct EntryFile {
    pub(super) framework: String,
    pub(super) model_id: String,
    pub(super) preset_of: Option<String>,
    #[serde(default)]
    pub(super) description: String,
    pub(super) device: Option<String>,
    pub(super) precision: Option<String>,
    pub(super) threads: Option<NonZeroU32>,
    pub(super) isolated: Option<bool>,
    #[serde(default)]
    pub(super) generation: GenerationPatch,
    #[serde(default)]
    pub(super) tokens: TokenOverrides,
    #[serde(default)]
    pub(super) options: toml::Table,
}

/// Reads a file and tests everything that can be tested without looking at other layers.
pub(super) fn parse(text: &str, source: &ConfigSource) -> Result<(ConfigFile, Lines), ConfigError> {
    let invalid = |error: &toml::de::Error, lines: Option<&Lines>| {
        let at = error.span().map_or(0, |span| span.start);
        let (file, line) = (source.clone(), line_at(text, at));
        let message = error.message();
        let key = lines.and_then(|lines| match missing(message) {
            Some("active_model_key" | "available_models") => None,
            Some(_) => lines.entry_at(line),
            None => lines.key_at(at),
        });
        let key = key.unwrap_or_default();
        match advice(message) {
            Some(advice) => ConfigError::UnknownKey {
                file,
                line,
                key: key.to_owned(),
                advice,
            },
            None => ConfigError::Invalid {
                file,
                line,
                key: colon(key),
                message: for_people(message),
            },
        }
    };
    let table = toml::de::DeTable::parse(text).map_err(|error| invalid(&error, None))?;
    let lines = Lines::of(table.get_ref(), text, source)?;
    let file: ConfigFile = toml::from_str(text).map_err(|error| invalid(&error, Some(&lines)))?;
    for (key, entry) in &file.available_models {
        let refused = |(name, message): (&str, String)| {
            let key = format!("available_models.{key}.generation.{name}");
            ConfigError::Invalid {
                file: source.clone(),
                line: lines.line(&key),
                key: colon(&key),
                message,
            }
        };
        entry.generation.check().map_err(refused)?;
    }
    Ok((file, lines))
}

/// The key that serde misses, if that is the error.
fn missing(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

/// The key as it stands before a message.
fn colon(key: &str) -> String {
    match key {
        "" => String::new(),
        key => format!("{key}: "),
    }
}

/// What may have been meant, if serde's error is that a key is unknown: it names the key and then those that there are.
fn advice(message: &str) -> Option<String> {
    let names = message.strip_prefix("unknown field `")?;
    let mut names = names.split('`').step_by(2);
    Some(nearest(names.next()?, names))
}

/// serde's message on one line, with words for Rust's types.
fn for_people(message: &str) -> String {
    const WORDS: [(&str, &str); 6] = [
        (
            "expected a nonzero u32",
            "expected a whole number, 1 or more",
        ),
        ("expected usize", "expected a whole number, 0 or more"),
        ("expected u64", "expected a whole number, 0 or more"),
        ("expected u32", "expected a whole number, 0 or more"),
        ("expected f64", "expected a number"),
        ("expected f32", "expected a number"),
    ];
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let word = WORDS.iter().find(|(rust, _)| message.ends_with(rust));
    match word {
        Some((rust, word)) => message.replace(rust, word),
        None => message,
    }
}
