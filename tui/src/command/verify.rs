//! `unmask backends verify`, and `unmask doctor --conformance`: holds a backend against what the contract promises.

mod known;
mod report;
mod supervise;

use std::time::Duration;

use anyhow::Context as _;
use unmask_conformance::{Grid, all_known};
use unmask_core::api::{Device, ErrorCode, LoadSpec, with_causes};
use unmask_core::config::ConfigReader;
use unmask_core::engine::{Failure, FailureKind, LoadRequest};
use unmask_core::leftovers::temporary_folder;
use unmask_core::loader::{ConfigLoader, discover};
use unmask_core::plugin::Granted;
use unmask_core::plugin::isolate::ask;

use super::approve::as_path;
use super::meter::ProgressMeter;
use super::signals::Interrupts;
use super::{code, print};
use crate::cli::{TableFormat, VerifyArguments};
use supervise::Supervisor;
pub(super) use supervise::serve;

/// What is examined.
struct Subject {
    name: String,
    version: String,
    library: Granted,
    device: Device,
    spec: LoadSpec,
    model: String,
}

pub(super) fn run(reader: ConfigReader, arguments: &VerifyArguments) -> anyhow::Result<u8> {
    let gaps = match &arguments.known {
        Some(file) => known::read(file)?,
        None => Vec::new(),
    };
    let asked = reader.overrides.precision.clone();
    let interrupts = Interrupts::watch()?;
    // Where the processes make the files that a backend has to refuse.
    let folder = temporary_folder(&reader.environment, "verify")
        .context("cannot make a folder for files that a backend has to refuse")?;
    let subject = Subject::find(reader, &arguments.what)?;
    let precisions = match asked {
        Some(precision) => vec![precision],
        None => subject.device.precisions.clone(),
    };
    let supervisor = Supervisor {
        subject: &subject,
        grid: Grid::of(precisions),
        known: all_known(gaps),
        patience: Duration::from_secs_f64(arguments.patience),
        folder: folder.path(),
        interrupts: &interrupts,
    };
    let mut meter = ProgressMeter::new(false);
    let total = supervisor.grid.questions() as u64;
    let report = supervisor.report(&mut |done, word| {
        meter.at_with("trying every case", word, done as u64, total);
    });
    meter.clear();
    let report = report?;
    print(&match arguments.format {
        TableFormat::Text => report::text(&subject, &report),
        TableFormat::Json => format!("{}\n", report::object(&subject, &report)),
    })?;
    Ok(match report.failures().next() {
        None => code::DONE,
        Some(_) => code::GENERATION,
    })
}

impl Subject {
    /// The library `what`, by path or name, with the model and the device of the configuration and the flags above it.
    ///
    /// Nothing of the library runs in this process.
    fn find(reader: ConfigReader, what: &str) -> anyhow::Result<Self> {
        let library = match as_path(what, &reader.environment) {
            // Whoever names a file vouches for it, as by `--plugin`.
            Some(path) => Granted::vouched(&std::path::absolute(path)?).map_err(no_backend)?,
            None => installed(&reader, what)?,
        };
        let backend = ask(&library).map_err(no_backend)?;
        let config = reader.read()?;
        let model = config.active.value.clone();
        let request = LoadRequest {
            key: model.clone(),
            ..LoadRequest::default()
        };
        let mut plan = ConfigLoader::new(config, reader).plan(&request, &*backend)?;
        // Those that are for other files than the model's are not asked.
        let goes = |precision: &String| {
            let spec = LoadSpec {
                precision: precision.clone(),
                ..plan.spec.clone()
            };
            let checked = backend.check(&spec);
            !checked.is_err_and(|error| error.code() == ErrorCode::Unsupported)
        };
        if plan.device.precisions.iter().any(goes) {
            plan.device.precisions.retain(goes);
        }
        Ok(Self {
            name: backend.name().to_owned(),
            version: backend.version().to_owned(),
            library,
            device: plan.device,
            spec: LoadSpec {
                // Nothing is to be left behind, or found from before.
                cache_folder: None,
                ..plan.spec
            },
            model,
        })
    }
}

/// The library of the installed backend `name`.
fn installed(reader: &ConfigReader, name: &str) -> anyhow::Result<Granted> {
    let mut reader = reader.clone();
    reader.overrides.framework = Some(name.to_owned());
    reader.overrides.isolated = Some(true);
    let registry = discover(&reader.read()?, &reader.environment);
    Ok(registry.library(name).map_err(no_backend)?)
}

fn no_backend(error: impl std::error::Error) -> Failure {
    Failure {
        kind: FailureKind::Backend,
        text: with_causes(&error),
        hint: "see `unmask backends`".to_owned(),
    }
}
