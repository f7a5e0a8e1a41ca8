//! A task of any kind in a worker process: given once, followed by its events, and ended when none come.

use std::io;
use std::process::Child;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ipc_channel::ipc::{self, IpcReceiver, IpcSender};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use unmask_api::BackendError;

use super::Launcher;
use super::message::LogMessage;
use super::output::{ProcessOutput, follow_log, redirect_log};
use super::process::{Launched, exit_of, failed, kill, launch};
use super::receiver::{Closed, PatientReceiver};

/// The first message of a worker for tasks.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Hello<J, E> {
    jobs: IpcSender<J>,
    events: IpcReceiver<E>,
    log: IpcReceiver<LogMessage>,
}

/// A process that was given a job `J` and sends events `E`. Ended when this is dropped.
pub struct Task<J, E> {
    child: Child,
    output: ProcessOutput,
    events: PatientReceiver<E>,
    /// Kept, since the process ends when nobody can send to it any more.
    jobs: IpcSender<J>,
}

/// What happens to a task.
pub enum TaskEvent<E> {
    /// The process sent this.
    Event(E),
    /// Nothing came for as long as was waited.
    Timeout,
    /// The process is no more: how it ended, behind "the process".
    Exited(String),
}

impl<J, E> Task<J, E>
where
    J: Serialize + DeserializeOwned + Send + 'static,
    E: Serialize + DeserializeOwned + Send + 'static,
{
    /// Starts a process with `job` to do for the backend `name`; it must call [`run_task`] with the same types.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(launcher: &Launcher, name: &str, job: J) -> Result<Self, BackendError> {
        let Launched {
            mut child,
            output,
            hello,
        } = launch::<Hello<J, E>>(launcher, name)?;
        let events = PatientReceiver::of(hello.events).map_err(|error| {
            kill(&mut child);
            failed("cannot follow", name, &error)
        })?;
        let this = Self {
            child,
            output,
            events,
            jobs: hello.jobs,
        };
        follow_log(hello.log, name.to_owned())
            .map_err(|error| failed("cannot follow", name, &error))?;
        let sent = this.jobs.send(job);
        sent.map_err(|error| failed("cannot send to", name, &error))?;
        Ok(this)
    }

    /// What happens next, waiting no longer than `patience`.
    pub fn next_event(&mut self, patience: Duration) -> TaskEvent<E> {
        match self.events.receive(patience) {
            Ok(Some(event)) => TaskEvent::Event(event),
            Ok(None) => TaskEvent::Timeout,
            Err(Closed) => {
                let how = exit_of(&mut self.child);
                TaskEvent::Exited(format!("{how}{}", self.output.last_line()))
            }
        }
    }

    /// Ends the process; tells its last line behind `; its last line of output: `, empty if it had none.
    pub fn end(&mut self) -> String {
        kill(&mut self.child);
        self.output.last_line()
    }
}

impl<J, E> Drop for Task<J, E> {
    fn drop(&mut self) {
        kill(&mut self.child);
    }
}

/// In a worker: does the job that the program at the other end of `channel` gives, until that program is gone or has no more
/// use for it. `work` gets the job, and what sends events, from any thread.
///
/// # Errors
/// If there is no such channel.
pub fn run_task<J, E>(
    channel: String,
    work: impl FnOnce(J, Box<dyn Fn(E) + Send + Sync>) + Send + 'static,
) -> io::Result<()>
where
    J: Serialize + DeserializeOwned + Send + 'static,
    E: Serialize + DeserializeOwned + Send + 'static,
{
    let (jobs, inbox) = ipc::channel::<J>()?;
    let (outbox, events) = ipc::channel::<E>()?;
    let log = redirect_log()?;
    IpcSender::connect(channel)?
        .send(Hello { jobs, events, log })
        .map_err(io::Error::other)?;
    let Ok(job) = inbox.recv() else {
        return Ok(());
    };
    let outbox = Mutex::new(outbox);
    let send = move |event| {
        let outbox = outbox.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a program there is nobody to send to, and this process is about to end.
        outbox.send(event).ok();
    };
    thread::Builder::new()
        .name("task".to_owned())
        .spawn(move || work(job, Box::new(send)))?;
    // Whatever the work does, this thread sees the end of the program.
    while inbox.recv().is_ok() {}
    Ok(())
}
