//! Checkpoints on disk: where they are, what their files say, which of them are there.
//!
//! A checkpoint is a folder in Hugging Face form: `config.json`, `tokenizer.json`, `tokenizer_config.json`, weights as
//! safetensors, and perhaps `generation_config.json` and `chat_template.jinja`; or a GGUF file, whose metadata says the same
//! (`gguf/`). What the network needs from `config.json` is the backend's business; here it is read for the family and the
//! special ids.

mod adapter;
mod demo;
mod error;
mod generation;
mod gguf;
mod json;
mod known;
mod locations;
mod searched;
mod special;
mod survey;
mod text;
mod weights;

use std::path::{Path, PathBuf};

pub use demo::{DemoError, demo_folder};
pub use error::CheckpointError;
pub use gguf::{GgufModel, is_gguf_header_cut};
use json::{is_there, read_json, read_json_if_there};
pub(crate) use known::known_config;
pub use locations::{Locations, hugging_face_folder};
pub use searched::{SearchOutcome, Searched};
use serde_json::Value;
pub use survey::{ActiveExperts, ModelKind, ModelLocation, Surveyed, families};
pub use text::CheckpointText;
use unmask_api::Attention;

use crate::Params;
use crate::family::{Family, FamilyRules, detect};
use crate::model_id::ModelId;
use crate::settings::GenerationPatch;
use adapter::Found;
use generation::Defaults;
use gguf::GgufFiles;

/// A checkpoint whose files are there and whose family is known.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// How it was asked for.
    pub id: ModelId,
    /// Its folder, or its GGUF file.
    pub place: PathBuf,
    /// Its family.
    pub family: &'static Family,
    /// Which positions see which.
    pub attention: Attention,
    /// `config.json` as text, or what it would say.
    pub config_json: String,
    /// `config.json`.
    pub config: Value,
    /// What its `generation_config.json` says about denoising.
    pub generation: GenerationPatch,
    /// Its weight files, in the order of the index, then that of an adapter.
    pub weights: Vec<PathBuf>,
    /// Their size together.
    pub weight_bytes: u64,
    form: Form,
    // `{}` if the file is missing.
    generation_config: Value,
    // With the names that `special_tokens_map.json` alone has.
    tokenizer_config: Value,
    tokenizer_config_json: String,
    // The model's name, which is not an adapter's.
    called: String,
}

/// Where the small files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// In its folder.
    HuggingFace,
    /// In the header of its weights.
    Gguf,
}

impl Checkpoint {
    /// Finds a checkpoint and reads its small files; the tokenizer is read by [`text`](Self::text).
    ///
    /// # Errors
    /// [`CheckpointError`]: what is missing or damaged, where, and what to do.
    pub fn open(id: &ModelId, locations: &Locations) -> Result<Self, CheckpointError> {
        let place = locations.find(id)?;
        if let Some(file) = gguf::in_place(&place)? {
            return GgufFiles::open(&file)?.checkpoint(id);
        }
        let found = Found::of(place, locations)?;
        let folder = found.folder.clone();
        let config_path = folder.join("config.json");
        if !is_there(&config_path)? {
            return Err(CheckpointError::NoConfig(folder));
        }
        let (config_json, config) = read_json(&config_path)?;
        let called = found.base.as_ref().unwrap_or(id).to_string();
        let detected = detect(&config, &called)
            .and_then(|family| Ok((family, family.attention(&config, &called)?)));
        let (family, attention) = detected.map_err(|what| CheckpointError::Family {
            path: config_path,
            what,
        })?;
        let weights = found.weights()?;
        let generation_path = folder.join("generation_config.json");
        let (_, generation_config) = read_json_if_there(&generation_path)?;
        let (tokenizer_config_json, mut tokenizer_config) =
            read_json_if_there(&folder.join("tokenizer_config.json"))?;
        let (_, names) = read_json_if_there(&folder.join("special_tokens_map.json"))?;
        special::add_names(&mut tokenizer_config, &names);
        Ok(Self {
            id: id.clone(),
            family,
            attention,
            config_json,
            config,
            generation: generation::patch(&generation_config, &generation_path)?,
            weight_bytes: weights::total_bytes(&weights)?,
            weights,
            form: Form::HuggingFace,
            generation_config,
            tokenizer_config,
            tokenizer_config_json,
            place: folder,
            called,
        })
    }

    /// The folder of its files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        match self.form {
            Form::HuggingFace => &self.place,
            Form::Gguf => self.place.parent().unwrap_or(&self.place),
        }
    }

    /// What it asks of every sampler.
    #[must_use]
    pub fn rules(&self) -> FamilyRules {
        FamilyRules::of(self.attention, self.family.shift)
    }

    /// Rows of the network's embedding: `embedding_size`, else `vocab_size` of `config.json`.
    #[must_use]
    pub fn rows(&self) -> Option<usize> {
        let rows = |key: &str| self.config[key].as_u64().map(|rows| rows as usize);
        rows("embedding_size").or_else(|| rows("vocab_size"))
    }

    /// How it denoises and how long its answers are if the configuration says nothing: its `generation_config.json` over
    /// its family's preset, made to go together.
    #[must_use]
    pub fn defaults(&self) -> (Params, usize) {
        let Defaults { params, length, .. } = generation::defaults(self.family, &self.generation);
        (params, length)
    }

    /// What was taken for granted of its attention, for people; `None` if nothing.
    #[must_use]
    pub fn attention_note(&self) -> Option<String> {
        (self.family).attention_note(&self.config, &self.called)
    }

    /// What had to be changed of `generation_config.json`, for people; `None` if nothing.
    #[must_use]
    pub fn generation_note(&self) -> Option<String> {
        let changes = generation::defaults(self.family, &self.generation).changes;
        (!changes.is_empty()).then(|| {
            format!(
                "the numbers of generation_config.json do not go together: {}",
                changes.join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests;
