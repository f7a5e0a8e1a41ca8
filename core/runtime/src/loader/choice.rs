//! Which backend, device and precision a load gets.

use std::sync::Arc;

use unmask_api::{Backend, Device};

use crate::config::ModelEntry;
use crate::engine::{Failure, FailureKind};
use crate::plugin::{FindError, Fit, Registry, Running};

/// As a load of `entry` finds its backend: options may name what it lacks, and it runs where the entry wants it.
pub(crate) fn find_for(
    registry: &Registry,
    name: &str,
    entry: &ModelEntry,
) -> Result<Arc<dyn Backend>, FindError> {
    let fit = match entry.options.value.is_empty() {
        true => Fit::Usable,
        false => Fit::Lacking,
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

/// The precision of `device` that is asked for, or its first.
pub(crate) fn precision(
    backend: &dyn Backend,
    device: &Device,
    asked: Option<&String>,
) -> Result<String, Failure> {
    let offered = device.precisions.join(", ");
    let found = match asked {
        Some(name) => device.precisions.iter().find(|offered| *offered == name),
        None => device.precisions.first(),
    };
    found.cloned().ok_or_else(|| Failure {
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
