//! A thread for work that would keep the screen waiting.

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, JoinHandle};

use tokio::sync::mpsc::UnboundedSender;

use crate::action::Action;

/// One thread that does its jobs in order and tells what came of each.
pub(super) struct Worker<J> {
    jobs: Sender<J>,
    thread: JoinHandle<()>,
}

impl<J: Send + 'static> Worker<J> {
    /// Starts the thread; `work` does one job.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(super) fn start(
        name: &str,
        sender: UnboundedSender<Action>,
        mut work: impl FnMut(J) -> Option<Action> + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, inbox) = channel();
        let thread = Builder::new()
            .name(format!("unmask-{name}"))
            .spawn(move || {
                for job in inbox {
                    if let Some(action) = work(job) {
                        // Once the screen is closed nobody wants to know.
                        sender.send(action).ok();
                    }
                }
            })?;
        Ok(Self { jobs, thread })
    }

    /// Adds a job; it never waits.
    pub(super) fn send(&self, job: J) {
        if self.jobs.send(job).is_err() {
            tracing::error!(thread = ?self.thread.thread().name(), "a worker is gone; its job is lost");
        }
    }

    /// Waits until every job is done.
    pub(super) fn finish(self) {
        drop(self.jobs);
        if self.thread.join().is_err() {
            tracing::error!("a worker panicked");
        }
    }
}
