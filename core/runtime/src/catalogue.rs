//! What can be loaded here: every model of the configuration on every backend of this machine, with what it needs.

mod memory;
mod sizes;

use std::collections::HashMap;

use unmask_api::{Device, DeviceKind};

use crate::checkpoint::{Locations, ModelKind, ModelLocation, Searched, Surveyed, families};
use crate::config::{
    Config, ConfigError, ConfigReader, ConfigSource, Environment, ModelEntry, REMOTE,
};
use crate::engine::{LoadRequest, Loaded};
use crate::loader::discover;
use crate::plugin::{BackendRow, BackendState, Registry};
use crate::precision::PrecisionReason;
pub use memory::{MemoryFit, MemoryPool, memory};
use sizes::ModelSizes;

/// Precisions that are offered besides the entry's and the device's own, where the device has them.
const COMMON: [&str; 5] = ["f32", "int8", "int4", "q8_0", "q4k"];

/// A look at this machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    /// Where the configuration comes from.
    pub source: ConfigSource,
    /// The key of the model to start with.
    pub active: String,
    /// What may be chosen: models that can be loaded come first, those of a family together, each on its entry's own backend and
    /// then on the others.
    pub choices: Vec<ModelChoice>,
    /// Every model of the configuration, as it was found.
    pub surveyed: Vec<Surveyed>,
    /// Every backend that was found.
    pub backends: Vec<BackendRow>,
    /// The machine's memory, as far as a backend knows it.
    pub memory: Vec<MemoryPool>,
    /// Where models were looked for.
    pub searched: Vec<Searched>,
}

/// A model on a backend, a device and a precision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelChoice {
    /// The model's key in the configuration.
    pub key: String,
    /// Its name for people: that of its checkpoint, or the key if another entry has the same.
    pub name: String,
    /// A line for people, may be empty.
    pub description: String,
    /// The backend.
    pub framework: String,
    /// The device's id; empty for the backend's first.
    pub device: String,
    /// The device's name.
    pub device_name: String,
    /// The precision; empty for the device's first.
    pub precision: String,
    /// Why it has that one.
    pub precision_reason: PrecisionReason,
    /// Memory for the weights, about; `None` if it cannot be told.
    pub needs_bytes: Option<u64>,
    /// Whether it can be loaded.
    pub readiness: Readiness,
}

/// Whether a choice can be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// The program carries the model.
    Carried,
    /// The model is on disk.
    Ready,
    /// The model is not on this machine; how to get it.
    NotOnDisk(String),
    /// Something is wrong with the model; what, and what to do.
    Damaged(String),
    /// The backend, device or precision that the entry names is not here; why, and what to do.
    Refused(String),
}

impl ModelChoice {
    /// The request that loads it.
    #[must_use]
    pub fn request(&self) -> LoadRequest {
        let said = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        LoadRequest {
            key: self.key.clone(),
            framework: said(&self.framework),
            device: said(&self.device),
            precision: said(&self.precision),
            ..LoadRequest::default()
        }
    }

    /// True if this is what `loaded` is.
    #[must_use]
    pub fn is(&self, loaded: &Loaded) -> bool {
        let is_place = || self.device == loaded.device && self.precision == loaded.facts.precision;
        self.key == loaded.key
            && self.framework == loaded.backend
            && (self.framework == REMOTE || is_place())
    }

    /// True if both load the same in the same way, whoever chose it.
    fn is_same_load(&self, other: &Self) -> bool {
        let place =
            |it: &Self| [&it.key, &it.framework, &it.device, &it.precision].map(String::clone);
        place(self) == place(other)
    }

    /// Why it cannot be loaded, and what to do; `None` if it can.
    #[must_use]
    pub fn obstacle(&self) -> Option<&str> {
        match &self.readiness {
            Readiness::Carried | Readiness::Ready => None,
            Readiness::NotOnDisk(advice)
            | Readiness::Damaged(advice)
            | Readiness::Refused(advice) => Some(advice),
        }
    }
}

impl Catalogue {
    /// Reads the configuration anew, looks for its models, and opens and asks every backend: this may take a while.
    ///
    /// # Errors
    /// If the configuration cannot be used.
    pub fn scan(reader: &ConfigReader) -> Result<Self, ConfigError> {
        let config = reader.read()?;
        let registry = discover(&config, &reader.environment);
        Ok(Self::of(&config, &reader.environment, &registry))
    }

