//! The host: a process that opens one library and does with it what the program asks for.

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
    Backend, BackendError, Device, DeviceKind, LoadProgress, Model, ModelFacts, Probe, SessionSpec,
};

use super::super::remote::{self, RemoteBackend};
use super::attend::attend;
use super::message::{
    Answer, Condition, DeviceMessage, Facts, Fault, Hello, Opened, Request, VERSION,
};
use super::told::send_notes;

/// Serves the program at the other end of `channel` until it is gone; whatever still runs is the caller's to end.
///
/// # Errors
/// If there is no such channel.
pub fn serve(channel_name: String) -> Result<(), io::Error> {
    let (send_requests, requests) = ipc::channel()?;
    let (answers, receive_answers) = ipc::channel()?;
    let notes = send_notes()?;
    let hello = Hello {
        version: VERSION.to_owned(),
        requests: send_requests,
        answers: receive_answers,
        notes,
    };
    IpcSender::connect(channel_name)?
        .send(hello)
        .map_err(io::Error::other)?;
    let stop = Arc::new(AtomicBool::new(false));
    let (work, inbox) = channel();
    let worker = Worker {
        answers: Mutex::new(answers),
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
            Request::GiveUp => stop.store(true, Ordering::Relaxed),
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
    answers: Mutex<IpcSender<Answer>>,
    /// Raised when a load is to stop.
    stop: Arc<AtomicBool>,
    backend: Option<Arc<RemoteBackend>>,
    model: Option<Box<dyn Model>>,
}

impl Worker {
    fn run(mut self, inbox: &Receiver<Request>) {
        while let Ok(request) = inbox.recv() {
            let answer = self.answer(request);
            let answer = answer.unwrap_or_else(|error| Answer::Failed(Fault::of(&error)));
            if self.send(answer).is_err() {
                return;
            }
        }
    }

    fn send(&self, answer: Answer) -> Result<(), IpcError> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.send(answer)
    }

    fn answer(&mut self, request: Request) -> Result<Answer, BackendError> {
        let early =
            || BackendError::Invalid("the process was asked before it was ready".to_owned());
        let progress = |at: LoadProgress<'_>| {
            let told = self.send(Answer::Progress {
                stage: at.stage.to_owned(),
                done: at.done,
                total: at.total,
            });
            match told.is_err() || self.stop.load(Ordering::Relaxed) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        match request {
            Request::Open(path) => {
                let backend = remote::start(&path);
                let backend = backend.map_err(|error| BackendError::Device(error.to_string()))?;
                let opened = describe(&backend);
                self.backend = Some(backend);
                Ok(Answer::Opened(opened))
            }
            Request::Load(spec) => {
                let backend = self.backend.as_ref().ok_or_else(early)?;
                let model = backend.load(&spec.spec(), &progress)?;
                let facts = facts(model.facts());
                self.model = Some(model);
                Ok(Answer::Loaded(facts))
            }
            Request::Export(spec, folder) => {
                let backend = self.backend.as_ref().ok_or_else(early)?;
                backend.export(&spec.spec(), &folder, &progress)?;
                Ok(Answer::Done)
            }
            Request::GiveUp => Ok(Answer::Done),
            Request::Session {
                capacity,
                slots,
                passes,
                ends,
            } => {
                let model = self.model.as_ref().ok_or_else(early)?;
                let session = model.session(SessionSpec { capacity, slots })?;
                thread::Builder::new()
                    .name("session".to_owned())
                    .spawn(move || attend(session, &passes, &ends))
                    .map_err(|error| BackendError::Device(error.to_string()))?;
                Ok(Answer::Done)
            }
        }
    }
}

fn describe(backend: &RemoteBackend) -> Opened {
    let (condition, devices) = match backend.examine() {
        Ok((Probe::Usable { score }, devices)) => (Condition::Usable { score }, devices),
        // A model's options may give it what it lacks.
        Ok((Probe::Unusable { reason, remedy }, _)) => {
            (Condition::Unusable { reason, remedy }, backend.devices())
        }
        Err(error) => (Condition::Broken(error.to_string()), Vec::new()),
    };
    Opened {
        name: backend.name().to_owned(),
        version: backend.version().to_owned(),
        runtimes: backend.runtimes.clone(),
        condition,
        devices: devices.into_iter().map(device).collect(),
    }
}

fn device(device: Device) -> DeviceMessage {
    DeviceMessage {
        id: device.id,
        name: device.name,
        kind: match device.kind {
            DeviceKind::Cpu => kind::CPU,
            DeviceKind::Gpu => kind::GPU,
            DeviceKind::Accelerator => kind::ACCELERATOR,
        },
        total_bytes: device.total_bytes,
        free_bytes: device.free_bytes,
        precisions: device.precisions.join(","),
    }
}

fn facts(facts: ModelFacts) -> Facts {
    Facts {
        // One that does not fit is refused as the 0 is.
        vocab: u32::try_from(facts.vocab).unwrap_or(0),
        max_positions: facts.max_positions,
        memory_bytes: facts.memory_bytes,
        capabilities: facts.capabilities.0,
        precision: facts.precision,
        notes: facts.notes,
    }
}
