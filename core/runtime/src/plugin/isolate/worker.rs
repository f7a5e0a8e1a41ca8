//! The worker: a process that opens one library and does with it what the program requests.

use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use ipc_channel::IpcError;
use ipc_channel::ipc::{self, IpcSender};
use unmask_api::abi::kind;
use unmask_api::{
    Backend, BackendError, Device, LoadProgress, Model, ModelFacts, Probe, SessionSpec,
};

use super::super::backend::{self, PluginBackend};
use super::message::{
    Description, DeviceMessage, ErrorMessage, Facts, Hello, ProbeMessage, Request, Response,
    VERSION,
};
use super::output::redirect_log;
use super::worker_session::serve_session;

/// Serves the program at the other end of `channel` until it is gone; whatever still runs is the caller's to end.
///
/// # Errors
/// If there is no such channel.
pub fn serve(channel_name: String) -> Result<(), io::Error> {
    let (send_requests, requests) = ipc::channel()?;
    let (responses, receive_responses) = ipc::channel()?;
    let hello = Hello {
        version: VERSION.to_owned(),
        requests: send_requests,
        responses: receive_responses,
        log: redirect_log()?,
    };
    IpcSender::connect(channel_name)?
        .send(hello)
        .map_err(io::Error::other)?;
    let stop = Arc::new(AtomicBool::new(false));
    let (work, inbox) = channel();
    let worker = Worker {
        responses: Mutex::new(responses),
        stop: Arc::clone(&stop),
        backend: None,
        model: None,
    };
    thread::Builder::new()
        .name("backend".to_owned())
        .spawn(move || worker.run(&inbox))?;
    // Whatever the worker does, this thread sees the end of the program.
    while let Ok(request) = requests.recv() {
        match request {
            Request::Cancel => stop.store(true, Ordering::Relaxed),
            request => {
                if work.send(request).is_err() {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Does what takes time.
struct Worker {
    responses: Mutex<IpcSender<Response>>,
    /// Raised when a load is to stop.
    stop: Arc<AtomicBool>,
    backend: Option<Arc<PluginBackend>>,
    model: Option<Box<dyn Model>>,
}

impl Worker {
    fn run(mut self, inbox: &Receiver<Request>) {
        while let Ok(request) = inbox.recv() {
            let response = self.respond(request);
            let response =
                response.unwrap_or_else(|error| Response::Failed(ErrorMessage::of(&error)));
            if self.send(response).is_err() {
                return;
            }
        }
    }

    fn send(&self, response: Response) -> Result<(), IpcError> {
        let responses = self.responses.lock();
        let responses = responses.unwrap_or_else(PoisonError::into_inner);
        responses.send(response)
    }

    fn respond(&mut self, request: Request) -> Result<Response, BackendError> {
        let early =
            || BackendError::Invalid("the process was asked before it was ready".to_owned());
        let progress = |at: LoadProgress<'_>| {
            let sent = self.send(Response::Progress {
                stage: at.stage.to_owned(),
                done: at.done,
                total: at.total,
            });
            match sent.is_err() || self.stop.load(Ordering::Relaxed) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        match request {
            Request::Open(library) => {
                let backend = backend::start(&library);
                let backend = backend.map_err(|error| BackendError::Device(error.to_string()))?;
                let description = describe(&backend);
                self.backend = Some(backend);
                Ok(Response::Opened(description))
            }
            Request::Check(spec) => {
                let backend = self.backend.as_ref().ok_or_else(early)?;
                Ok(Response::Checked(backend.check(&spec.spec())?.into()))
            }
            Request::Load(spec) => {
                let backend = self.backend.as_ref().ok_or_else(early)?;
                let model = backend.load(&spec.spec(), &progress)?;
                let facts = facts(model.facts());
                self.model = Some(model);
                Ok(Response::Loaded(facts))
            }
            Request::Export(spec, folder) => {
                let backend = self.backend.as_ref().ok_or_else(early)?;
                backend.export(&spec.spec(), &folder, &progress)?;
                Ok(Response::Done)
            }
            Request::Cancel => Ok(Response::Done),
            Request::Session {
                cells,
                slots,
                requests,
                responses,
            } => {
                let model = self.model.as_ref().ok_or_else(early)?;
                let session = model.session(SessionSpec { cells, slots })?;
                thread::Builder::new()
                    .name("session".to_owned())
                    .spawn(move || serve_session(session, &requests, &responses))
                    .map_err(|error| BackendError::Device(error.to_string()))?;
                Ok(Response::Done)
            }
        }
    }
}

fn describe(backend: &PluginBackend) -> Description {
    let (probe, devices) = match backend.examine() {
        Ok((Probe::Usable { score }, devices)) => (ProbeMessage::Usable { score }, devices),
        // A model's options may give it what it lacks.
        Ok((Probe::Unusable { reason, remedy }, _)) => {
            (ProbeMessage::Unusable { reason, remedy }, backend.devices())
        }
        Err(error) => (ProbeMessage::Failed(error.to_string()), Vec::new()),
    };
    Description {
        name: backend.name().to_owned(),
        version: backend.version().to_owned(),
        runtimes: backend.runtimes.clone(),
        probe,
        devices: devices.into_iter().map(device).collect(),
    }
}

fn device(device: Device) -> DeviceMessage {
    DeviceMessage {
        id: device.id,
        name: device.name,
        kind: kind::of(device.kind),
        total_bytes: device.total_bytes,
        free_bytes: device.free_bytes,
        precisions: device.precisions,
        ranked: device.ranked,
    }
}

fn facts(facts: ModelFacts) -> Facts {
    Facts {
        // One that does not fit is refused as the 0 is.
        vocab: u32::try_from(facts.vocab).unwrap_or(0),
        max_positions: facts.max_positions,
        memory_bytes: facts.memory_bytes,
        cell_bytes: facts.cell_bytes,
        capabilities: facts.capabilities.0,
        precision: facts.precision,
        notes: facts.notes,
    }
}
