//! From a key of the configuration to a model that is ready: checkpoint, text, backend, weights.

mod choice;
mod describe;
mod failures;
mod text;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use unmask_api::{Backend, Device, LoadProgress, LoadSpec, Probe, with_causes};

use crate::checkpoint::{Checkpoint, Locations};
use crate::config::{Config, ConfigReader, Environment, ModelEntry, Presets, REMOTE, threads};
use crate::engine::{
    Answering, Failure, FailureKind, LoadRequest, Loader, Ready, ReadyModel, Remote,
};
use crate::plugin::{
    Approvals, BackendSearch, FindError, Isolation, Refused, Registry, SearchPath,
};
use crate::precision::PrecisionReason;
use crate::sampler::strategies::STRATEGIES;
pub(crate) use choice::{device, find_for, known_spec, load_spec, precision, weights_bytes};
use describe::{check_special, describe, measured};
use failures::{damaged, of_backend, of_config, unusable};

/// Loads the models of the configuration on the backends of this machine. The configuration is read anew for each.
pub struct ConfigLoader {
    reader: ConfigReader,
    /// As it was just read, for the first load.
    fresh: Option<Config>,
    /// What was found for these settings. Searched at the first load: opening libraries takes a while, and the screen is to
    /// stand before that.
    registry: Option<(Sought, Registry)>,
    /// Reaches models that answer elsewhere.
    remote: Option<Box<dyn Remote>>,
}

impl ConfigLoader {
    /// For the models of `config`, which `reader` has just read.
    #[must_use]
    pub fn new(config: Config, reader: ConfigReader) -> Self {
        Self {
            reader,
            fresh: Some(config),
            registry: None,
            remote: None,
        }
    }

    /// Also reaches models that answer elsewhere, by `remote`.
    #[must_use]
    pub fn with_remote(self, remote: Box<dyn Remote>) -> Self {
        Self {
            remote: Some(remote),
            ..self
        }
    }

    /// The configuration as it is now, and its entry `key`; a folder or a hub id needs none.
    fn entry(&mut self, key: &str) -> Result<(Config, ModelEntry), Failure> {
        let config = match self.fresh.take() {
            Some(config) => config,
            None => self.reader.read().map_err(|error| of_config(&error))?,
        };
        if let Some(entry) = config.model(key).cloned() {
            return Ok((config, entry));
        }
        let unlisted = self.reader.read_for(key).ok();
        let unlisted = unlisted.and_then(|config| Some((config.model(key).cloned()?, config)));
        if let Some((entry, config)) = unlisted {
            return Ok((config, entry));
        }
        let keys = config.models.iter().map(|entry| entry.key.as_str());
        Err(Failure {
            kind: FailureKind::Config,
            text: format!("the configuration has no model `{key}`"),
            hint: format!("it has {}", keys.collect::<Vec<_>>().join(", ")),
        })
    }

    /// The backend, looked for anew if `find` did not find it before.
    fn backend(
        &mut self,
        config: &Config,
        find: impl Fn(&Registry) -> Result<Arc<dyn Backend>, FindError>,
    ) -> Result<Arc<dyn Backend>, FindError> {
        let sought = (config.backend_paths.value.clone(), isolation(config));
        let known = self.registry.as_ref().filter(|(of, _)| *of == sought);
        if let Some(backend) = known.and_then(|(_, registry)| find(registry).ok()) {
            return Ok(backend);
        }
        let registry = discover(config, &self.reader.environment);
        let found = find(&registry);
        self.registry = Some((sought, registry));
        found
    }
}

/// What of a configuration decides which backends are found, and where they run.
type Sought = (Vec<PathBuf>, Isolation);

/// The backends of this machine, with those that the configuration names; those that a model wants isolated are asked in
/// processes of their own. Of others' libraries only those run that the user approved, or vouches for in this run.
#[must_use]
pub fn discover(config: &Config, environment: &Environment) -> Registry {
    let mut refused = Vec::new();
    let approved = Approvals::read(environment).unwrap_or_else(|error| {
        let reason = with_causes(&error);
        tracing::warn!(error = reason, "nothing counts as approved");
        refused.push(Refused {
            path: error.path().to_owned(),
            reason: format!("{reason}; until then no library of others is approved"),
        });
        Approvals::default()
    });
    Registry::discover(&SearchPath::new(&BackendSearch {
        plugins: config.plugins.clone(),
        approved: approved.list().to_vec(),
        refused,
        isolation: isolation(config),
        ..BackendSearch::here(config.backend_paths.value.clone())
    }))
}

