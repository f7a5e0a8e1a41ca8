//! From the layers to the configuration as meant.

use std::path::PathBuf;

use super::error::nearest;
use super::file::{ConfigFile, EntryFile};
use super::lines::Lines;
use super::{
    Config, ConfigError, Environment, GenerationPatch, GenerationSettings, ModelEntry, Origin,
    Overrides, Setting, Source, TokenOverrides,
};
use crate::model_id::{ModelId, expand};

/// One layer above the file, with the names under which its values were said.
struct Layer<'a> {
    said: &'a Overrides,
    origin: fn(&'static str) -> Origin,
}

pub(super) fn resolve(
    file: ConfigFile,
    lines: &Lines,
    source: Source,
    flags: &Overrides,
    environment: &Environment,
) -> Result<Config, ConfigError> {
    let variables = Overrides::of_environment(environment)?;
    let layers = [
        Layer {
            said: &variables,
            origin: variable,
        },
        Layer {
            said: flags,
            origin: flag,
        },
    ];
    for layer in &layers {
        check(&layer.said.generation, layer.origin)?;
    }
    let base = source.folder().unwrap_or(&environment.current).to_owned();
    let in_file = |path: &PathBuf| expand(path, &base, environment.home());
    let mut config = Config {
        active: Setting {
            value: file.active_model_key.clone(),
            origin: Origin::File(lines.line("active_model_key")),
        },
        models: Vec::new(),
        backend_paths: said(
            file.backend_paths.iter().map(in_file).collect(),
            !file.backend_paths.is_empty(),
            lines.line("backend_paths"),
        ),
        plugins: (flags.plugins.iter())
            .map(|path| environment.expand(path))
            .collect(),
        models_folder: said(
            file.models_folder.as_ref().map(in_file),
            file.models_folder.is_some(),
            lines.line("models_folder"),
        ),
        source,
    };
    for key in lines.entries(file.available_models.keys()) {
        let said = &file.available_models[key];
        config
            .models
            .push(entry(key, said, lines, &config.source, environment)?);
    }
    must_exist(&config, &config.active.value, "active_model_key")?;
    for layer in &layers {
        lay(&mut config, layer, environment)?;
    }
    Ok(config)
}

fn said<T>(value: T, present: bool, line: usize) -> Setting<T> {
    let origin = if present {
        Origin::File(line)
    } else {
        Origin::Default
    };
    Setting { value, origin }
}

fn entry(
    key: &str,
    file: &EntryFile,
    lines: &Lines,
    source: &Source,
    environment: &Environment,
) -> Result<ModelEntry, ConfigError> {
    let line = |name: &str| lines.line(&format!("available_models.{key}.{name}"));
    let base = source.folder().unwrap_or(&environment.current);
    let model_id = ModelId::parse(&file.model_id, base, environment.home()).map_err(|what| {
        ConfigError::ModelId {
            file: source.clone(),
            line: line("model_id"),
            key: key.to_owned(),
            what,
        }
    })?;
    let mut generation = GenerationSettings::default();
    generation.lay(&file.generation, &|name| {
        Origin::File(line(&format!("generation.{name}")))
    });
    Ok(ModelEntry {
        key: key.to_owned(),
        framework: said(file.framework.clone(), true, line("framework")),
        model_id: said(model_id, true, line("model_id")),
        description: file.description.clone(),
        device: said(file.device.clone(), file.device.is_some(), line("device")),
        precision: said(
            file.precision.clone(),
            file.precision.is_some(),
            line("precision"),
        ),
        threads: said(file.threads, file.threads.is_some(), line("threads")),
        isolated: said(
            file.isolated.unwrap_or(false),
            file.isolated.is_some(),
            line("isolated"),
        ),
        generation,
        tokens: said(
            file.tokens,
            file.tokens != TokenOverrides::default(),
            line("tokens"),
        ),
        options: said(
            file.options
                .iter()
                .map(|(name, value)| (name.clone(), json(value)))
                .collect(),
            !file.options.is_empty(),
            line("options"),
        ),
    })
}

/// An option as the backend gets it; what JSON has no word for (dates, infinities) is text.
fn json(value: &toml::Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        toml::Value::String(text) => Json::from(text.as_str()),
        toml::Value::Integer(number) => Json::from(*number),
        toml::Value::Float(number) if number.is_finite() => Json::from(*number),
        toml::Value::Float(_) | toml::Value::Datetime(_) => Json::from(value.to_string()),
        toml::Value::Boolean(truth) => Json::from(*truth),
        toml::Value::Array(items) => items.iter().map(json).collect(),
        toml::Value::Table(table) => table
            .iter()
            .map(|(name, value)| (name.clone(), json(value)))
            .collect(),
    }
}

