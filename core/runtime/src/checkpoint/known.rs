//! Models that are known although they are not on this machine.

use std::sync::OnceLock;

use serde_json::Value;

use crate::model_id::ModelId;

/// Ids of the hub, the bytes of their weights as published where that is known, and their `config.json` as far as it sizes
/// anything; a fine-tune names the model that it has that of.
const CARRIED: &str = include_str!("../../known_models.json");

fn models() -> &'static Value {
    static MODELS: OnceLock<Value> = OnceLock::new();
    MODELS.get_or_init(|| serde_json::from_str(CARRIED).unwrap_or_default())
}

fn known(id: &ModelId) -> Option<&'static Value> {
    let ModelId::Hub { org, name, .. } = id else {
        return None;
    };
    named(models(), &format!("{org}/{name}"))
}

fn named<'m>(models: &'m Value, id: &str) -> Option<&'m Value> {
    let mut all = models.as_array()?.iter();
    all.find(|known| (known["ids"].as_array()).is_some_and(|ids| ids.iter().any(|it| it == id)))
}

/// Size of its weights as published.
pub(super) fn known_bytes(id: &ModelId) -> Option<u64> {
    known(id)?["bytes"].as_u64()
}

/// Its `config.json`, as far as it sizes anything.
pub(crate) fn known_config(id: &ModelId) -> Option<&'static Value> {
    let found = known(id)?;
    let of = match found["config_of"].as_str() {
        Some(other) => named(models(), other)?,
        None => found,
    };
    Some(&of["config"]).filter(|config| config.is_object())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ConfigSource, EMBEDDED, Environment, Overrides};
    use crate::family::detect;

    #[test]
    fn every_known_model_has_a_size_and_is_of_a_family() {
        let models: Vec<Value> = serde_json::from_str(CARRIED).expect("the file is JSON");
        for model in models {
            let ids = model["ids"].as_array().expect("it has ids").clone();
            let size = model["bytes"].as_u64();
            let is_tuned = model["config_of"].is_string();
            assert!(size.map_or(is_tuned, |it| it > 1 << 30), "{ids:?}");
            for id in ids {
                let id = id.as_str().expect("it is a text");
                assert!(
                    EMBEDDED.contains(&format!("\"{id}\"")),
                    "{id} is in no entry"
                );
                let config = known_config(&parse(id));
                assert_eq!(config.is_none(), model["config"].is_null() && !is_tuned);
                if let Some(config) = config {
                    detect(config, id).expect("it is of a family");
                }
            }
        }
    }

    #[test]
    fn entries_denoise_as_their_families_do_unless_their_model_is_another() {
        let source = ConfigSource::Embedded;
        let environment = Environment::default();
        let config = Config::from_text(EMBEDDED, source, &Overrides::default(), &environment);
        let mut told = Vec::new();
        for entry in config.expect("it is valid").models {
            let id = &entry.model_id.value;
            let Some(known) = known_config(id).filter(|_| !entry.generation.is_empty()) else {
                continue;
            };
            let family = detect(known, &id.to_string()).expect("it is of a family");
            let preset = (family.preset)();
            let (mut params, mut length) = (preset.params.clone(), preset.length);
            entry.generation.apply(&mut params, &mut length);
            match entry.key == "llada2_1-mini" {
                true => assert!(params.editing.is_some()),
                false => assert_eq!((params, length), (preset.params, preset.length), "{id}"),
            }
            if told.last() != Some(&family.name) {
                told.push(family.name);
            }
        }
        let families = [
            "llada",
            "illada",
            "dream",
            "llada_moe",
            "llada2",
            "sdar",
            "fast_dllm_v2",
        ];
        assert_eq!(told, families, "each has entries with settings");
    }

    fn parse(id: &str) -> ModelId {
        ModelId::parse(id, "/".as_ref(), None, None).expect("it is an id")
    }

    #[test]
    fn a_fine_tune_has_the_configuration_of_its_model_and_a_size_of_its_own() {
        let tuned = parse("howey/LLaDA-8B-Instruct-DLPO");
        let of = |id| known_config(id).map(|config| &config["d_model"]);
        assert_eq!(of(&tuned), Some(&Value::from(4096)));
        assert_eq!(known_bytes(&tuned), None);
    }

    #[test]
    fn a_revision_is_as_large_as_the_model() {
        let of = |id: &str| known_bytes(&parse(id));
        assert_eq!(of("GSAI-ML/LLaDA-8B-Base@main"), Some(16_031_162_368));
        assert_eq!(of("GSAI-ML/Other"), None);
    }
}
