use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use unmask_api::with_causes;

use super::adapter::Found;
use super::gguf::{self, GgufFiles};
use super::json::{is_there, read_json};
use super::known::{known_bytes, known_config};
use super::locations::hub_folder;
use super::{CheckpointError, Locations, demo, weights};
use crate::config::{Config, ModelEntry, REMOTE};
use crate::family::detect;
use crate::model_id::ModelId;

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
    /// What it is, as far as its `config.json` is here or known.
    pub kind: ModelKind,
}

/// What a model is, for lists of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelKind {
    /// The name of its family for people; `None` if it cannot be told.
    pub family: Option<&'static str>,
    /// How many experts compute for a token, where it has experts.
    pub experts: Option<ActiveExperts>,
}

/// The share of a mixture of experts that computes for a token; memory is needed for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveExperts {
    /// For a token, in each layer.
    pub active: u64,
    /// Of a layer.
    pub all: u64,
}

impl ModelKind {
    fn of(config: &Value, called: &str) -> Self {
        let number = |key: &str| config[key].as_u64().filter(|count| *count > 0);
        let experts = number("num_experts_per_tok").zip(number("num_experts"));
        Self {
            family: detect(config, called).ok().map(|family| family.title),
            experts: experts.map(|(active, all)| ActiveExperts { active, all }),
        }
    }
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
        /// Its folder, or its GGUF file.
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
    /// It answers on another server.
    Elsewhere,
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

/// The families of these models, in the order in which they come; that of models that cannot be told last.
#[must_use]
pub fn families<'a>(surveyed: impl IntoIterator<Item = &'a Surveyed>) -> Vec<Option<&'static str>> {
    let mut names = Vec::new();
    for it in surveyed {
        if !names.contains(&it.kind.family) {
            names.push(it.kind.family);
        }
    }
    names.sort_by_key(Option::is_none);
    names
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
            _ if entry.framework.value == REMOTE => (ModelLocation::Elsewhere, String::new()),
            ModelId::Builtin(name) if name == demo::NAME => {
                let bytes = demo::weight_bytes();
                (ModelLocation::Builtin { bytes }, String::new())
            }
            ModelId::Hub { org, name, .. } if !names.may_hold(org, name) => {
                absent(id, &self.no_model(id, org, name))
            }
            _ => match self.find(id) {
                Ok(folder) => inspect(folder, self),
                Err(error) => absent(id, &error),
            },
        };
        Surveyed {
            key: entry.key.clone(),
            id: id.clone(),
            advice,
            kind: self.kind(id, &location),
            location,
        }
    }

    fn kind(&self, id: &ModelId, location: &ModelLocation) -> ModelKind {
        let called = id.to_string();
        match location {
            ModelLocation::Builtin { .. } => ModelKind::of(&demo::config(), &called),
            ModelLocation::OnDisk { folder, .. } => {
                self.kind_of(folder.clone(), called).unwrap_or_default()
            }
            ModelLocation::Elsewhere => ModelKind::default(),
            ModelLocation::Damaged { .. } | ModelLocation::Absent { .. } => {
                known_config(id).map_or_else(ModelKind::default, |it| ModelKind::of(it, &called))
            }
        }
    }
}

impl Locations {
    fn kind_of(&self, folder: PathBuf, called: String) -> Result<ModelKind, CheckpointError> {
        if let Some(file) = gguf::in_place(&folder)? {
            let (_, config) = GgufFiles::open(&file)?.config(&called)?;
            return Ok(ModelKind::of(&config, &called));
        }
        // An adapter is what its model is.
        let found = Found::of(folder, self)?;
        let (_, config) = read_json(&found.folder.join("config.json"))?;
        let called = found.base.map_or(called, |id| id.to_string());
        Ok(ModelKind::of(&config, &called))
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

fn inspect(folder: PathBuf, locations: &Locations) -> (ModelLocation, String) {
    match weight_bytes(folder.clone(), locations) {
        Ok(bytes) => (ModelLocation::OnDisk { folder, bytes }, String::new()),
        Err(error) => (ModelLocation::Damaged { folder }, with_causes(&error)),
    }
}

/// Size of the weights of a folder that has what every checkpoint has.
fn weight_bytes(folder: PathBuf, locations: &Locations) -> Result<u64, CheckpointError> {
    if let Some(file) = gguf::in_place(&folder)? {
        let files = GgufFiles::open(&file)?;
        files.config("")?;
        return weights::total_bytes(&files.paths);
    }
    let found = Found::of(folder, locations)?;
    if !is_there(&found.folder.join("config.json"))? {
        return Err(CheckpointError::NoConfig(found.folder));
    }
    if !is_there(&found.folder.join("tokenizer.json"))? {
        return Err(CheckpointError::NoTokenizer(found.folder));
    }
    weights::total_bytes(&found.weights()?)
}

fn absent(id: &ModelId, error: &CheckpointError) -> (ModelLocation, String) {
    // Weights are published in 16 bits.
    let bytes = known_bytes(id).or_else(|| nominal(&id.short_name()).map(|count| count * 2));
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
