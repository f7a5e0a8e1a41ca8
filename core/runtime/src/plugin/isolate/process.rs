//! A worker process from the side of the program: started, asked, and ended.

use std::io;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ipc_channel::ipc::{IpcOneShotServer, IpcSender};
use serde::{Serialize, de::DeserializeOwned};
use unmask_api::BackendError;

use super::message::{Description, Hello, Request, Response, VERSION};
use super::output::{ProcessOutput, follow_log};
use super::receiver::{Closed, PatientReceiver};
use super::{Granted, Launcher, POLL_INTERVAL, START_TIMEOUT};
use crate::open_files;

/// How long an ending process may take to be gone.
const EXIT_TIMEOUT: Duration = Duration::from_secs(2);

/// A worker with its library open. Ended with its last user.
pub(super) struct Process {
    /// Whose worker it is, for messages.
    pub(super) name: String,
    /// Its number on this machine.
    pub(super) id: u32,
    /// How long a pass that was asked to stop may go on.
    pub(super) patience: Duration,
    /// How long all else may take that is no load.
    quick: Duration,
    control: Mutex<ControlChannel>,
    life: Mutex<Life>,
    output: ProcessOutput,
}

/// The channel of everything but sessions; the next responses are those of whoever holds it.
pub(super) struct ControlChannel {
    requests: IpcSender<Request>,
    responses: PatientReceiver<Response>,
}

struct Life {
    child: Child,
    /// How it ended, once it has.
    end: Option<String>,
}

impl Process {
    /// Starts a worker and has it open `library`.
    pub(super) fn start(
        launcher: &Launcher,
        library: &Granted,
    ) -> Result<(Self, Description), BackendError> {
        let name = super::name_in(library.path())
            .unwrap_or("a backend")
            .to_owned();
        let Launched {
            mut child,
            output,
            hello,
        } = launch::<Hello>(launcher, &name)?;
        if hello.version != VERSION {
            kill(&mut child);
            return Err(BackendError::Device(format!(
                "the process of {name} speaks version {} of the messages, this program {VERSION}: the program's file was \
                 replaced while it ran; start it again",
                hello.version
            )));
        }
        let followed =
            follow_log(hello.log, name.clone()).and_then(|()| PatientReceiver::of(hello.responses));
        let responses = followed.map_err(|error| {
            kill(&mut child);
            failed("cannot follow", &name, &error)
        })?;
        let id = child.id();
        let mut this = Self {
            name,
            id,
            patience: launcher.patience,
            quick: launcher.quick,
            control: Mutex::new(ControlChannel {
                requests: hello.requests,
                responses,
            }),
            life: Mutex::new(Life { child, end: None }),
            output,
        };
        let opened = this.open(library)?;
        this.name.clone_from(&opened.name);
        Ok((this, opened))
    }

    fn open(&self, library: &Granted) -> Result<Description, BackendError> {
        let control = self.control();
        self.ask(&control, Request::Open(library.clone()))?;
        match self.quick_response(&control, "to open its library")? {
            Response::Opened(opened) => Ok(opened),
            _ => Err(self.protocol_error()),
        }
    }

    /// The control channel, for one request and its responses.
    pub(super) fn control(&self) -> MutexGuard<'_, ControlChannel> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ask(
        &self,
        control: &ControlChannel,
        request: Request,
    ) -> Result<(), BackendError> {
        self.send(&control.requests, request)
    }

    /// The next response, or `None` if there is none within `time`; an error only if the process is gone.
    pub(super) fn response(
        &self,
        control: &ControlChannel,
        time: Duration,
    ) -> Result<Option<Response>, BackendError> {
        self.receive(&control.responses, time)
    }

    /// The next response, to something that takes neither weights nor passes: without one the process is ended.
    pub(super) fn quick_response(
        &self,
        control: &ControlChannel,
        what: &str,
    ) -> Result<Response, BackendError> {
        match self.quick(&control.responses, what)? {
            Response::Failed(error) => Err(error.error()),
            response => Ok(response),
        }
    }

    /// The next message, of something that is quick: without one the process is ended.
    pub(super) fn quick<T: DeserializeOwned + Serialize + Send + 'static>(
        &self,
        from: &PatientReceiver<T>,
        what: &str,
    ) -> Result<T, BackendError> {
        let message = self.receive(from, self.quick)?;
        message.ok_or_else(|| {
            let waited = self.quick.as_secs_f32();
            self.end(format!("took more than {waited} s {what} and was ended"))
        })
    }

    pub(super) fn send<T: Serialize>(
        &self,
        to: &IpcSender<T>,
        message: T,
    ) -> Result<(), BackendError> {
        to.send(message).map_err(|_| self.gone())
    }

    pub(super) fn receive<T: DeserializeOwned + Serialize + Send + 'static>(
        &self,
        from: &PatientReceiver<T>,
        time: Duration,
    ) -> Result<Option<T>, BackendError> {
        from.receive(time).map_err(|Closed| self.gone())
    }

    /// A response to something else than was asked: nothing that comes after it could be understood.
    pub(super) fn protocol_error(&self) -> BackendError {
        self.end("gave an answer that does not belong to the question and was ended".to_owned())
    }

    /// False once the process has ended.
    pub(super) fn is_alive(&self) -> bool {
        let mut life = self.life();
        life.end.is_none() && matches!(life.child.try_wait(), Ok(None))
    }

    /// Ends the process, if it has not ended before; tells how it did.
    pub(super) fn end(&self, why: String) -> BackendError {
        let mut life = self.life();
        if life.end.is_none() {
            kill(&mut life.child);
            tracing::error!(
                backend = self.name,
                process = self.id,
                "the backend's process {why}"
            );
            life.end = Some(why);
        }
        self.gone_error(&life)
    }

    /// How the process ended, whose channel is closed.
    fn gone(&self) -> BackendError {
        let mut life = self.life();
        if life.end.is_none() {
            let how = exit_of(&mut life.child);
            tracing::error!(
                backend = self.name,
                process = self.id,
                "the backend's process {how}"
            );
            life.end = Some(how);
        }
        self.gone_error(&life)
    }

    fn gone_error(&self, life: &Life) -> BackendError {
        let how = life.end.as_deref().unwrap_or("has ended");
        BackendError::Gone {
            backend: self.name.clone(),
            how: format!("{how}{}", self.output.last_line()),
        }
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    /// At once: nobody waits for anything of it any more, and what it holds is free the sooner.
    fn drop(&mut self) {
        let mut life = self.life();
        if life.end.is_none() {
            kill(&mut life.child);
        }
    }
}

