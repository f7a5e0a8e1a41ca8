use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use unmask_api::with_causes;

use super::json::is_there;
use super::locations::hub_folder;
use super::{CheckpointError, Locations, demo, weights, without_config};
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

const KNOWN: [Known; 2] = [LLADA_8B, LLADA2_MINI];

/// From the index and the configuration of LLaDA-8B-Instruct, which the others share.
const LLADA_8B: Known = Known {
    ids: &[
        "GSAI-ML/LLaDA-8B-Instruct",
        "GSAI-ML/LLaDA-8B-Base",
        "GSAI-ML/LLaDA-1.5",
    ],
    bytes: 16_031_162_368,
    config: r#"{"model_type": "llada", "architectures": ["LLaDAModelLM"], "block_type": "llama", "d_model": 4096,
        "n_layers": 32, "n_heads": 32, "n_kv_heads": 32, "mlp_hidden_size": 12288, "vocab_size": 126464,
        "embedding_size": 126464, "rope_theta": 500000.0, "rms_norm_eps": 1e-05, "weight_tying": false,
        "max_sequence_length": 4096, "rope": true, "include_bias": false, "include_qkv_bias": false, "activation_type": "silu",
        "layer_norm_type": "rms", "mask_token_id": 126336, "eos_token_id": 126081, "pad_token_id": 126081}"#,
};

/// Its name does not say how large it is.
const LLADA2_MINI: Known = Known {
    ids: &["inclusionAI/LLaDA2.0-mini", "inclusionAI/LLaDA2.1-mini"],
    bytes: 32_511_286_784,
    config: r#"{"model_type": "llada2_moe", "architectures": ["LLaDA2MoeModelLM"], "hidden_size": 2048, "num_hidden_layers": 20,
        "num_attention_heads": 16, "num_key_value_heads": 4, "head_dim": 128, "intermediate_size": 5120,
        "vocab_size": 157184, "max_position_embeddings": 16384, "rope_theta": 600000.0, "partial_rotary_factor": 0.5,
        "rms_norm_eps": 1e-06, "tie_word_embeddings": false, "num_experts": 256, "num_experts_per_tok": 8, "n_group": 8,
        "topk_group": 4, "moe_intermediate_size": 512, "num_shared_experts": 1, "first_k_dense_replace": 1,
        "routed_scaling_factor": 2.5, "mask_token_id": 156895, "eos_token_id": 156892, "pad_token_id": 156892}"#,
};

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
    pub location: ModelLocation,
    /// How to get it, or to mend it; empty if it is ready.
    pub advice: String,
}

/// Where a model is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelLocation {
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
        matches!(
            self.location,
            ModelLocation::Builtin { .. } | ModelLocation::OnDisk { .. }
        )
    }
}

impl Locations {
    /// Looks for every model of the configuration; reads no weights and unpacks nothing.
    #[must_use]
    pub fn survey(&self, config: &Config) -> Vec<Surveyed> {
        let names = Names::in_folders(self);
        let models = config.models.iter();
        models.map(|entry| self.look(entry, &names)).collect()
    }

    fn look(&self, entry: &ModelEntry, names: &Names) -> Surveyed {
        let id = &entry.model_id.value;
        let (location, advice) = match id {
            ModelId::Builtin(name) if name == demo::NAME => {
                let bytes = demo::weight_bytes();
                (ModelLocation::Builtin { bytes }, String::new())
            }
            ModelId::Hub { org, name, .. } if !names.may_hold(org, name) => {
                absent(id, &self.no_model(id, org, name))
            }
            _ => match self.find(id) {
                Ok(folder) => inspect(folder),
                Err(error) => absent(id, &error),
            },
        };
        Surveyed {
            key: entry.key.clone(),
            id: id.clone(),
            location,
            advice,
        }
    }
}

/// The names in the folders where models of the hub lie, in small letters: read once, so that a model which is certainly not
/// there need not be looked for.
struct Names(HashSet<String>);

impl Names {
    fn in_folders(locations: &Locations) -> Self {
        let folders = locations.models.iter().chain(&locations.hub);
        let entries = folders.filter_map(|folder| fs::read_dir(folder).ok());
        let names = entries.flatten().flatten().map(|entry| entry.file_name());
        Self(
            names
                .map(|name| name.to_string_lossy().to_lowercase())
                .collect(),
        )
    }

    fn may_hold(&self, org: &str, name: &str) -> bool {
        let in_hub = hub_folder(org, name);
        let places = [org, name, &in_hub];
        places.iter().any(|it| self.0.contains(&it.to_lowercase()))
    }
}

fn inspect(folder: PathBuf) -> (ModelLocation, String) {
    match weight_bytes(&folder) {
        Ok(bytes) => (ModelLocation::OnDisk { folder, bytes }, String::new()),
        Err(error) => (ModelLocation::Damaged { folder }, with_causes(&error)),
    }
}

/// Size of the weights of a folder that has what every checkpoint has.
fn weight_bytes(folder: &Path) -> Result<u64, CheckpointError> {
    if !is_there(&folder.join("config.json"))? {
        return Err(without_config(folder.to_owned()));
    }
    if !is_there(&folder.join("tokenizer.json"))? {
        return Err(CheckpointError::NoTokenizer(folder.to_owned()));
    }
    weights::total_bytes(&weights::files(folder)?)
}

fn absent(id: &ModelId, error: &CheckpointError) -> (ModelLocation, String) {
    let known = known(id).map(|known| known.bytes);
    // Weights are published in 16 bits.
    let bytes = known.or_else(|| nominal(&id.short_name()).map(|count| count * 2));
    let advice = match error {
        CheckpointError::Absent { advice, .. } => advice.clone(),
        other => with_causes(other),
    };
    (ModelLocation::Absent { bytes }, advice)
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
