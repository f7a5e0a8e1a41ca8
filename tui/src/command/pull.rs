//! `unmask pull`: a model of the Hugging Face hub into Hugging Face's own cache, once it is known what it needs.

use std::ops::ControlFlow;

use unmask::amount::{bytes, counted};
use unmask::fetching::{Fetch, FetchError, FetchPlan, advice, hub, hub_model, quantisation};
use unmask_core::config::{Config, Environment};
use unmask_core::engine::{Failure, FailureKind};
use unmask_download::DownloadError;
use unmask_download::hub::{Hub, HubModel};

use super::meter::ProgressMeter;
use super::signals::Interrupts;
use super::{code, print};
use crate::cli::PullArguments;

pub(super) fn run(
    config: Config,
    environment: &Environment,
    arguments: &PullArguments,
) -> anyhow::Result<u8> {
    let model = hub_model(&config, arguments.revision.as_deref())?;
    let hub = hub(&config, environment).map_err(plain)?;
    let interrupts = Interrupts::watch()?;
    let mut meter = ProgressMeter::until(arguments.quiet, interrupts);
    let failed = |error, meter: &ProgressMeter| failure(error, meter, &hub, &model);
    let fetch = Fetch::look(hub.clone(), &model, quantisation(&config));
    let mut fetch = fetch.map_err(|error| failed(error, &meter))?;
    let go_on = |meter: &ProgressMeter| match meter.check() {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    let plan = FetchPlan::make(&config, environment, &mut fetch, &mut || go_on(&meter))
        .map_err(|error| failed(error, &meter))?;
    match arguments.dry_run {
        true => print(&plan.text)?,
        false => meter.note(plan.text.trim_end()),
    }
    if let (Some(obstacle), false) = (&plan.obstacle, arguments.force) {
        let text = format!("{} was not fetched: {obstacle}", model.id());
        return Err(Failure {
            kind: FailureKind::Model,
            text,
            hint: "--force fetches it all the same".to_owned(),
        }
        .into());
    }
    if arguments.dry_run {
        return Ok(code::DONE);
    }
    let stage = format!("fetching {}", model.id());
    let files = fetch.files.len();
    let pulled = fetch.pull(&mut |progress| {
        let word = match progress.is_waiting {
            true => format!("{} (waiting)", counted(files, "file")),
            false => counted(files, "file"),
        };
        meter.at_with(&stage, &word, progress.fetched, progress.total);
        go_on(&meter)
    });
    let pulled = pulled.map_err(|error| failed(error, &meter))?;
    meter.clear();
    print(&format!(
        "{} is in {}, {} came now; start it with: unmask -m {}\n",
        model.id(),
        environment.short(&pulled.folder),
        bytes(pulled.fetched),
        plan.name
    ))?;
    Ok(code::DONE)
}

/// Refusals and errors of the configuration as they are, which have exit codes of their own.
fn plain(error: FetchError) -> anyhow::Error {
    match error {
        FetchError::Refused(failure) => failure.into(),
        FetchError::Config(error) => error.into(),
        other => other.into(),
    }
}

/// The error with what to do about it.
fn failure(error: FetchError, meter: &ProgressMeter, hub: &Hub, model: &HubModel) -> anyhow::Error {
    let error = match error {
        FetchError::Download(error) => error,
        other => return plain(other),
    };
    if let (DownloadError::Stopped, Err(interrupted)) = (&error, meter.check()) {
        return interrupted.into();
    }
    let hint = advice(&error, hub, model);
    let error = anyhow::Error::new(error);
    match hint.as_str() {
        "" => error,
        _ => error.context(hint),
    }
}
