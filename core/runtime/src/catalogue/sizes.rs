//! What backends say that models would take, each asked once.

use std::collections::HashMap;
use std::num::NonZeroU32;

use unmask_api::Device;

use crate::checkpoint::{Checkpoint, Locations};
use crate::config::ModelEntry;
use crate::loader::{known_spec, load_spec};
use crate::plugin::Registry;

/// What the backends say that models' weights would take. What several entries share is asked once.
pub(super) struct ModelSizes<'a> {
    pub(super) registry: &'a Registry,
    locations: &'a Locations,
    /// By the model; `None` if it cannot be opened.
    checkpoints: HashMap<String, Option<Checkpoint>>,
    asked: HashMap<SizeQuestion, Option<u64>>,
    /// By what entries say of backend, device and precision.
    meant: HashMap<EntryDevice, Result<(Device, String), String>>,
}

/// What decides which device and precision an entry means.
type EntryDevice = (String, Option<String>, Option<String>, String, bool);

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
            meant: HashMap::new(),
        }
    }

    /// The device and the precision that the entry means, or why there are none: asking a backend takes a while.
    pub(super) fn own(&mut self, entry: &ModelEntry) -> Result<(Device, String), String> {
        let said = (
            entry.framework.value.clone(),
            entry.device.value.clone(),
            entry.precision.value.clone(),
            entry.options_json(),
            entry.isolated.value,
        );
        let registry = self.registry;
        let meant = self.meant.entry(said);
        meant.or_insert_with(|| own(entry, registry)).clone()
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
        let estimate = backend.check(&spec).ok()?;
        Some(estimate.weights_bytes).filter(|&bytes| bytes > 0)
    }
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