    /// What `config` and the backends of `registry` give.
    #[must_use]
    pub fn of(config: &Config, environment: &Environment, registry: &Registry) -> Self {
        let locations = Locations::new(config, environment);
        let surveyed = locations.survey(config);
        let names = Names::of(config);
        let mut sizes = ModelSizes::new(registry, &locations);
        let mut choices = Vec::new();
        let mut models: Vec<_> = config.models.iter().zip(&surveyed).collect();
        let families = families(&surveyed);
        let place = |it: &Surveyed| families.iter().position(|family| *family == it.kind.family);
        models.sort_by_key(|(_, it)| (!it.is_ready(), place(it)));
        for (entry, it) in models {
            choices.extend(rows(names.of_entry(entry), entry, it, &mut sizes));
        }
        let backends = registry.rows().to_vec();
        Self {
            source: config.source.clone(),
            active: config.active.value.clone(),
            choices,
            memory: memory(&backends),
            backends,
            searched: locations.searched(config, environment),
            surveyed,
        }
    }

    /// What the entry `key` means: its own backend, device and precision.
    #[must_use]
    pub fn own(&self, key: &str) -> Option<&ModelChoice> {
        self.choices.iter().find(|choice| choice.key == key)
    }

    /// What the model of entry `key` is: its family, and what of it computes for a token.
    #[must_use]
    pub fn kind(&self, key: &str) -> ModelKind {
        let found = self.surveyed.iter().find(|it| it.key == key);
        found.map_or_else(ModelKind::default, |it| it.kind)
    }

    /// How `choice` fits beside or instead of the model that runs.
    #[must_use]
    pub fn fit(&self, choice: &ModelChoice, running: Option<&Loaded>) -> MemoryFit {
        let mut memories = self.memory.iter();
        let memory = memories.find(|it| it.is_used_by(&choice.framework, &choice.device));
        match (memory, choice.needs_bytes) {
            (Some(memory), Some(needs)) => memory.fit(needs, running),
            _ => MemoryFit::Unknown,
        }
    }
}

/// The rows of one model: one if it cannot be loaded, since it could be loaded nowhere.
fn rows(
    name: String,
    entry: &ModelEntry,
    surveyed: &Surveyed,
    sizes: &mut ModelSizes<'_>,
) -> Vec<ModelChoice> {
    if entry.framework.value == REMOTE {
        return vec![elsewhere(name, entry)];
    }
    let registry = sizes.registry;
    let is_ready = surveyed.is_ready();
    let readiness = match &surveyed.location {
        ModelLocation::Builtin { .. } => Readiness::Carried,
        ModelLocation::OnDisk { .. } | ModelLocation::Elsewhere => Readiness::Ready,
        ModelLocation::Damaged { .. } => Readiness::Damaged(surveyed.advice.clone()),
        ModelLocation::Absent { .. } => Readiness::NotOnDisk(surveyed.advice.clone()),
    };
    let own = sizes.own(entry, is_ready);
    let mut row =
        |framework: &str, device: &Device, precision: &str, readiness: &Readiness| ModelChoice {
            precision_reason: PrecisionReason::Named,
            key: entry.key.clone(),
            name: name.clone(),
            description: entry.description.clone(),
            framework: framework.to_owned(),
            device: device.id.clone(),
            device_name: device.name.clone(),
            precision: precision.to_owned(),
            needs_bytes: sizes.weights((entry, is_ready), framework, &device.id, precision),
            readiness: readiness.clone(),
        };
    let own = match own {
        Ok((device, chosen)) => ModelChoice {
            precision_reason: chosen.reason,
            ..row(&entry.framework.value, &device, &chosen.name, &readiness)
        },
        Err(reason) => {
            let device = unknown_device(entry);
            let precision = entry.precision.value.clone().unwrap_or_default();
            let readiness = match is_ready {
                true => Readiness::Refused(reason),
                false => readiness.clone(),
            };
            row(&entry.framework.value, &device, &precision, &readiness)
        }
    };
    let mut rows = vec![own];
    if !is_ready {
        return rows;
    }
    for (backend, device) in devices(registry.rows()) {
        for precision in precisions(entry, device) {
            let row = row(&backend.name, device, precision, &readiness);
            // Its device's first is for other files than this one.
            if row.needs_bytes.is_none()
                && !COMMON.contains(&precision)
                && is_ranked_first(device, precision)
            {
                continue;
            }
            if !rows.iter().any(|it| it.is_same_load(&row)) {
                rows.push(row);
            }
        }
    }
    let stranger = Device {
        id: String::new(),
        ..unknown_device(entry)
    };
    for backend in strangers(registry) {
        let reason = format!(
            "{} is not approved; {}",
            backend.name,
            backend.how_to_approve()
        );
        let row = row(&backend.name, &stranger, "", &Readiness::Refused(reason));
        if rows.iter().all(|it| it.framework != row.framework) {
            rows.push(row);
        }
    }
    rows
}

