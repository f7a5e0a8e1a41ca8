//! Models that are known although they are not on this machine.

use std::sync::OnceLock;

use serde_json::Value;

use crate::model_id::ModelId;

/// Ids of the hub, the bytes of their weights as published, and their `config.json` as far as it sizes anything.
const CARRIED: &str = include_str!("../../known_models.json");

fn known(id: &ModelId) -> Option<&'static Value> {
    static MODELS: OnceLock<Value> = OnceLock::new();
    let models = MODELS.get_or_init(|| serde_json::from_str(CARRIED).unwrap_or_default());
    let ModelId::Hub { org, name, .. } = id else {
        return None;
    };
    let id = format!("{org}/{name}");
    let mut all = models.as_array()?.iter();
    all.find(|known| (known["ids"].as_array()).is_some_and(|ids| ids.iter().any(|it| *it == *id)))
}

/// Size of its weights as published.
pub(super) fn known_bytes(id: &ModelId) -> Option<u64> {
    known(id)?["bytes"].as_u64()
}

/// Its `config.json`, as far as it sizes anything.
pub(crate) fn known_config(id: &ModelId) -> Option<&'static Value> {
    known(id)
        .map(|known| &known["config"])
        .filter(|config| config.is_object())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::EMBEDDED;
    use crate::family::detect;

    #[test]
    fn every_known_model_has_a_size_and_is_of_a_family() {
        let models: Vec<Value> = serde_json::from_str(CARRIED).expect("the file is JSON");
        for model in models {
            let ids = model["ids"].as_array().expect("it has ids").clone();
            let size = model["bytes"].as_u64().expect("it has a size");
            assert!(size > 1 << 30, "{ids:?}");
            for id in ids {
                let id = id.as_str().expect("it is a text");
                assert!(
                    EMBEDDED.contains(&format!("\"{id}\"")),
                    "{id} is in no entry"
                );
                if model["config"].is_object() {
                    detect(&model["config"], id).expect("it is of a family");
                }
            }
        }
    }

    #[test]
    fn a_revision_is_as_large_as_the_model() {
        let parse = |id: &str| ModelId::parse(id, "/".as_ref(), None).expect("it is an id");
        let of = |id: &str| known_bytes(&parse(id));
        assert_eq!(of("GSAI-ML/LLaDA-8B-Base@main"), Some(16_031_162_368));
        assert_eq!(of("GSAI-ML/Other"), None);
    }
}
