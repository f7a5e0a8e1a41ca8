//! Checkpoints on disk: where they are, what their files say, which of them are there.
//!
//! A checkpoint is a folder in Hugging Face form: `config.json`, `tokenizer.json`, `tokenizer_config.json`, weights as
//! safetensors, and perhaps `generation_config.json` and `chat_template.jinja`. What the network needs from `config.json`
//! is the backend's business; here it is read for the family and the special ids.

mod demo;
mod error;
mod generation;
mod locations;
mod searched;
mod special;
mod survey;
mod text;
mod weights;

use std::path::{Path, PathBuf};

pub use demo::DemoError;
pub use error::CheckpointError;
pub use locations::Locations;
pub use searched::{Found, Searched};
use serde_json::Value;
pub(crate) use survey::known_config;
pub use survey::{Place, Surveyed};
pub use text::CheckpointText;

use crate::Params;
use crate::family::{Family, detect};
use crate::model_id::ModelId;
use crate::settings::{GenerationPatch, Setting};

/// A checkpoint whose files are there and whose family is known.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// How it was asked for.
    pub id: ModelId,
    /// Its folder.
    pub folder: PathBuf,
    /// Its family.
    pub family: &'static Family,
    /// `config.json` as text.
    pub config_json: String,
    /// `config.json`.
    pub config: Value,
    /// What its `generation_config.json` says about denoising.
    pub generation: GenerationPatch,
    /// Its weight files, in the order of the index.
    pub weights: Vec<PathBuf>,
    /// Their size together.
    pub weight_bytes: u64,
    // `{}` if the file is missing.
    generation_config: Value,
    tokenizer_config: Value,
    tokenizer_config_json: String,
}

impl Checkpoint {
    /// Finds a checkpoint and reads its small files; the tokenizer is read by [`text`](Self::text).
    ///
    /// # Errors
    /// [`CheckpointError`]: what is missing or damaged, where, and what to do.
    pub fn open(id: &ModelId, locations: &Locations) -> Result<Self, CheckpointError> {
        let folder = locations.find(id)?;
        let config_path = folder.join("config.json");
        if !config_path.is_file() {
            return Err(CheckpointError::NoConfig(folder));
        }
        let (config_json, config) = read_json(&config_path)?;
        let family = detect(&config).map_err(|what| CheckpointError::Family {
            path: config_path,
            what,
        })?;
        let weights = weights::files(&folder)?;
        let generation_path = folder.join("generation_config.json");
        let (_, generation_config) = read_json_if_there(&generation_path)?;
        let (tokenizer_config_json, tokenizer_config) =
            read_json_if_there(&folder.join("tokenizer_config.json"))?;
        Ok(Self {
            id: id.clone(),
            family,
            config_json,
            config,
            generation: generation::patch(&generation_config, &generation_path)?,
            weight_bytes: weights::total_bytes(&weights)?,
            weights,
            generation_config,
            tokenizer_config,
            tokenizer_config_json,
            folder,
        })
    }

    /// Rows of the network's embedding: `embedding_size`, else `vocab_size` of `config.json`.
    #[must_use]
    pub fn rows(&self) -> Option<usize> {
        let rows = |key: &str| self.config[key].as_u64().map(|rows| rows as usize);
        rows("embedding_size").or_else(|| rows("vocab_size"))
    }

    /// How it denoises and how long its answers are if the configuration says nothing: its `generation_config.json` over
    /// its family's preset.
    #[must_use]
    pub fn defaults(&self) -> (Params, usize) {
        let preset = (self.family.preset)();
        let (mut params, mut length) = (preset.params, preset.length);
        if let Some(said) = self.generation.get(Setting::Length) {
            length = said.count();
            params.steps = params.steps.min(length);
            params.block_length = params.block_length.min(length);
        }
        self.generation.apply(&mut params, &mut length);
        (params, length)
    }
}

/// The text of a file and what it says.
fn read_json(path: &Path) -> Result<(String, Value), CheckpointError> {
    let text = read(path)?;
    let value = serde_json::from_str(&text).map_err(|error| CheckpointError::Json {
        path: path.to_owned(),
        line: error.line(),
        what: without_place(&error.to_string()),
    })?;
    Ok((text, value))
}

/// serde_json puts the place behind its message; ours stands before it.
fn without_place(message: &str) -> String {
    let end = message.rfind(" at line ").unwrap_or(message.len());
    message[..end].to_owned()
}

fn read_json_if_there(path: &Path) -> Result<(String, Value), CheckpointError> {
    if path.is_file() {
        return read_json(path);
    }
    Ok(("{}".to_owned(), Value::Object(serde_json::Map::new())))
}

fn read(path: &Path) -> Result<String, CheckpointError> {
    std::fs::read_to_string(path).map_err(|source| CheckpointError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests;
