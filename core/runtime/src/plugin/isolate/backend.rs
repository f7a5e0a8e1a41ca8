//! A library in a process of its own, shown as a [`Backend`].

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use unmask_api::abi::{DeviceRow, Room, size_u32};
use unmask_api::{Backend, BackendError, Device, LoadProgress, LoadSpec, Model, Probe, Progress};

use super::super::check;
use super::super::trust::Granted;
use super::message::{Answer, Condition, DeviceMessage, Opened, Request, Spec, utf8};
use super::model::IsolatedModel;
use super::process::{Process, Talk};
use super::{GLANCE, LOAD_STOPS, Launcher};

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
}

/// A backend that was asked what it is.
pub(in super::super) struct Met {
    pub(in super::super) backend: IsolatedBackend,
    /// Whether it can be used; else why it fails when asked.
    pub(in super::super) probe: Result<Probe, String>,
}

/// Asks a library that was just granted what it is, in a process of its own.
///
/// # Errors
/// If it cannot be opened, or ends its process.
pub(in super::super) fn meet(library: &Granted, launcher: &Launcher) -> Result<Met, BackendError> {
    let (_process, opened) = Process::start(launcher, library.path())?;
    let Opened {
        name,
        version,
        runtimes,
        condition,
        devices,
    } = opened;
    let probe = match condition {
        Condition::Usable { score } => Ok(Probe::Usable { score }),
        Condition::Unusable { reason, remedy } => Ok(Probe::Unusable { reason, remedy }),
        Condition::Broken(why) => Err(why),
    };
    let backend = IsolatedBackend {
        launcher: launcher.clone(),
        library: library.clone(),
        name,
        version,
        runtimes,
        probe: probe.clone().unwrap_or_else(|reason| Probe::Unusable {
            reason,
            remedy: String::new(),
        }),
        devices: devices.iter().map(device).collect(),
    };
    Ok(Met { backend, probe })
}

/// As the same test has it that plugins in this process pass.
fn device(said: &DeviceMessage) -> Device {
    let mut row = DeviceRow {
        struct_size: size_u32::<DeviceRow>(),
        kind: said.kind,
        total_bytes: said.total_bytes,
        free_bytes: said.free_bytes,
        id: Room::default(),
        name: Room::default(),
        precisions: Room::default(),
    };
    row.id.write(&said.id);
    row.name.write(&said.name);
    row.precisions.write(&said.precisions);
    check::device(&row)
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

    fn load(
        &self,
        spec: &LoadSpec,
        progress: &Progress<'_>,
    ) -> Result<Box<dyn Model>, BackendError> {
        let spec = Spec::of(spec)?;
        let process = self.start()?;
        match work(&process, Request::Load(spec), progress)? {
            Answer::Loaded(facts) => Ok(Box::new(IsolatedModel::new(Arc::new(process), &facts)?)),
            _ => Err(process.nonsense()),
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
        let process = self.start()?;
        match work(&process, request, progress)? {
            Answer::Done => Ok(()),
            _ => Err(process.nonsense()),
        }
    }
}

impl IsolatedBackend {
    fn start(&self) -> Result<Process, BackendError> {
        let path = self.library.path_still().map_err(BackendError::Device)?;
        let (process, opened) = Process::start(&self.launcher, path)?;
        match opened.name == self.name {
            true => Ok(process),
            false => Err(BackendError::Device(format!(
                "{} was {} and is now {}; look for backends again",
                path.display(),
                self.name,
                opened.name
            ))),
        }
    }
}

/// Has `request` carried out, with its progress told; whoever listens may break it off at any time.
fn work(
    process: &Process,
    request: Request,
    progress: &Progress<'_>,
) -> Result<Answer, BackendError> {
    let talk = process.talk();
    process.ask(&talk, request)?;
    let (mut stage, mut done, mut total) = (String::new(), 0, 0);
    loop {
        match process.answer(&talk, GLANCE * 10)? {
            Some(Answer::Progress {
                stage: now,
                done: by_now,
                total: of,
            }) => (stage, done, total) = (now, by_now, of),
            Some(Answer::Failed(fault)) => return Err(fault.error()),
            Some(answer) => return Ok(answer),
            // Nothing new is told again: who listens can only say by this that it is to stop.
            None if stage.is_empty() => "opening".clone_into(&mut stage),
            None => {}
        }
        let at = LoadProgress {
            stage: &stage,
            done,
            total,
        };
        if let ControlFlow::Break(()) = progress(at) {
            break_off(process, &talk)?;
            return Err(BackendError::Cancelled);
        }
    }
}

/// Gives the host a moment to stop by itself, so that it can put away what it was writing.
fn break_off(process: &Process, talk: &Talk) -> Result<(), BackendError> {
    process.ask(talk, Request::GiveUp)?;
    let asked = Instant::now();
    while asked.elapsed() < LOAD_STOPS {
        match process.answer(talk, GLANCE)? {
            None | Some(Answer::Progress { .. }) => {}
            Some(_) => return Ok(()),
        }
    }
    process.end("did not stop loading when asked and was ended".to_owned());
    Ok(())
}