/// Puts the environment or the flags on top.
fn lay(
    config: &mut Config,
    layer: &Layer<'_>,
    environment: &Environment,
) -> Result<(), ConfigError> {
    let (over, origin) = (layer.said, layer.origin);
    if let Some(model) = &over.model {
        let asked = origin("model");
        if config.model(model).is_none() {
            let added = unlisted(config, model, &asked, environment)?;
            config.models.push(added);
        }
        config.active.lay(Some(model.clone()), asked);
    }
    if !over.backend_paths.is_empty() {
        let asked = origin("backend_paths");
        let is_standing = matches!(asked, Origin::Variable(_));
        let paths = over.backend_paths.iter().map(|path| match is_standing {
            // A flag is said where it counts; a variable goes from folder to folder. As it is, the search refuses it.
            true if path.is_relative() && !path.starts_with("~") => path.clone(),
            _ => environment.expand(path),
        });
        config.backend_paths.lay(Some(paths.collect()), asked);
    }
    let folder = over
        .models_folder
        .as_ref()
        .map(|path| Some(environment.expand(path)));
    config.models_folder.lay(folder, origin("models_folder"));
    for entry in &mut config.models {
        entry
            .framework
            .lay(over.framework.clone(), origin("framework"));
        entry
            .device
            .lay(over.device.clone().map(Some), origin("device"));
        entry
            .precision
            .lay(over.precision.clone().map(Some), origin("precision"));
        entry.threads.lay(over.threads.map(Some), origin("threads"));
        entry.isolated.lay(over.isolated, origin("isolated"));
        entry.generation.lay(&over.generation, &origin);
    }
    Ok(())
}

/// An entry for a model that the file does not list: a folder, or a hub id; on the backend of the file's active model.
fn unlisted(
    config: &Config,
    model: &str,
    asked: &Origin,
    environment: &Environment,
) -> Result<ModelEntry, ConfigError> {
    let folder = environment.expand(model.as_ref());
    let id = if folder.is_dir() {
        ModelId::Folder(folder)
    } else {
        match ModelId::parse(model, &environment.current, environment.home()) {
            Ok(id) => id,
            Err(_) => {
                must_exist(config, model, &asked.to_string())?;
                return Ok(config.active_model().clone());
            }
        }
    };
    Ok(ModelEntry {
        key: model.to_owned(),
        framework: config.active_model().framework.clone(),
        model_id: Setting {
            value: id,
            origin: asked.clone(),
        },
        description: String::new(),
        device: Setting::default(None),
        precision: Setting::default(None),
        threads: Setting::default(None),
        isolated: config.active_model().isolated.clone(),
        generation: GenerationSettings::default(),
        tokens: Setting::default(TokenOverrides::default()),
        options: Setting::default(serde_json::Map::new()),
    })
}

fn must_exist(config: &Config, key: &str, asked_by: &str) -> Result<(), ConfigError> {
    if config.model(key).is_some() {
        return Ok(());
    }
    Err(ConfigError::UnknownModel {
        file: config.source.clone(),
        asked_by: asked_by.to_owned(),
        key: key.to_owned(),
        advice: nearest(key, config.models.iter().map(|entry| entry.key.as_str())),
    })
}

fn check(patch: &GenerationPatch, origin: fn(&'static str) -> Origin) -> Result<(), ConfigError> {
    patch
        .check()
        .map_err(|(key, message)| ConfigError::Setting {
            name: origin(key).to_string(),
            message,
        })
}

fn variable(key: &'static str) -> Origin {
    Origin::Variable(match key {
        "model" => "UNMASK_MODEL",
        "framework" => "UNMASK_BACKEND",
        "device" => "UNMASK_DEVICE",
        "precision" => "UNMASK_PRECISION",
        "threads" => "UNMASK_THREADS",
        "isolated" => "UNMASK_ISOLATED",
        "models_folder" => "UNMASK_MODELS",
        "backend_paths" => "UNMASK_BACKEND_PATHS",
        "length" => "UNMASK_LENGTH",
        "steps" => "UNMASK_STEPS",
        "block_length" => "UNMASK_BLOCK_LENGTH",
        "temperature" => "UNMASK_TEMPERATURE",
        "cfg_scale" => "UNMASK_CFG_SCALE",
        "remasking" => "UNMASK_REMASKING",
        "threshold" => "UNMASK_THRESHOLD",
        "factor" => "UNMASK_FACTOR",
        "cache" => "UNMASK_CACHE",
        "logits_eos_inf" => "UNMASK_LOGITS_EOS_INF",
        "confidence_eos_eot_inf" => "UNMASK_CONFIDENCE_EOS_EOT_INF",
        "early_stop" => "UNMASK_EARLY_STOP",
        "seed" => "UNMASK_SEED",
        other => other,
    })
}

fn flag(key: &'static str) -> Origin {
    Origin::Flag(match key {
        "model" => "--model",
        "framework" => "--backend",
        "device" => "--device",
        "precision" => "--precision",
        "threads" => "--threads",
        "isolated" => "--isolate",
        "models_folder" => "--models-folder",
        "backend_paths" => "--backend-path",
        "length" => "--len",
        "steps" => "--steps",
        "block_length" => "--block",
        "temperature" => "--temp",
        "cfg_scale" => "--cfg",
        "remasking" => "--remasking",
        "threshold" => "--threshold",
        "factor" => "--factor",
        "cache" => "--cache",
        "logits_eos_inf" => "--logits-eos-inf",
        "confidence_eos_eot_inf" => "--confidence-eos-eot-inf",
        "early_stop" => "--early-stop",
        "seed" => "--seed",
        other => other,
    })
}
