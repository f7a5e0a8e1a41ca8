//! What can be loaded here: every model of the configuration on every backend of this machine, with what it needs.

use unmask_api::{Device, DeviceKind};

use crate::checkpoint::{Checkpoint, Locations, Place, Searched, Surveyed};
use crate::config::{Config, ConfigError, ConfigReader, Environment, ModelEntry, Source};
use crate::engine::{LoadRequest, Loaded};
use crate::loader::{discover, known_spec, load_spec};
use crate::plugin::{BackendRow, Registry, State};

/// Precisions that are offered besides the entry's and the device's own, where the device has them.
const COMMON: [&str; 3] = ["f32", "q8_0", "q4k"];

/// A look at this machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    /// Where the configuration comes from.
    pub source: Source,
    /// The key of the model to start with.
    pub active: String,
    /// What may be chosen: models that can be loaded come first, each on its entry's own backend and then on the others.
    pub choices: Vec<Choice>,
    /// Every model of the configuration, as it was found.
    pub surveyed: Vec<Surveyed>,
    /// Every backend that was found.
    pub backends: Vec<BackendRow>,
    /// The machine's memory, as far as a backend knows it.
    pub memory: Vec<Memory>,
    /// Where models were looked for.
    pub searched: Vec<Searched>,
}

/// A model on a backend, a device and a precision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
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

/// One memory of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// `RAM`, `GPU`, or `GPU cuda:1` if there are several.
    pub name: String,
    /// Free bytes when it was looked at.
    pub free_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
    /// The backends and devices that compute in it.
    users: Vec<(String, String)>,
}

/// How a model fits into the memory of its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Beside what runs.
    Beside,
    /// Only once the running model has made room.
    Alone,
    /// Not even then.
    TooLarge {
        /// What would be free then.
        free_bytes: u64,
    },
    /// Nobody knows.
    Unknown,
}

impl Choice {
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
        self.key == loaded.key
            && self.framework == loaded.backend
            && self.device == loaded.device
            && self.precision == loaded.facts.precision
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
        let models = || config.models.iter().zip(&surveyed);
        let rows = |ready: bool| {
            models()
                .filter(move |(_, it)| it.is_ready() == ready)
                .flat_map(|(entry, it)| {
                    let sizes = Sizes::new(entry, it, registry, &locations);
                    choices(config, entry, it, &sizes)
                })
        };
        let choices = rows(true).chain(rows(false)).collect();
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

    /// How `choice` fits beside or instead of the model that runs.
    #[must_use]
    pub fn fit(&self, choice: &Choice, running: Option<&Loaded>) -> Fit {
        let used_by = |memory: &&Memory, backend: &str, device: &str| {
            let is_it = |(name, id): &(String, String)| name == backend && id == device;
            memory.users.iter().any(is_it)
        };
        let mut memories = self.memory.iter();
        let memory = memories.find(|it| used_by(it, &choice.framework, &choice.device));
        let (Some(memory), Some(needs)) = (memory, choice.needs_bytes) else {
            return Fit::Unknown;
        };
        let shares = |it: &&Loaded| used_by(&memory, &it.backend, &it.device);
        let held = running.filter(shares).map_or(0, |it| it.facts.memory_bytes);
        let free_bytes = memory.free_bytes.saturating_add(held);
        match needs {
            needs if needs <= memory.free_bytes => Fit::Beside,
            needs if needs <= free_bytes => Fit::Alone,
            _ => Fit::TooLarge { free_bytes },
        }
    }
}

/// What the backends say that one model's weights would take.
struct Sizes<'a> {
    entry: &'a ModelEntry,
    /// `None` if it cannot be opened, or is not on this machine.
    checkpoint: Option<Checkpoint>,
    registry: &'a Registry,
    locations: &'a Locations,
}

impl<'a> Sizes<'a> {
    fn new(
        entry: &'a ModelEntry,
        surveyed: &Surveyed,
        registry: &'a Registry,
        locations: &'a Locations,
    ) -> Self {
        let id = &entry.model_id.value;
        let ready = surveyed.is_ready();
        Self {
            entry,
            checkpoint: ready
                .then(|| Checkpoint::open(id, locations).ok())
                .flatten(),
            registry,
            locations,
        }
    }

    /// Bytes in memory, unless the backend cannot tell or would refuse the load.
    fn weights(&self, framework: &str, device: &str, precision: &str) -> Option<u64> {
        let backend = self.registry.find_lacking(framework).ok()?;
        let place = (device, precision);
        let spec = match &self.checkpoint {
            Some(checkpoint) => load_spec(self.entry, checkpoint, place, self.locations),
            None => known_spec(self.entry, place)?,
        };
        let estimate = backend.check(&spec).ok()?;
        Some(estimate.weights_bytes).filter(|&bytes| bytes > 0)
    }
}