/// A process that has said hello.
pub(super) struct Launched<T> {
    pub(super) child: Child,
    pub(super) output: ProcessOutput,
    pub(super) hello: T,
}

/// Starts the program for the backend `name` and waits for its first message.
pub(super) fn launch<T>(launcher: &Launcher, name: &str) -> Result<Launched<T>, BackendError>
where
    T: Serialize + DeserializeOwned + Send + 'static,
{
    open_files::test().map_err(|error| failed("cannot open a channel for", name, &error))?;
    let (server, channel) = IpcOneShotServer::<T>::new()
        .map_err(|error| failed("cannot open a channel for", name, &error))?;
    let mut child =
        spawn(launcher, &channel).map_err(|error| failed("cannot start", name, &error))?;
    let output = match ProcessOutput::follow(&mut child, name) {
        Ok(output) => output,
        Err(error) => {
            kill(&mut child);
            return Err(failed("cannot follow", name, &error));
        }
    };
    match receive_hello(server, channel, &mut child) {
        Ok(hello) => Ok(Launched {
            child,
            output,
            hello,
        }),
        Err(why) => {
            kill(&mut child);
            let why = format!("{why}{}", output.last_line());
            Err(failed("cannot start", name, &why))
        }
    }
}

pub(super) fn failed(what: &str, name: &str, error: &dyn std::fmt::Display) -> BackendError {
    BackendError::Device(format!("{what} the process of {name}: {error}"))
}

/// How a process ended that closed its channel; it is ended if it has not.
pub(super) fn exit_of(child: &mut Child) -> String {
    exit_within(child, EXIT_TIMEOUT).unwrap_or_else(|| {
        kill(child);
        "closed its channel and was ended".to_owned()
    })
}

/// Ends `child`, and waits until it is gone.
pub(super) fn kill(child: &mut Child) {
    // It may have ended by itself.
    child.kill().ok();
    exit_within(child, EXIT_TIMEOUT);
}

/// Starts the program as a worker at the other end of `channel`, out of reach of the keys that interrupt this one.
fn spawn(launcher: &Launcher, channel: &str) -> io::Result<Child> {
    let mut command = Command::new(launcher.program()?);
    command
        .args(&launcher.arguments)
        .arg(channel)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    #[cfg(windows)]
    {
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x0200;
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        let flags = CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW;
        std::os::windows::process::CommandExt::creation_flags(&mut command, flags);
    }
    command.spawn()
}

/// Waits for the worker's first message, as long as it lives.
fn receive_hello<T>(
    server: IpcOneShotServer<T>,
    name: String,
    child: &mut Child,
) -> Result<T, String>
where
    T: Serialize + DeserializeOwned + Send + 'static,
{
    let (sender, receiver) = channel();
    thread::Builder::new()
        .name("backend-hello".to_owned())
        .spawn(move || sender.send(server.accept()).ok())
        .map_err(|error| error.to_string())?;
    let began = Instant::now();
    let why = loop {
        match receiver.recv_timeout(POLL_INTERVAL) {
            Ok(Ok((_, hello))) => return Ok(hello),
            Ok(Err(error)) => return Err(error.to_string()),
            Err(RecvTimeoutError::Disconnected) => return Err("its channel closed".to_owned()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        match child.try_wait() {
            Ok(Some(status)) => break format!("it ended ({status}) before it was ready"),
            Ok(None) if began.elapsed() < START_TIMEOUT => {}
            Ok(None) => break format!("it said nothing for {} s", START_TIMEOUT.as_secs()),
            Err(error) => break error.to_string(),
        }
    };
    // Whoever still waits for a caller gets this one, which says nothing.
    drop(IpcSender::<T>::connect(name));
    Err(why)
}

/// How `child` ended, if it does within `time`.
fn exit_within(child: &mut Child, time: Duration) -> Option<String> {
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(ended(status)),
            Ok(None) if began.elapsed() < time => thread::sleep(POLL_INTERVAL),
            Ok(None) => return None,
            Err(error) => return Some(format!("cannot be found: {error}")),
        }
    }
}

fn ended(status: std::process::ExitStatus) -> String {
    let more = match is_kill(status) {
        true => ", perhaps since memory ran out",
        false => "",
    };
    format!("ended ({status}){more}")
}

#[cfg(unix)]
fn is_kill(status: std::process::ExitStatus) -> bool {
    /// The same number on every Unix.
    const SIGKILL: i32 = 9;
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(SIGKILL)
}

#[cfg(not(unix))]
fn is_kill(_: std::process::ExitStatus) -> bool {
    false
}
