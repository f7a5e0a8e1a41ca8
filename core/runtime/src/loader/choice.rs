//! Which backend, device and precision a load gets.

use std::path::PathBuf;
use std::sync::Arc;

use unmask_api::{Backend, Device, LoadSpec};

use crate::checkpoint::{Checkpoint, Locations, known_config};
use crate::config::ModelEntry;
use crate::engine::{Failure, FailureKind};
use crate::family::detect;
use crate::plugin::{BackendFilter, FindError, Registry, Running};
use crate::precision::{ChosenPrecision, choose};

/// As a load of `entry` finds its backend: options may name what it lacks, and it runs where the entry wants it.
pub(crate) fn find_for(
    registry: &Registry,
    name: &str,
    entry: &ModelEntry,
) -> Result<Arc<dyn Backend>, FindError> {
    let fit = match entry.options.value.is_empty() {
        true => BackendFilter::Usable,
        false => BackendFilter::Lacking,
    };
    registry.find_running(name, fit, running(entry))
}

/// Where the backend of `entry` is to run.
pub(super) fn running(entry: &ModelEntry) -> Running {
    match entry.isolated.value {
        true => Running::Alone,
        false => Running::Here,
    }
}

/// What is loaded of `checkpoint`, on a device and in a precision that the backend has.
pub(crate) fn load_spec(
    entry: &ModelEntry,
    checkpoint: &Checkpoint,
    (device, precision): (&str, &str),
    locations: &Locations,
) -> LoadSpec {
    LoadSpec {
        family: checkpoint.family.name.to_owned(),
        folder: checkpoint.folder().to_owned(),
        weights: checkpoint.weights.clone(),
        config_json: checkpoint.config_json.clone(),
        device: device.to_owned(),
        precision: precision.to_owned(),
        threads: entry.threads.value,
        attention: checkpoint.attention,
        cache_folder: (locations.cache.as_ref()).map(|folder| folder.join("weights")),
        options_json: entry.options_json(),
    }
}

/// What the weights of a load would take, unless the backend cannot tell or would refuse it.
pub(crate) fn weights_bytes(backend: &dyn Backend, spec: &LoadSpec) -> Option<u64> {
    let estimate = backend.check(spec).ok()?;
    Some(estimate.weights_bytes).filter(|&bytes| bytes > 0)
}

/// As [`load_spec`], for a model that is known although it is not on this machine.
pub(crate) fn known_spec(
    entry: &ModelEntry,
    (device, precision): (&str, &str),
) -> Option<LoadSpec> {
    let config = known_config(&entry.model_id.value)?;
    let called = entry.model_id.value.to_string();
    let family = detect(config, &called).ok()?;
    Some(LoadSpec {
        family: family.name.to_owned(),
        folder: PathBuf::new(),
        weights: Vec::new(),
        config_json: config.to_string(),
        device: device.to_owned(),
        precision: precision.to_owned(),
        threads: entry.threads.value,
        attention: family.attention(config, &called).ok()?,
        cache_folder: None,
        options_json: entry.options_json(),
    })
}

/// The device of `backend` that is asked for, or its first.
pub(crate) fn device(backend: &dyn Backend, asked: Option<&String>) -> Result<Device, Failure> {
    let devices = backend.devices();
    let found = match asked {
        Some(id) => devices.iter().find(|device| device.id == *id),
        None => devices.first(),
    };
    found.cloned().ok_or_else(|| {
        let ids: Vec<&str> = devices.iter().map(|device| device.id.as_str()).collect();
        Failure {
            kind: FailureKind::Backend,
            text: match asked {
                Some(id) => format!("{} has no device `{id}`", backend.name()),
                None => format!("{} finds no device to compute on", backend.name()),
            },
            hint: match ids.is_empty() {
                true => "see `unmask backends`".to_owned(),
                false => format!("it has {}", ids.join(", ")),
            },
        }
    })
}

/// The precision of `device` that is asked for, or the one that is best here; `needs` tells what the weights take in one.
pub(crate) fn precision(
    backend: &dyn Backend,
    device: &Device,
    asked: Option<&String>,
    needs: impl FnMut(&str) -> Option<u64>,
) -> Result<ChosenPrecision, Failure> {
    let offered = device.precisions.join(", ");
    choose(device, asked.map(String::as_str), needs).ok_or_else(|| Failure {
        kind: FailureKind::Config,
        text: match asked {
            Some(name) => format!(
                "{} on {} has no precision `{name}`",
                backend.name(),
                device.id
            ),
            None => format!("{} offers no precision on {}", backend.name(), device.id),
        },
        hint: match offered.is_empty() {
            true => "see `unmask backends`".to_owned(),
            false => format!("it offers {offered}"),
        },
    })
}
