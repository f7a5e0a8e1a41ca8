use std::path::PathBuf;

use super::{CheckpointError, Locations, demo, weights};
use crate::config::{Config, ModelEntry};
use crate::model_id::ModelId;

/// Models that are known although they are not on this machine.
struct Known {
    ids: &'static [&'static str],
    /// Size of their weights as published.
    bytes: u64,
    /// Their `config.json`, as far as it sizes anything.
    config: &'static str,
}

/// From the index and the configuration of LLaDA-8B-Instruct, which the others share.
const KNOWN: [Known; 1] = [Known {
    ids: &[
        "GSAI-ML/LLaDA-8B-Instruct",
        "GSAI-ML/LLaDA-8B-Base",
        "GSAI-ML/LLaDA-1.5",
    ],
    bytes: 16_031_162_368,
    config: r#"{"model_type": "llada", "architectures": ["LLaDAModelLM"], "block_type": "llama", "d_model": 4096,
        "n_layers": 32, "n_heads": 32, "n_kv_heads": 32, "mlp_hidden_size": 12288, "vocab_size": 126464,
        "embedding_size": 126464, "rope_theta": 500000.0, "rms_norm_eps": 1e-05, "weight_tying": false,
        "max_sequence_length": 4096, "include_bias": false, "include_qkv_bias": false, "activation_type": "silu",
        "layer_norm_type": "rms", "mask_token_id": 126336, "eos_token_id": 126081, "pad_token_id": 126081}"#,
}];

/// The `config.json` of a model that is known although it is not on this machine.
pub(crate) fn known_config(id: &ModelId) -> Option<&'static str> {
    known(id).map(|known| known.config)
}

fn known(id: &ModelId) -> Option<&'static Known> {
    let id = id.to_string();
    KNOWN.iter().find(|known| known.ids.contains(&id.as_str()))
}

/// One entry of the configuration, looked for on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// Its key.
    pub key: String,
    /// Its model.
    pub id: ModelId,
    /// Where it is.
    pub place: Place,
    /// How to get it, or to mend it; empty if it is ready.
    pub advice: String,
}

/// Where a model is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Carried by the program.
    Builtin {
        /// Size of its weights.
        bytes: u64,
    },
    /// On disk, with all its files.
    OnDisk {
        /// Its folder.
        folder: PathBuf,
        /// Size of its weights.
        bytes: u64,
    },
    /// On disk, but something is wrong with it; the advice says what.
    Damaged {
        /// Its folder.
        folder: PathBuf,
    },
    /// Not on this machine.
    Absent {
        /// About what would be downloaded; `None` if not known.
        bytes: Option<u64>,
    },
}

impl Surveyed {
    /// True if it can be loaded.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.place, Place::Builtin { .. } | Place::OnDisk { .. })
    }
}

impl Locations {
    /// Looks for every model of the configuration; reads no weights and unpacks nothing.
    #[must_use]
    pub fn survey(&self, config: &Config) -> Vec<Surveyed> {
        config.models.iter().map(|entry| self.look(entry)).collect()
    }

    fn look(&self, entry: &ModelEntry) -> Surveyed {
        let id = &entry.model_id.value;
        let (place, advice) = match id {
            ModelId::Builtin(name) if name == demo::NAME => {
                let bytes = demo::weight_bytes();
                (Place::Builtin { bytes }, String::new())
            }
            _ => match self.find(id) {
                Ok(folder) => inspect(folder),
                Err(error) => absent(id, &error),
            },
        };
        Surveyed {
            key: entry.key.clone(),
            id: id.clone(),
            place,
            advice,
        }
    }
}

fn inspect(folder: PathBuf) -> (Place, String) {
    let missing = ["config.json", "tokenizer.json"]
        .into_iter()
        .find(|name| !folder.join(name).is_file());
    let files = match missing {
        Some("config.json") => Err(CheckpointError::NoConfig(folder.clone())),
        Some(_) => Err(CheckpointError::NoTokenizer(folder.clone())),
        None => weights::files(&folder),
    };
    match files.and_then(|files| weights::total_bytes(&files)) {
        Ok(bytes) => (Place::OnDisk { folder, bytes }, String::new()),
        Err(error) => (Place::Damaged { folder }, error.to_string()),
    }
}

fn absent(id: &ModelId, error: &CheckpointError) -> (Place, String) {
    let known = known(id).map(|known| known.bytes);
    // Weights are published in 16 bits.
    let bytes = known.or_else(|| nominal(&id.short_name()).map(|count| count * 2));
    let advice = match error {
        CheckpointError::Absent { advice, .. } => advice.clone(),
        other => other.to_string(),
    };
    (Place::Absent { bytes }, advice)
}

/// The parameters that a name promises: 8 G for `LLaDA-8B-Instruct`.
fn nominal(name: &str) -> Option<u64> {
    let billions = name.split(['-', '_']).find_map(|part| {
        let number = part.strip_suffix(['B', 'b'])?;
        number
            .parse::<f64>()
            .ok()
            .filter(|count| (0.1..10_000.0).contains(count))
    })?;
    Some((billions * 1e9) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_promises_a_size() {
        assert_eq!(nominal("LLaDA-8B-Instruct"), Some(8_000_000_000));
        assert_eq!(nominal("SDAR-1.7B-Chat"), Some(1_700_000_000));
        assert_eq!(nominal("LLaDA-1.5"), None);
        assert_eq!(nominal("Base-0910"), None);
    }
}
