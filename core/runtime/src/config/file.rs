//! The configuration as said: what may stand in the file, and where it stands.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::Deserialize;

use super::lines::Lines;
use super::{ConfigError, GenerationPatch, Source, TokenOverrides};

/// A whole file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigFile {
    pub(super) active_model_key: String,
    pub(super) available_models: BTreeMap<String, EntryFile>,
    #[serde(default)]
    pub(super) backend_paths: Vec<PathBuf>,
    pub(super) models_folder: Option<PathBuf>,
}

/// One `[available_models.KEY]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct EntryFile {
    pub(super) framework: String,
    pub(super) model_id: String,
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
pub(super) fn parse(text: &str, source: &Source) -> Result<(ConfigFile, Lines), ConfigError> {
    let invalid = |error: &toml::de::Error, lines: Option<&Lines>| {
        let at = error.span().map_or(0, |span| span.start);
        let line = line_at(text, at);
        let key = lines.and_then(|lines| match missing(error.message()) {
            Some(field) => lines.entry_without(field, line),
            None => lines.key_at(at),
        });
        ConfigError::Invalid {
            file: source.clone(),
            line,
            key: key.map_or_else(String::new, |key| format!("{key}: ")),
            message: for_people(error.message()),
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
                key: format!("{key}: "),
                message,
            }
        };
        entry.generation.check().map_err(refused)?;
    }
    Ok((file, lines))
}

/// The line of a byte offset, counted from 1.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    before.iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// The key that serde misses, if that is the error.
fn missing(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
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