/// The rows of one model: one if it cannot be loaded, since it could be loaded nowhere.
fn choices(
    config: &Config,
    entry: &ModelEntry,
    surveyed: &Surveyed,
    sizes: &Sizes<'_>,
) -> Vec<Choice> {
    let registry = sizes.registry;
    let readiness = match &surveyed.place {
        Place::Builtin { .. } => Readiness::Carried,
        Place::OnDisk { .. } => Readiness::Ready,
        Place::Damaged { .. } => Readiness::Damaged(surveyed.advice.clone()),
        Place::Absent { .. } => Readiness::NotOnDisk(surveyed.advice.clone()),
    };
    let row = |framework: &str, device: &Device, precision: &str, readiness: &Readiness| Choice {
        key: entry.key.clone(),
        name: name(config, entry),
        description: entry.description.clone(),
        framework: framework.to_owned(),
        device: device.id.clone(),
        device_name: device.name.clone(),
        precision: precision.to_owned(),
        needs_bytes: sizes.weights(framework, &device.id, precision),
        readiness: readiness.clone(),
    };
    let own = match own(entry, registry) {
        Ok((device, precision)) => row(&entry.framework.value, &device, &precision, &readiness),
        Err(reason) => {
            let device = unknown_device(entry);
            let precision = entry.precision.value.clone().unwrap_or_default();
            let readiness = match surveyed.is_ready() {
                true => Readiness::Refused(reason),
                false => readiness.clone(),
            };
            row(&entry.framework.value, &device, &precision, &readiness)
        }
    };
    let mut rows = vec![own];
    if !surveyed.is_ready() {
        return rows;
    }
    for (backend, device) in devices(registry.rows()) {
        for precision in precisions(entry, device) {
            let row = row(&backend.name, device, precision, &readiness);
            if !rows.contains(&row) {
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

/// Backends that the user would have to approve first.
fn strangers(registry: &Registry) -> impl Iterator<Item = &BackendRow> {
    let waits = |row: &&BackendRow| matches!(row.state, State::Unapproved { .. });
    let rows = registry.rows().iter().filter(waits);
    rows.filter(|row| registry.find(&row.name).is_err())
}

/// The device and the precision that the entry means, or why there are none.
fn own(entry: &ModelEntry, registry: &Registry) -> Result<(Device, String), String> {
    let name = &entry.framework.value;
    let backend = crate::loader::find_for(registry, name, entry);
    let backend = backend.map_err(|error| error.to_string())?;
    let device = crate::loader::device(&*backend, entry.device.value.as_ref());
    let device = device.map_err(|failure| failure.to_string())?;
    let precision = entry.precision.value.as_ref();
    let precision = crate::loader::precision(&*backend, &device, precision);
    Ok((device, precision.map_err(|failure| failure.to_string())?))
}

fn unknown_device(entry: &ModelEntry) -> Device {
    Device {
        id: entry.device.value.clone().unwrap_or_default(),
        name: String::new(),
        kind: DeviceKind::Cpu,
        total_bytes: 0,
        free_bytes: 0,
        precisions: Vec::new(),
    }
}

fn name(config: &Config, entry: &ModelEntry) -> String {
    let name = entry.model_id.value.short_name();
    let same = |other: &&ModelEntry| other.model_id.value.short_name() == name;
    match config.models.iter().filter(same).count() {
        0 | 1 => name,
        _ => entry.key.clone(),
    }
}

/// The devices of the usable backends, those of the most promising one first.
fn devices(rows: &[BackendRow]) -> Vec<(&BackendRow, &Device)> {
    let score = |row: &BackendRow| match row.state {
        State::Usable { score } => Some(score),
        State::Unusable { .. } | State::Broken(_) | State::Unapproved { .. } => None,
    };
    let mut usable: Vec<&BackendRow> = rows.iter().filter(|row| score(row).is_some()).collect();
    usable.sort_by_key(|row| std::cmp::Reverse(score(row)));
    let of_row = |row| {
        let row: &BackendRow = row;
        row.devices.iter().map(move |device| (row, device))
    };
    usable.into_iter().flat_map(of_row).collect()
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

/// What the backends tell of the machine's memory; several tell of the same, and some only that they compute in it.
#[must_use]
pub fn memory(rows: &[BackendRow]) -> Vec<Memory> {
    let name = |device: &Device| match device.kind {
        DeviceKind::Cpu => "RAM".to_owned(),
        DeviceKind::Gpu | DeviceKind::Accelerator => format!("GPU {}", device.id),
    };
    let devices = devices(rows);
    let mut all: Vec<Memory> = Vec::new();
    for (_, device) in devices.iter().filter(|(_, it)| it.total_bytes > 0) {
        if all.iter().all(|memory| memory.name != name(device)) {
            all.push(Memory {
                name: name(device),
                free_bytes: device.free_bytes,
                total_bytes: device.total_bytes,
                users: Vec::new(),
            });
        }
    }
    for (row, device) in devices {
        let user = (row.name.clone(), device.id.clone());
        if let Some(memory) = all.iter_mut().find(|memory| memory.name == name(device)) {
            memory.users.push(user);
        }
    }
    let is_gpu = |memory: &Memory| memory.name != "RAM";
    all.sort_by_key(|memory| !is_gpu(memory));
    if all.iter().filter(|memory| is_gpu(memory)).count() == 1 {
        all[0].name = "GPU".to_owned();
    }
    all
}

#[cfg(test)]
mod tests;
