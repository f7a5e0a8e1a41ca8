//! A library in a process of its own, shown as a [`Backend`].

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use unmask_api::abi::kind;
use unmask_api::{
    Backend, BackendError, Device, Estimate, LoadProgress, LoadSpec, Model, Probe, Progress,
};

use super::super::check::utf8;
use super::super::trust::Granted;
use super::message::{DeviceMessage, ProbeMessage, Request, Response, Spec};
use super::model::IsolatedModel;
use super::process::{ControlChannel, Process};
use super::{CANCEL_TIMEOUT, Launcher, POLL_INTERVAL};

/// A backend whose every model has a process. What it says of itself was asked once, in a process that has ended.
pub(in super::super) struct IsolatedBackend {
    launcher: Launcher,
    library: Granted,
    name: String,
    version: String,
    /// What it says of the libraries that it opens itself; empty if nothing.
    pub(in super::super) runtimes: String,
    probe: Probe,
    devices: Vec<Device>,
    /// The process that answers `check`, until a load takes it: a picker asks about every model there is.
    idle: Mutex<Option<Process>>,
}

/// A backend that was asked what it is.
pub(in super::super) struct Described {
    pub(in super::super) backend: IsolatedBackend,
    /// Whether it can be used; else why it fails when asked.
    pub(in super::super) probe: Result<Probe, String>,
}

/// Asks a library that was just granted what it is, in a process of its own.
///
/// # Errors
/// If it cannot be opened, or ends its process.
pub(in super::super) fn describe(
    library: &Granted,
    launcher: &Launcher,
) -> Result<Described, BackendError> {
    let (_process, description) = Process::start(launcher, library)?;
    let probe = match description.probe {
        ProbeMessage::Usable { score } => Ok(Probe::Usable { score }),
        ProbeMessage::Unusable { reason, remedy } => Ok(Probe::Unusable { reason, remedy }),
        ProbeMessage::Failed(why) => Err(why),
    };
    let backend = IsolatedBackend {
        launcher: launcher.clone(),
        library: library.clone(),
        name: description.name,
        version: description.version,
        runtimes: description.runtimes,
        probe: probe.clone().unwrap_or_else(|reason| Probe::Unusable {
            reason,
            remedy: String::new(),
        }),
        devices: description.devices.into_iter().map(device).collect(),
        idle: Mutex::new(None),
    };
    Ok(Described { backend, probe })
}

fn device(message: DeviceMessage) -> Device {
    Device {
        id: message.id,
        name: message.name,
        kind: kind::named(message.kind),
        total_bytes: message.total_bytes,
        free_bytes: message.free_bytes,
        precisions: message.precisions,
        ranked: message.ranked,
    }
}

impl Backend for IsolatedBackend {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn probe(&self) -> Probe {
        self.probe.clone()
    }

    fn devices(&self) -> Vec<Device> {
        self.devices.clone()
    }

    fn check(&self, spec: &LoadSpec) -> Result<Estimate, BackendError> {
        let request = Request::Check(Spec::of(spec)?);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let process = match idle.take().filter(Process::is_alive) {
            Some(process) => process,
            None => self.start()?,
        };
        let control = process.control();
        process.ask(&control, request)?;
        let response = process.quick_response(&control, "to check a model");
        drop(control);
        match response {
            Ok(Response::Checked(estimate)) => {
                *idle = Some(process);
                Ok(estimate.into())
            }
            Ok(_) => Err(process.protocol_error()),
            // One that is gone is not asked again.
            Err(error @ BackendError::Gone { .. }) => Err(error),
            Err(error) => {
                *idle = Some(process);
                Err(error)
            }
        }
    }

    fn load(
        &self,
        spec: &LoadSpec,
        progress: &Progress<'_>,
    ) -> Result<Box<dyn Model>, BackendError> {
        let spec = Spec::of(spec)?;
        let process = self.take_process()?;
        match work(&process, Request::Load(spec), progress)? {
            Response::Loaded(facts) => Ok(Box::new(IsolatedModel::new(Arc::new(process), facts)?)),
            _ => Err(process.protocol_error()),
        }
    }

    fn export(
        &self,
        spec: &LoadSpec,
        folder: &Path,
        progress: &Progress<'_>,
    ) -> Result<(), BackendError> {
        utf8(folder)?;
        let request = Request::Export(Spec::of(spec)?, folder.to_owned());
        let process = self.take_process()?;
        match work(&process, request, progress)? {
            Response::Done => Ok(()),
            _ => Err(process.protocol_error()),
        }
    }
}

impl IsolatedBackend {
    /// A process for a model: the idle one, if the library is still what it was.
    fn take_process(&self) -> Result<Process, BackendError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        match idle.take() {
            Some(process) if process.is_alive() && self.library.is_unchanged() => Ok(process),
            Some(_) | None => self.start(),
        }
    }

    fn start(&self) -> Result<Process, BackendError> {
        let (process, description) = Process::start(&self.launcher, &self.library)?;
        match description.name == self.name {
            true => Ok(process),
            false => Err(BackendError::Device(format!(
                "{} was {} and is now {}; look for backends again",
                self.library.path().display(),
                self.name,
                description.name
            ))),
        }
    }
}

/// Has `request` carried out, with its progress told; the listener may break it off at any time.
fn work(
    process: &Process,
    request: Request,
    progress: &Progress<'_>,
) -> Result<Response, BackendError> {
    let control = process.control();
    process.ask(&control, request)?;
    let (mut stage, mut done, mut total) = (String::new(), 0, 0);
    loop {
        match process.response(&control, POLL_INTERVAL * 10)? {
            Some(Response::Progress {
                stage: now,
                done: by_now,
                total: of,
            }) => (stage, done, total) = (now, by_now, of),
            Some(Response::Failed(error)) => return Err(error.error()),
            Some(response) => return Ok(response),
            // Nothing new is told again: the listener can only say by this that the work is to stop.
            None if stage.is_empty() => "opening".clone_into(&mut stage),
            None => {}
        }
        let at = LoadProgress {
            stage: &stage,
            done,
            total,
        };
        if let ControlFlow::Break(()) = progress(at) {
            cancel(process, &control)?;
            return Err(BackendError::Cancelled);
        }
    }
}

/// Gives the worker a moment to stop by itself, so that it can put away what it was writing.
fn cancel(process: &Process, control: &ControlChannel) -> Result<(), BackendError> {
    process.ask(control, Request::Cancel)?;
    let asked = Instant::now();
    while asked.elapsed() < CANCEL_TIMEOUT {
        match process.response(control, POLL_INTERVAL)? {
            None | Some(Response::Progress { .. }) => {}
            Some(_) => return Ok(()),
        }
    }
    process.end("did not stop loading when asked and was ended".to_owned());
    Ok(())
}
