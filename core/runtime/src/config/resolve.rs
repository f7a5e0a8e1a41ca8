//! From the layers to the configuration as meant.

use std::path::PathBuf;

use super::error::nearest;
use super::file::{ConfigFile, EntryFile};
use super::lines::Lines;
use super::names::{by_flag, by_variable};
use super::{
    Config, ConfigError, ConfigSource, Environment, GenerationSettings, ModelEntry, Origin,
    Overrides, Presets, Resolved, ServeSettings, TokenOverrides, threads,
};
use crate::model_id::{ModelId, ModelIdError, expand};
use crate::settings::GenerationPatch;

/// One layer above the file, with the names under which its values were said.
struct Layer<'a> {
    said: &'a Overrides,
    origin: fn(&'static str) -> Origin,
}

pub(super) fn resolve(
    file: ConfigFile,
    lines: &Lines,
    source: ConfigSource,
    flags: &Overrides,
    environment: &Environment,
) -> Result<Config, ConfigError> {
    let variables = Overrides::of_environment(environment)?;
    let layers = [
        Layer {
            said: &variables,
            origin: by_variable,
        },
        Layer {
            said: flags,
            origin: by_flag,
        },
    ];
    for layer in &layers {
        check(&layer.said.generation, layer.origin)?;
        check_threads(layer)?;
    }
    let base = source.folder().unwrap_or(&environment.current).to_owned();
    let in_file = |path: &PathBuf| expand(path, &base, environment.home());
    let mut config = Config {
        active: Resolved {
            value: file.active_model_key.clone(),
            origin: Origin::File(lines.line("active_model_key")),
        },
        models: Vec::new(),
        backend_paths: Resolved::in_file(
            (!file.backend_paths.is_empty())
                .then(|| file.backend_paths.iter().map(in_file).collect()),
            lines.line("backend_paths"),
            Vec::new(),
        ),
        plugins: (flags.plugins.iter())
            .map(|path| environment.expand(path))
            .collect(),
        models_folder: Resolved::in_file(
            file.models_folder.as_ref().map(|path| Some(in_file(path))),
            lines.line("models_folder"),
            None,
        ),
        preset: None,
        serve: ServeSettings {
            key_file: file.serve.key_file.as_ref().map(in_file),
            ..file.serve
        },
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

fn entry(
    key: &str,
    file: &EntryFile,
    lines: &Lines,
    source: &ConfigSource,
    environment: &Environment,
) -> Result<ModelEntry, ConfigError> {
    let line = |name: &str| lines.line(&format!("available_models.{key}.{name}"));
    let base = source.folder().unwrap_or(&environment.current);
    let model_id = environment.model_id(&file.model_id, base);
    let model_id = model_id.map_err(|what| ConfigError::ModelId {
        file: source.clone(),
        line: line("model_id"),
        key: key.to_owned(),
        what,
    })?;
    let mut generation = GenerationSettings::default();
    generation.lay(&file.generation, &|name| {
        Origin::File(line(&format!("generation.{name}")))
    });
    let word =
        |said: &Option<String>, name| Resolved::in_file(said.clone().map(Some), line(name), None);
    let tokens = (file.tokens != TokenOverrides::default()).then_some(file.tokens);
    let options = file
        .options
        .iter()
        .map(|(name, value)| (name.clone(), json(value)));
    let options = (!file.options.is_empty()).then(|| options.collect());
    Ok(ModelEntry {
        key: key.to_owned(),
        framework: Resolved {
            value: file.framework.clone(),
            origin: Origin::File(line("framework")),
        },
        model_id: Resolved {
            value: model_id,
            origin: Origin::File(line("model_id")),
        },
        preset_of: word(&file.preset_of, "preset_of"),
        description: file.description.clone(),
        device: word(&file.device, "device"),
        precision: word(&file.precision, "precision"),
        threads: Resolved::in_file(file.threads.map(Some), line("threads"), None),
        isolated: Resolved::in_file(file.isolated, line("isolated"), false),
        generation,
        tokens: Resolved::in_file(tokens, line("tokens"), TokenOverrides::default()),
        options: Resolved::in_file(options, line("options"), serde_json::Map::new()),
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
    if let Some(name) = &over.preset {
        lay_preset(config, name, environment)?;
    }
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

/// Puts a preset on top of the settings of the models that it is for, of which the active one has to be one.
fn lay_preset(
    config: &mut Config,
    name: &str,
    environment: &Environment,
) -> Result<(), ConfigError> {
    let presets = Presets::load(environment)?;
    let active = config.active_model().preset_model();
    let missing = || presets.missing(name, &active, "--preset");
    config.preset = Some(presets.get(name, &active).cloned().ok_or_else(missing)?);
    for entry in &mut config.models {
        if let Some(preset) = presets.get(name, &entry.preset_model()) {
            (entry.generation).lay(&preset.generation, &|_| preset.origin());
        }
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
    // A file is told apart where its folder is looked for.
    let id = if folder.exists() {
        ModelId::Folder(folder)
    } else {
        match environment.model_id(model, &environment.current) {
            Ok(id) => id,
            Err(ModelIdError::NoModel(_)) => {
                must_exist(config, model, &asked.to_string())?;
                return Ok(config.active_model().clone());
            }
            Err(what @ ModelIdError::OtherHost(_)) => {
                return Err(ConfigError::Setting {
                    name: asked.to_string(),
                    message: what.to_string(),
                });
            }
        }
    };
    Ok(ModelEntry {
        key: model.to_owned(),
        framework: config.active_model().framework.clone(),
        model_id: Resolved {
            value: id,
            origin: asked.clone(),
        },
        preset_of: Resolved::default(None),
        description: String::new(),
        device: Resolved::default(None),
        precision: Resolved::default(None),
        threads: Resolved::default(None),
        isolated: config.active_model().isolated.clone(),
        generation: GenerationSettings::default(),
        tokens: Resolved::default(TokenOverrides::default()),
        options: Resolved::default(serde_json::Map::new()),
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

fn check_threads(layer: &Layer<'_>) -> Result<(), ConfigError> {
    let refused = layer.said.threads.and_then(threads::refusal);
    refused.map_or(Ok(()), |message| {
        Err(ConfigError::Setting {
            name: (layer.origin)("threads").to_string(),
            message,
        })
    })
}
