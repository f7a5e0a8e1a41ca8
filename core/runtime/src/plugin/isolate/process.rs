//! A host from the side of the program: started, spoken to, and ended.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ipc_channel::TryRecvError;
use ipc_channel::ipc::{IpcOneShotServer, IpcReceiver, IpcSender};
use serde::{Serialize, de::DeserializeOwned};
use unmask_api::BackendError;

use super::message::{Answer, Hello, Opened, Request, VERSION};
use super::told::{Output, follow_notes};
use super::{GLANCE, Launcher, PROMPTLY, START};

/// How long an ending process may take to be gone.
const LAST_BREATH: Duration = Duration::from_secs(2);

/// A host with its library open. Ended with its last user.
pub(super) struct Process {
    /// Whose host it is, for messages.
    pub(super) name: String,
    /// Its number on this machine.
    pub(super) id: u32,
    /// How long a pass that was asked to stop may go on.
    pub(super) patience: Duration,
    talk: Mutex<Talk>,
    life: Mutex<Life>,
    output: Output,
}

/// The channel of everything but passes; whoever holds it is owed the next answers.
pub(super) struct Talk {
    requests: IpcSender<Request>,
    answers: IpcReceiver<Answer>,
}

struct Life {
    child: Child,
    /// How it ended, once it has.
    end: Option<String>,
}

impl Process {
    /// Starts a host and has it open the library at `path`.
    pub(super) fn start(launcher: &Launcher, path: &Path) -> Result<(Self, Opened), BackendError> {
        let name = super::name_in(path).unwrap_or("a backend").to_owned();
        let Launched {
            mut child,
            output,
            hello,
        } = launch::<Hello>(launcher, &name)?;
        if hello.version != VERSION {
            put_down(&mut child);
            return Err(BackendError::Device(format!(
                "the process of {name} speaks version {} of the messages, this program {VERSION}: the program's file was \
                 replaced while it ran; start it again",
                hello.version
            )));
        }
        if let Err(error) = follow_notes(hello.notes, name.clone()) {
            put_down(&mut child);
            return Err(failed("cannot follow", &name, &error));
        }
        let id = child.id();
        let mut this = Self {
            name,
            id,
            patience: launcher.patience,
            talk: Mutex::new(Talk {
                requests: hello.requests,
                answers: hello.answers,
            }),
            life: Mutex::new(Life { child, end: None }),
            output,
        };
        let opened = this.open(path)?;
        this.name.clone_from(&opened.name);
        Ok((this, opened))
    }

    fn open(&self, path: &Path) -> Result<Opened, BackendError> {
        let talk = self.talk();
        self.send(&talk.requests, Request::Open(path.to_owned()))?;
        match self.answer_promptly(&talk, "to open its library")? {
            Answer::Opened(opened) => Ok(opened),
            Answer::Failed(fault) => Err(fault.error()),
            _ => Err(self.nonsense()),
        }
    }

    /// Begins a conversation of requests and answers.
    pub(super) fn talk(&self) -> MutexGuard<'_, Talk> {
        self.talk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ask(&self, talk: &Talk, request: Request) -> Result<(), BackendError> {
        self.send(&talk.requests, request)
    }

    /// The next answer, or `None` if there is none within `time`.
    pub(super) fn answer(
        &self,
        talk: &Talk,
        time: Duration,
    ) -> Result<Option<Answer>, BackendError> {
        self.receive(&talk.answers, time)
    }

    /// The next answer, to something that takes neither weights nor passes: without one the process is ended.
    pub(super) fn answer_promptly(&self, talk: &Talk, what: &str) -> Result<Answer, BackendError> {
        self.answer(talk, PROMPTLY)?.ok_or_else(|| {
            self.end(format!(
                "took more than {} s {what} and was ended",
                PROMPTLY.as_secs()
            ))
        })
    }

    pub(super) fn send<T: Serialize>(
        &self,
        to: &IpcSender<T>,
        message: T,
    ) -> Result<(), BackendError> {
        to.send(message).map_err(|_| self.gone())
    }

    pub(super) fn receive<T: DeserializeOwned + Serialize>(
        &self,
        from: &IpcReceiver<T>,
        time: Duration,
    ) -> Result<Option<T>, BackendError> {
        match from.try_recv_timeout(time) {
            Ok(message) => Ok(Some(message)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::IpcError(_)) => Err(self.gone()),
        }
    }