/// A model that answers on another server: whether it does is known once it is asked.
fn elsewhere(name: String, entry: &ModelEntry) -> ModelChoice {
    let address = entry
        .options
        .value
        .get("base_url")
        .and_then(|it| it.as_str());
    let host = address.and_then(|it| it.split("://").nth(1)?.split('/').next());
    ModelChoice {
        precision_reason: PrecisionReason::Named,
        key: entry.key.clone(),
        name,
        description: entry.description.clone(),
        framework: REMOTE.to_owned(),
        device: host.unwrap_or_default().to_owned(),
        device_name: String::new(),
        precision: String::new(),
        needs_bytes: None,
        readiness: Readiness::Ready,
    }
}

/// Backends that the user would have to approve first.
fn strangers(registry: &Registry) -> impl Iterator<Item = &BackendRow> {
    let waits = |row: &&BackendRow| matches!(row.state, BackendState::Unapproved { .. });
    let rows = registry.rows().iter().filter(waits);
    rows.filter(|row| registry.find(&row.name).is_err())
}

fn unknown_device(entry: &ModelEntry) -> Device {
    Device {
        id: entry.device.value.clone().unwrap_or_default(),
        name: String::new(),
        kind: DeviceKind::Cpu,
        total_bytes: 0,
        free_bytes: 0,
        precisions: Vec::new(),
        ranked: false,
    }
}

/// What models are called, and by how many entries.
struct Names(HashMap<String, usize>);

impl Names {
    fn of(config: &Config) -> Self {
        let mut names = HashMap::new();
        for entry in &config.models {
            *names.entry(entry.model_id.value.short_name()).or_default() += 1;
        }
        Self(names)
    }

    fn of_entry(&self, entry: &ModelEntry) -> String {
        let name = entry.model_id.value.short_name();
        match self.0.get(&name) {
            Some(0 | 1) | None => name,
            Some(_) => entry.key.clone(),
        }
    }
}

/// The devices of the usable backends, those of the most promising one first.
fn devices(rows: &[BackendRow]) -> Vec<(&BackendRow, &Device)> {
    let score = |row: &BackendRow| match row.state {
        BackendState::Usable { score } => Some(score),
        BackendState::Unusable { .. }
        | BackendState::Broken(_)
        | BackendState::Unapproved { .. } => None,
    };
    let mut usable: Vec<&BackendRow> = rows.iter().filter(|row| score(row).is_some()).collect();
    usable.sort_by_key(|row| std::cmp::Reverse(score(row)));
    let of_row = |row| {
        let row: &BackendRow = row;
        row.devices.iter().map(move |device| (row, device))
    };
    usable.into_iter().flat_map(of_row).collect()
}

fn is_ranked_first(device: &Device, precision: &str) -> bool {
    device.ranked && device.precisions.first().is_some_and(|it| it == precision)
}

/// The entry's own precision if the device has it, the device's default, and the common ones.
fn precisions<'a>(entry: &'a ModelEntry, device: &'a Device) -> Vec<&'a str> {
    let own = entry.precision.value.as_deref();
    let default = device.precisions.first().map(String::as_str);
    let mut kept = Vec::new();
    for precision in own.into_iter().chain(default).chain(COMMON) {
        let is_offered = device.precisions.iter().any(|it| it == precision);
        if is_offered && !kept.contains(&precision) {
            kept.push(precision);
        }
    }
    kept
}

#[cfg(test)]
mod tests;
