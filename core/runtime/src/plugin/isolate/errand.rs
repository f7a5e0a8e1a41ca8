//! Work of any kind in a process of its own: given once, told of as it goes, and ended when nothing is heard of it.

use std::io;
use std::process::Child;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ipc_channel::TryRecvError;
use ipc_channel::ipc::{self, IpcReceiver, IpcSender};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use unmask_api::BackendError;

use super::Launcher;
use super::message::Note;
use super::process::{Launched, end_of, failed, launch, put_down};
use super::told::{Output, follow_notes, send_notes};

/// The first message of a process that is sent on one.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Hello<J, N> {
    jobs: IpcSender<J>,
    news: IpcReceiver<N>,
    notes: IpcReceiver<Note>,
}

/// A process that was given a `J` to do and tells of it by `N`s. Ended when this is dropped.
pub struct Errand<J, N> {
    child: Child,
    output: Output,
    news: IpcReceiver<N>,
    /// Kept, since the process ends when nobody can send to it any more.
    jobs: IpcSender<J>,
}

/// What comes of an errand.
pub enum Heard<N> {
    /// Something new.
    News(N),
    /// Nothing for as long as was waited.
    Nothing,
    /// The process is no more: how it ended, behind "the process".
    End(String),
}

impl<J, N> Errand<J, N>
where
    J: Serialize + DeserializeOwned + Send + 'static,
    N: Serialize + DeserializeOwned + Send + 'static,
{
    /// Starts a process with `job` to do for the backend `name`; it must [`carry_out`] the same kind of errand.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(launcher: &Launcher, name: &str, job: J) -> Result<Self, BackendError> {
        let Launched {
            child,
            output,
            hello,
        } = launch::<Hello<J, N>>(launcher, name)?;
        let this = Self {
            child,
            output,
            news: hello.news,
            jobs: hello.jobs,
        };
        follow_notes(hello.notes, name.to_owned())
            .map_err(|error| failed("cannot follow", name, &error))?;
        let sent = this.jobs.send(job);
        sent.map_err(|error| failed("cannot speak to", name, &error))?;
        Ok(this)
    }

    /// What comes next, if anything does within `patience`.
    pub fn hear(&mut self, patience: Duration) -> Heard<N> {
        match self.news.try_recv_timeout(patience) {
            Ok(news) => Heard::News(news),
            Err(TryRecvError::Empty) => Heard::Nothing,
            Err(TryRecvError::IpcError(_)) => {
                let how = end_of(&mut self.child);
                Heard::End(format!("{how}{}", self.output.last_words()))
            }
        }
    }

    /// Ends the process; tells its last line behind `; its last words: `, empty if it had none.
    pub fn end(&mut self) -> String {
        put_down(&mut self.child);
        self.output.last_words()
    }
}

impl<J, N> Drop for Errand<J, N> {
    fn drop(&mut self) {
        put_down(&mut self.child);
    }
}

/// Does what the program at the other end of `channel` gives this process to do, until that program is gone or has heard
/// enough. `work` gets the job, and whom to tell, from any thread.
///
/// # Errors
/// If there is no such channel.
pub fn carry_out<J, N>(
    channel: String,
    work: impl FnOnce(J, Box<dyn Fn(N) + Send + Sync>) + Send + 'static,
) -> io::Result<()>
where
    J: Serialize + DeserializeOwned + Send + 'static,
    N: Serialize + DeserializeOwned + Send + 'static,
{
    let (jobs, inbox) = ipc::channel::<J>()?;
    let (outbox, news) = ipc::channel::<N>()?;
    let notes = send_notes()?;
    IpcSender::connect(channel)?
        .send(Hello { jobs, news, notes })
        .map_err(io::Error::other)?;
    let Ok(job) = inbox.recv() else {
        return Ok(());
    };
    let outbox = Mutex::new(outbox);
    let tell = move |news| {
        let outbox = outbox.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a program there is nobody to tell, and this process is about to end.
        outbox.send(news).ok();
    };
    thread::Builder::new()
        .name("errand".to_owned())
        .spawn(move || work(job, Box::new(tell)))?;
    // Whatever the work does, this thread sees the end of the program.
    while inbox.recv().is_ok() {}
    Ok(())
}
