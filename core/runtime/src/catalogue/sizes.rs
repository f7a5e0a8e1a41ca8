//! What backends say that models would take, each asked once.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use unmask_api::{Backend, Device};

use crate::checkpoint::{Checkpoint, Locations};
use crate::config::ModelEntry;
use crate::loader::{known_spec, load_spec, weights_bytes};
use crate::plugin::Registry;
use crate::precision::ChosenPrecision;

/// What the backends say that models' weights would take. What several entries share is asked once.
pub(super) struct ModelSizes<'a> {
    pub(super) registry: &'a Registry,
    locations: &'a Locations,
    /// By the model; `None` if it cannot be opened.
    checkpoints: HashMap<String, Option<Checkpoint>>,
    asked: HashMap<SizeQuestion, Option<u64>>,
    /// By what entries say of backend and device: asking a backend takes a while.
    places: HashMap<EntryPlace, Result<BackendDevice, String>>,
}

/// What decides which device an entry means: backend, device, options, and whether it is isolated.
type EntryPlace = (String, Option<String>, String, bool);

type BackendDevice = (Arc<dyn Backend>, Device);

/// What the size of weights depends on.
#[derive(PartialEq, Eq, Hash)]
struct SizeQuestion {
    model: String,
    framework: String,
    device: String,
    precision: String,
    options: String,
    threads: Option<NonZeroU32>,
}

impl<'a> ModelSizes<'a> {
    pub(super) fn new(registry: &'a Registry, locations: &'a Locations) -> Self {
        Self {
            registry,
            locations,
            checkpoints: HashMap::new(),
            asked: HashMap::new(),
            places: HashMap::new(),
        }
    }

    /// The device and the precision that the entry means, or why there are none.
    pub(super) fn own(
        &mut self,
        entry: &ModelEntry,
        is_ready: bool,
    ) -> Result<(Device, ChosenPrecision), String> {
        let place = (
            entry.framework.value.clone(),
            entry.device.value.clone(),
            entry.options_json(),
            entry.isolated.value,
        );
        let registry = self.registry;
        let found = self.places.entry(place);
        let (backend, device) = found.or_insert_with(|| find(entry, registry)).clone()?;
        let (name, asked) = (&entry.framework.value, entry.precision.value.as_ref());
        let needs = |precision: &str| self.weights((entry, is_ready), name, &device.id, precision);
        let chosen = crate::loader::precision(&*backend, &device, asked, needs);
        Ok((device, chosen.map_err(|failure| failure.to_string())?))
    }

    /// Bytes in memory, unless the backend cannot tell or would refuse the load.
    pub(super) fn weights(
        &mut self,
        (entry, is_ready): (&ModelEntry, bool),
        framework: &str,
        device: &str,
        precision: &str,
    ) -> Option<u64> {
        let question = SizeQuestion {
            model: entry.model_id.value.to_string(),
            framework: framework.to_owned(),
            device: device.to_owned(),
            precision: precision.to_owned(),
            options: entry.options_json(),
            threads: entry.threads.value,
        };
        if let Some(known) = self.asked.get(&question) {
            return *known;
        }
        let told = self.ask(entry, is_ready, &question);
        self.asked.insert(question, told);
        told
    }

    fn ask(&mut self, entry: &ModelEntry, is_ready: bool, question: &SizeQuestion) -> Option<u64> {
        let place = (&*question.device, &*question.precision);
        let spec = match is_ready {
            true => {
                let opened = self.checkpoints.entry(question.model.clone());
                let open = || Checkpoint::open(&entry.model_id.value, self.locations).ok();
                let checkpoint = opened.or_insert_with(open).as_ref()?;
                load_spec(entry, checkpoint, place, self.locations)
            }
            false => known_spec(entry, place)?,
        };
        let backend = self.registry.find_lacking(&question.framework).ok()?;
        weights_bytes(&*backend, &spec)
    }
}

/// The backend and the device that the entry means, or why there are none.
fn find(entry: &ModelEntry, registry: &Registry) -> Result<BackendDevice, String> {
    let backend = crate::loader::find_for(registry, &entry.framework.value, entry);
    let backend = backend.map_err(|error| error.to_string())?;
    let device = crate::loader::device(&*backend, entry.device.value.as_ref());
    Ok((backend, device.map_err(|failure| failure.to_string())?))
}
