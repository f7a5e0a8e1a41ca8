use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use serde::de::DeserializeOwned;

use super::{ConfigError, Environment, GenerationPatch};

/// What the command line says: the highest layer. [`Overrides::of_environment`] makes the one below from variables.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// `--config`: the file.
    pub config: Option<PathBuf>,
    /// `--model`: a key, a hub id, a folder or `builtin:demo`.
    pub model: Option<String>,
    /// `--backend`, for every model.
    pub framework: Option<String>,
    /// `--device`, for every model.
    pub device: Option<String>,
    /// `--precision`, for every model.
    pub precision: Option<String>,
    /// `--threads`, for every model.
    pub threads: Option<NonZeroU32>,
    /// `--isolate`, for every model.
    pub isolated: Option<bool>,
    /// `--backend-path`; empty if not given.
    pub backend_paths: Vec<PathBuf>,
    /// `--plugin`; empty if not given.
    pub plugins: Vec<PathBuf>,
    /// `--models-folder`.
    pub models_folder: Option<PathBuf>,
    /// `--len`, `--steps` and so on, for every model.
    pub generation: GenerationPatch,
}

impl Overrides {
    /// What the environment says.
    ///
    /// # Errors
    /// [`ConfigError::Setting`] naming the variable and what it may hold.
    pub fn of_environment(environment: &Environment) -> Result<Self, ConfigError> {
        let text = |name| Ok(environment.text(name)?.map(str::to_owned));
        let paths = environment.variables.get("UNMASK_BACKEND_PATHS");
        Ok(Self {
            config: None,
            model: text("UNMASK_MODEL")?,
            framework: text("UNMASK_BACKEND")?,
            device: text("UNMASK_DEVICE")?,
            precision: text("UNMASK_PRECISION")?,
            threads: number(environment, "UNMASK_THREADS", "a whole number, 1 or more")?,
            isolated: number(environment, "UNMASK_ISOLATED", SWITCH)?,
            backend_paths: paths.map(split).unwrap_or_default(),
            plugins: Vec::new(),
            models_folder: environment.path("UNMASK_MODELS"),
            generation: generation(environment)?,
        })
    }
}

const SWITCH: &str = "true or false";

/// The paths between the separators; nothing between them is no path.
fn split(paths: &OsString) -> Vec<PathBuf> {
    let paths = std::env::split_paths(paths);
    paths.filter(|path| !path.as_os_str().is_empty()).collect()
}

fn generation(environment: &Environment) -> Result<GenerationPatch, ConfigError> {
    const COUNT: &str = "a whole number, 1 or more";
    const NUMBER: &str = "a number, such as 0.7";
    Ok(GenerationPatch {
        length: number(environment, "UNMASK_LENGTH", COUNT)?,
        steps: number(environment, "UNMASK_STEPS", COUNT)?,
        block_length: number(environment, "UNMASK_BLOCK_LENGTH", COUNT)?,
        temperature: number(environment, "UNMASK_TEMPERATURE", NUMBER)?,
        cfg_scale: number(environment, "UNMASK_CFG_SCALE", NUMBER)?,
        remasking: word(environment, "UNMASK_REMASKING", "low_confidence or random")?,
        threshold: number(environment, "UNMASK_THRESHOLD", NUMBER)?,
        factor: number(environment, "UNMASK_FACTOR", NUMBER)?,
        cache: word(environment, "UNMASK_CACHE", "off, prefix or dual")?,
        logits_eos_inf: number(environment, "UNMASK_LOGITS_EOS_INF", SWITCH)?,
        confidence_eos_eot_inf: number(environment, "UNMASK_CONFIDENCE_EOS_EOT_INF", SWITCH)?,
        early_stop: number(environment, "UNMASK_EARLY_STOP", SWITCH)?,
        seed: number(environment, "UNMASK_SEED", "a whole number, 0 or more")?,
    })
}

fn number<T: FromStr>(
    environment: &Environment,
    name: &'static str,
    allowed: &str,
) -> Result<Option<T>, ConfigError> {
    let Some(text) = environment.text(name)? else {
        return Ok(None);
    };
    let value = text
        .trim()
        .parse()
        .map_err(|_| refused(name, text, allowed))?;
    Ok(Some(value))
}

/// A value that the file spells as a word.
fn word<T: DeserializeOwned>(
    environment: &Environment,
    name: &'static str,
    allowed: &str,
) -> Result<Option<T>, ConfigError> {
    let Some(text) = environment.text(name)? else {
        return Ok(None);
    };
    let word = serde_json::Value::String(text.trim().to_owned());
    let value = serde_json::from_value(word).map_err(|_| refused(name, text, allowed))?;
    Ok(Some(value))
}

fn refused(name: &'static str, text: &str, allowed: &str) -> ConfigError {
    ConfigError::Setting {
        name: name.to_owned(),
        message: format!("`{text}` cannot be used; write {allowed}"),
    }
}
