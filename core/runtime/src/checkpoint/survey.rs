use std::path::PathBuf;

use super::{CheckpointError, Locations, demo, weights};
use crate::config::{Config, ModelEntry};
use crate::model_id::ModelId;

/// Bits per weight of the precisions that backends offer, scales and rearranged copies included: those of the k-quants and
/// `q8_0` are what the candle backend holds of an 8B model on a processor with vector instructions.
const PRECISIONS: [(&str, f64); 6] = [
    ("f32", 32.0),
    ("bf16", 16.0),
    ("f16", 16.0),
    ("q8_0", 8.5),
    ("q6k", 10.0),
    ("q4k", 5.6),
];

/// Parameters of models whose name does not say their size: the index of LLaDA-8B-Instruct, which the others share.
const KNOWN: [(&str, u64); 3] = [
    ("GSAI-ML/LLaDA-8B-Instruct", 8_015_581_184),
    ("GSAI-ML/LLaDA-8B-Base", 8_015_581_184),
    ("GSAI-ML/LLaDA-1.5", 8_015_581_184),
];

/// One entry of the configuration, looked for on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// Its key.
    pub key: String,
    /// Its model.
    pub id: ModelId,
    /// Where it is.
    pub place: Place,
    /// What its weights take in memory, per precision; an estimate, empty if its size is not known.
    pub needs: Vec<Need>,
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

/// Memory for the weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The precision.
    pub precision: &'static str,
    /// Bytes, about.
    pub bytes: u64,
}

impl Surveyed {
    /// True if it can be loaded.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.place, Place::Builtin { .. } | Place::OnDisk { .. })
    }

    /// Memory for the weights in this precision, if it can be estimated.
    #[must_use]
    pub fn need(&self, precision: &str) -> Option<u64> {
        let need = self.needs.iter().find(|need| need.precision == precision)?;
        Some(need.bytes)
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
        let (place, parameters, advice) = match id {
            ModelId::Builtin(name) if name == demo::NAME => {
                let bytes = demo::weight_bytes();
                // Its weights are bf16.
                (Place::Builtin { bytes }, Some(bytes / 2), String::new())
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
            needs: parameters.map(needs).unwrap_or_default(),
            advice,
        }
    }
}

fn inspect(folder: PathBuf) -> (Place, Option<u64>, String) {
    let missing = ["config.json", "tokenizer.json"]
        .into_iter()
        .find(|name| !folder.join(name).is_file());
    let files = match missing {
        Some("config.json") => Err(CheckpointError::NoConfig(folder.clone())),
        Some(_) => Err(CheckpointError::NoTokenizer(folder.clone())),
        None => weights::files(&folder),
    };
    let sized = files.and_then(|files| Ok((weights::total_bytes(&files)?, files)));
    match sized {
        Ok((bytes, files)) => {
            let parameters = weights::parameters(&files);
            (Place::OnDisk { folder, bytes }, parameters, String::new())
        }
        Err(error) => (Place::Damaged { folder }, None, error.to_string()),
    }
}

fn absent(id: &ModelId, error: &CheckpointError) -> (Place, Option<u64>, String) {
    let known = KNOWN.iter().find(|(known, _)| *known == id.to_string());
    let parameters = known
        .map(|(_, count)| *count)
        .or_else(|| nominal(&id.short_name()));
    // Weights are published in 16 bits.
    let bytes = parameters.map(|count| count * 2);
    let advice = match error {
        CheckpointError::Absent { advice, .. } => advice.clone(),
        other => other.to_string(),
    };
    (Place::Absent { bytes }, parameters, advice)
}

fn needs(parameters: u64) -> Vec<Need> {
    let need = |(precision, bits): (&'static str, f64)| Need {
        precision,
        bytes: (parameters as f64 * bits / 8.0) as u64,
    };
    PRECISIONS.into_iter().map(need).collect()
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

    #[test]
    fn four_bits_take_a_sixth_of_full_precision() {
        let q4k = needs(8_000_000_000)
            .into_iter()
            .find(|need| need.precision == "q4k");
        assert_eq!(q4k.map(|need| need.bytes), Some(5_600_000_000));
    }
}
