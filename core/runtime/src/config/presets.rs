//! Presets: settings by the name of a task, as published scores were measured with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::nearest;
use super::lines::line_at;
use super::{ConfigError, ConfigSource, Environment, Origin};
use crate::regular_file::{SMALL, is_there, read_text};
use crate::settings::GenerationPatch;

/// The presets that the program carries.
const CARRIED: &str = include_str!("../../presets.toml");
/// The user's own, beside the user's configuration.
const FILE_NAME: &str = "presets.toml";

/// Settings for some models, by name.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct TaskPreset {
    /// What it is asked for by.
    pub name: String,
    /// The models that it is for, as `model_id` names them.
    pub models: Vec<String>,
    /// How answers are denoised.
    #[serde(default)]
    pub generation: GenerationPatch,
    /// How likelihoods are measured.
    #[serde(default)]
    pub likelihood: LikelihoodPreset,
    /// Scores in percent, by who measured them.
    #[serde(default)]
    pub published: BTreeMap<String, f64>,
    /// Where all that stands.
    #[serde(default)]
    pub source: String,
}

/// How likelihoods are measured; what is not said is left to the command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct LikelihoodPreset {
    /// Classifier-free guidance.
    pub cfg_scale: Option<f32>,
    /// Draws in all.
    pub samples: Option<usize>,
    /// Draws of a stratum.
    pub strata: Option<usize>,
    /// Questions with their answers before each question: for the harness, which makes the prompts.
    pub shots: Option<usize>,
}

/// All presets: the user's first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Presets(Vec<TaskPreset>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PresetFile {
    #[serde(default)]
    preset: Vec<TaskPreset>,
}

impl Presets {
    /// Those of the user and those that the program carries.
    ///
    /// # Errors
    /// [`ConfigError`] naming the user's file and line, if it cannot be used.
    pub fn load(environment: &Environment) -> Result<Self, ConfigError> {
        let mut presets = Vec::new();
        let folder = environment.folders.as_ref().map(|it| &it.config);
        if let Some(path) = folder.map(|folder| folder.join("unmask").join(FILE_NAME)) {
            let unreadable = |source| ConfigError::Unreadable {
                path: path.clone(),
                asked_by: "the user's configuration folder",
                source,
            };
            if is_there(&path).map_err(unreadable)? {
                let text = read_text(&path, SMALL).map_err(unreadable)?;
                presets = parse(&text, &ConfigSource::User(path))?;
            }
        }
        presets.extend(parse(CARRIED, &ConfigSource::Embedded)?);
        Ok(Self(presets))
    }

    /// All of them, the user's first.
    pub fn iter(&self) -> impl Iterator<Item = &TaskPreset> {
        self.0.iter()
    }

    /// The preset of this name for a model.
    #[must_use]
    pub fn get(&self, name: &str, model: &str) -> Option<&TaskPreset> {
        self.of(model).find(|it| it.name == name)
    }

    fn of(&self, model: &str) -> impl Iterator<Item = &TaskPreset> {
        let is_for = move |it: &&TaskPreset| it.models.iter().any(|of| of == model);
        self.0.iter().filter(is_for)
    }

    /// Says that there is none of this name for a model.
    pub(super) fn missing(&self, name: &str, model: &str, asked_by: &str) -> ConfigError {
        let names: Vec<&str> = self.of(model).map(|it| it.name.as_str()).collect();
        let advice = match names.is_empty() {
            true => {
                "there is none for it: `unmask presets` lists all, and `preset_of` in the model's entry \
                     names the model whose presets it takes"
                    .to_owned()
            }
            false => nearest(name, names),
        };
        ConfigError::UnknownPreset {
            asked_by: asked_by.to_owned(),
            name: name.to_owned(),
            model: model.to_owned(),
            advice,
        }
    }
}

fn parse(text: &str, source: &ConfigSource) -> Result<Vec<TaskPreset>, ConfigError> {
    let invalid = |line, message: String| ConfigError::Invalid {
        file: source.clone(),
        line,
        key: String::new(),
        message,
    };
    let read: PresetFile = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let message = error.message().split_whitespace();
        invalid(line_at(text, at), message.collect::<Vec<_>>().join(" "))
    })?;
    for preset in &read.preset {
        let refused = |(key, why): (&str, String)| {
            let message = format!("preset `{}`: generation.{key}: {why}", preset.name);
            // The name's first place; a file may hold it once for each model.
            let at = text.find(&format!("\"{}\"", preset.name));
            invalid(line_at(text, at.unwrap_or(0)), message)
        };
        preset.generation.check().map_err(refused)?;
    }
    Ok(read.preset)
}

impl TaskPreset {
    /// As the origin of its settings.
    pub(super) fn origin(&self) -> Origin {
        Origin::Preset(self.name.clone())
    }
}
