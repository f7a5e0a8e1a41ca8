//! Presets: settings by the name of a task, as published scores were measured with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::nearest;
use super::lines::line_at;
use super::{ConfigError, ConfigSource, Environment, Origin};
use crate::likelihood::{DRAWS, STRATUM};
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
        if let Some(path) = Self::path(environment) {
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

    /// The user's own file; `None` for an account without a home.
    #[must_use]
    pub fn path(environment: &Environment) -> Option<PathBuf> {
        let folders = environment.folders.as_ref()?;
        Some(folders.config.join("unmask").join(FILE_NAME))
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

    /// Those for a model, the user's first.
    pub fn of(&self, model: &str) -> impl Iterator<Item = &TaskPreset> {
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
            let message = format!("preset `{}`: {key}: {why}", preset.name);
            // The name's first place; a file may hold it once for each model.
            let at = text.find(&format!("\"{}\"", preset.name));
            invalid(line_at(text, at.unwrap_or(0)), message)
        };
        let of_generation = |(key, why)| refused((&*format!("generation.{key}"), why));
        preset.generation.check().map_err(of_generation)?;
        preset.check().map_err(refused)?;
    }
    Ok(read.preset)
}

/// What a command takes of a preset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PresetHalf {
    /// How answers are denoised.
    Generation,
    /// How likelihoods are measured.
    Likelihood,
}

impl TaskPreset {
    /// Tests what the other numbers may be; else the key, and why not.
    fn check(&self) -> Result<(), (&'static str, String)> {
        let refused = |key, why: &str| Err((key, why.to_owned()));
        let LikelihoodPreset {
            cfg_scale,
            samples,
            strata,
            shots: _,
        } = self.likelihood;
        if cfg_scale.is_some_and(|it| !it.is_finite() || it < 0.0) {
            return refused("likelihood.cfg_scale", "it must be 0 or more");
        }
        if samples == Some(0) {
            return refused("likelihood.samples", "it must be 1 or more");
        }
        if strata == Some(0) {
            return refused("likelihood.strata", "it must be 1 or more");
        }
        let stratum = strata.unwrap_or(STRATUM);
        if samples.is_some_and(|it| !it.is_multiple_of(stratum)) {
            let why = format!("it must be a multiple of the strata, {stratum}");
            return Err(("likelihood.samples", why));
        }
        if strata.is_some_and(|it| samples.is_none() && !DRAWS.is_multiple_of(it)) {
            let why = format!("{DRAWS} draws do not split into it; say `samples` too");
            return Err(("likelihood.strata", why));
        }
        match self.published.values().all(|score| score.is_finite()) {
            true => Ok(()),
            false => refused("published", "a score must be a number of percent"),
        }
    }

    /// Tests that it says anything of what is asked of it.
    ///
    /// # Errors
    /// [`ConfigError::PresetHalf`].
    pub fn must_have(&self, half: PresetHalf) -> Result<(), ConfigError> {
        let (is_there, missing, has) = match half {
            PresetHalf::Generation => (
                self.generation != GenerationPatch::default(),
                "how answers are denoised",
                "`score` and likelihoods of `worker`",
            ),
            PresetHalf::Likelihood => (
                self.likelihood != LikelihoodPreset::default(),
                "how likelihoods are measured",
                "`eval`, `generate`, `chat` and answers of `worker`",
            ),
        };
        match is_there {
            true => Ok(()),
            false => Err(ConfigError::PresetHalf {
                name: self.name.clone(),
                missing,
                has,
            }),
        }
    }

    /// As the origin of its settings.
    pub(super) fn origin(&self) -> Origin {
        Origin::Preset(self.name.clone())
    }
}