    /// An answer to something else than was asked: nothing that comes after it could be understood.
    pub(super) fn nonsense(&self) -> BackendError {
        self.end("gave an answer that does not belong to the question and was ended".to_owned())
    }

    /// Ends the process, if it has not ended before; tells how it did.
    pub(super) fn end(&self, why: String) -> BackendError {
        let mut life = self.life();
        if life.end.is_none() {
            put_down(&mut life.child);
            tracing::error!(
                backend = self.name,
                process = self.id,
                "the backend's process {why}"
            );
            life.end = Some(why);
        }
        self.told(&life)
    }

    /// How the process ended, whose channel is closed.
    fn gone(&self) -> BackendError {
        let mut life = self.life();
        if life.end.is_none() {
            let how = end_of(&mut life.child);
            tracing::error!(
                backend = self.name,
                process = self.id,
                "the backend's process {how}"
            );
            life.end = Some(how);
        }
        self.told(&life)
    }

    fn told(&self, life: &Life) -> BackendError {
        let how = life.end.as_deref().unwrap_or("has ended");
        BackendError::Gone {
            backend: self.name.clone(),
            how: format!("{how}{}", self.output.last_words()),
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
            put_down(&mut life.child);
        }
    }
}

/// A process that has said hello.
pub(super) struct Launched<T> {
    pub(super) child: Child,
    pub(super) output: Output,
    pub(super) hello: T,
}

/// Starts the program for the backend `name` and waits for its first message.
pub(super) fn launch<T>(launcher: &Launcher, name: &str) -> Result<Launched<T>, BackendError>
where
    T: Serialize + DeserializeOwned + Send + 'static,
{
    let (server, channel) = IpcOneShotServer::<T>::new()
        .map_err(|error| failed("cannot open a channel for", name, &error))?;
    let mut child =
        spawn(launcher, &channel).map_err(|error| failed("cannot start", name, &error))?;
    let output = match Output::follow(&mut child, name) {
        Ok(output) => output,
        Err(error) => {
            put_down(&mut child);
            return Err(failed("cannot follow", name, &error));
        }
    };
    match greet(server, channel, &mut child) {
        Ok(hello) => Ok(Launched {
            child,
            output,
            hello,
        }),
        Err(why) => {
            put_down(&mut child);
            let why = format!("{why}{}", output.last_words());
            Err(failed("cannot start", name, &why))
        }
    }
}

pub(super) fn failed(what: &str, name: &str, error: &dyn std::fmt::Display) -> BackendError {
    BackendError::Device(format!("{what} the process of {name}: {error}"))
}

/// How a process ended that closed its channel; it is ended if it has not.
pub(super) fn end_of(child: &mut Child) -> String {
    ended_within(child, LAST_BREATH).unwrap_or_else(|| {
        put_down(child);
        "closed its channel and was ended".to_owned()
    })
}

/// Ends `child`, and waits until it is gone.
pub(super) fn put_down(child: &mut Child) {
    // It may have ended by itself.
    child.kill().ok();
    ended_within(child, LAST_BREATH);
}

/// Starts the program as a host at the other end of `channel`, out of reach of the keys that interrupt this one.
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

/// Waits for the host's first message, as long as it lives.
fn greet<T>(server: IpcOneShotServer<T>, name: String, child: &mut Child) -> Result<T, String>
where
    T: Serialize + DeserializeOwned + Send + 'static,
{
    let (tell, told) = channel();
    thread::Builder::new()
        .name("backend-hello".to_owned())
        .spawn(move || tell.send(server.accept()).ok())
        .map_err(|error| error.to_string())?;
    let began = Instant::now();
    let why = loop {
        match told.recv_timeout(GLANCE) {
            Ok(Ok((_, hello))) => return Ok(hello),
            Ok(Err(error)) => return Err(error.to_string()),
            Err(RecvTimeoutError::Disconnected) => return Err("its channel closed".to_owned()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        match child.try_wait() {
            Ok(Some(status)) => break format!("it ended ({status}) before it said hello"),
            Ok(None) if began.elapsed() < START => {}
            Ok(None) => break format!("it said nothing for {} s", START.as_secs()),
            Err(error) => break error.to_string(),
        }
    };
    // Whoever still waits for a caller gets this one, which says nothing.
    drop(IpcSender::<T>::connect(name));
    Err(why)
}

/// How `child` ended, if it does within `time`.
fn ended_within(child: &mut Child, time: Duration) -> Option<String> {
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(ended(status)),
            Ok(None) if began.elapsed() < time => thread::sleep(GLANCE),
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