impl Loader for ConfigLoader {
    fn load(
        &mut self,
        request: &LoadRequest,
        progress: &(dyn Fn(LoadProgress<'_>) -> ControlFlow<()> + Sync),
    ) -> Result<Ready, Failure> {
        let (config, entry) = self.entry(&request.key)?;
        if framework(request, &entry) == REMOTE {
            return self.connect(&entry, progress).map(Ready::Away);
        }
        let checkpoint = self.checkpoint(&config, &entry)?;
        let text = checkpoint.text(&entry.tokens.value).map_err(damaged)?;
        let name = framework(request, &entry);
        let find = |registry: &Registry| find_for(registry, name, &entry);
        let (backend, plan) = self.prepare(request, &config, &entry, &checkpoint, find)?;
        let model = backend
            .load(&plan.spec, progress)
            .map_err(|error| of_backend(&*backend, &error))?;
        let mut loaded = describe(&entry, &checkpoint, text, &*backend, plan, &*model);
        check_special(&mut loaded)?;
        loaded.measured = measured(&loaded, &self.reader.environment);
        match Presets::load(&self.reader.environment) {
            Ok(presets) => loaded.presets = presets.of(&entry.preset_model()).cloned().collect(),
            Err(error) => loaded
                .facts
                .notes
                .push(format!("there are no presets: {}", with_causes(&error))),
        }
        Ok(Ready::Here(ReadyModel {
            model,
            attention: checkpoint.attention,
            strategies: STRATEGIES,
            loaded: Arc::new(loaded),
        }))
    }
}

impl ConfigLoader {
    fn connect(
        &self,
        entry: &ModelEntry,
        progress: &(dyn Fn(LoadProgress<'_>) -> ControlFlow<()> + Sync),
    ) -> Result<Box<dyn Answering>, Failure> {
        let remote = self.remote.as_ref().ok_or_else(|| Failure {
            kind: FailureKind::Backend,
            text: format!(
                "{} answers elsewhere, and this command asks nobody",
                entry.key
            ),
            hint: "choose a model of this machine".to_owned(),
        })?;
        remote.connect(entry, progress)
    }

    /// Writes a model as files of its backend's own kind into `folder`, which is there and empty.
    ///
    /// # Errors
    /// A [`Failure`] as for a load, also if the backend has no such files.
    pub fn export(
        &mut self,
        request: &LoadRequest,
        folder: &Path,
        progress: &(dyn Fn(LoadProgress<'_>) -> ControlFlow<()> + Sync),
    ) -> Result<(), Failure> {
        let (config, entry) = self.entry(&request.key)?;
        let checkpoint = self.checkpoint(&config, &entry)?;
        // What computes is not needed to write.
        let name = framework(request, &entry);
        let find = |registry: &Registry| registry.find_lacking(name);
        let (backend, plan) = self.prepare(request, &config, &entry, &checkpoint, find)?;
        backend
            .export(&plan.spec, folder, progress)
            .map_err(|error| of_backend(&*backend, &error))
    }

    /// What `backend`, wherever it comes from, would be told to load, and on which device.
    ///
    /// # Errors
    /// A [`Failure`] as for a load.
    pub fn plan(
        &mut self,
        request: &LoadRequest,
        backend: &dyn Backend,
    ) -> Result<LoadPlan, Failure> {
        let (config, entry) = self.entry(&request.key)?;
        match backend.probe() {
            // Options may give it what it lacks.
            Probe::Unusable { reason, remedy } if entry.options.value.is_empty() => {
                let name = backend.name().to_owned();
                return Err(unusable(&FindError::Unusable {
                    name,
                    reason,
                    remedy,
                }));
            }
            Probe::Usable { .. } | Probe::Unusable { .. } => {}
        }
        let checkpoint = self.checkpoint(&config, &entry)?;
        self.spec(request, &config, &entry, &checkpoint, backend)
    }

    fn checkpoint(&self, config: &Config, entry: &ModelEntry) -> Result<Checkpoint, Failure> {
        let locations = Locations::new(config, &self.reader.environment);
        Checkpoint::open(&entry.model_id.value, &locations).map_err(damaged)
    }

    /// The backend, its device, and what it is to load.
    fn prepare(
        &mut self,
        request: &LoadRequest,
        config: &Config,
        entry: &ModelEntry,
        checkpoint: &Checkpoint,
        find: impl Fn(&Registry) -> Result<Arc<dyn Backend>, FindError>,
    ) -> Result<(Arc<dyn Backend>, LoadPlan), Failure> {
        let backend = self
            .backend(config, find)
            .map_err(|error| unusable(&error))?;
        let plan = self.spec(request, config, entry, checkpoint, &*backend)?;
        Ok((backend, plan))
    }

    /// What `backend` is to load, on which of its devices.
    fn spec(
        &self,
        request: &LoadRequest,
        config: &Config,
        entry: &ModelEntry,
        checkpoint: &Checkpoint,
        backend: &dyn Backend,
    ) -> Result<LoadPlan, Failure> {
        // Above the file it was refused with the flags and variables.
        if let Some(text) = entry.threads.value.and_then(threads::refusal) {
            return Err(Failure {
                kind: FailureKind::Config,
                text: format!("{}: {text}", entry.key),
                hint: String::new(),
            });
        }
        let device = device(
            backend,
            request.device.as_ref().or(entry.device.value.as_ref()),
        )?;
        let asked = request
            .precision
            .as_ref()
            .or(entry.precision.value.as_ref());
        let locations = Locations::new(config, &self.reader.environment);
        let spec = |precision: &str| {
            let place = (device.id.as_str(), precision);
            load_spec(entry, checkpoint, place, &locations)
        };
        let chosen = precision(backend, &device, asked, |precision| {
            weights_bytes(backend, &spec(precision))
        })?;
        let spec = spec(&chosen.name);
        Ok(LoadPlan {
            device,
            spec,
            reason: chosen.reason,
        })
    }
}

/// The backends that a model wants in a process of their own.
fn isolation(config: &Config) -> Isolation {
    let isolated = config.models.iter().filter(|entry| entry.isolated.value);
    Isolation::of(isolated.map(|entry| entry.framework.value.clone()))
}

/// What is to be loaded, and where.
#[derive(Debug, Clone)]
pub struct LoadPlan {
    /// The device.
    pub device: Device,
    /// What its backend is told.
    pub spec: LoadSpec,
    /// Why it has its precision.
    pub reason: PrecisionReason,
}

/// The name of the backend that is asked for.
fn framework<'a>(request: &'a LoadRequest, entry: &'a ModelEntry) -> &'a str {
    request.framework.as_ref().unwrap_or(&entry.framework.value)
}
