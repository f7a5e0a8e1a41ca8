//! Lays out Markdown on a thread of its own.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use tokio::sync::mpsc::UnboundedSender;

use super::worker::Worker;
use crate::action::{Action, Rendered};
use crate::effect::RenderJob;
use crate::layout::{Flow, Highlighter, markdown_rows, wrap};
use crate::row::Row;
use crate::theme::Role;

/// The thread, and the width that is wanted last: jobs of other widths are stale and skipped.
pub(super) struct Renderer {
    worker: Worker<RenderJob>,
    width: Arc<AtomicU16>,
}

impl Renderer {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(super) fn start(sender: &UnboundedSender<Action>) -> io::Result<Self> {
        let width = Arc::new(AtomicU16::new(0));
        let wanted = Arc::clone(&width);
        let highlighter = Highlighter::default();
        let worker = Worker::start("markdown", sender.clone(), move |job: RenderJob| {
            if job.width != wanted.load(Ordering::Relaxed) {
                return None;
            }
            Some(Action::Rendered(Rendered {
                rows: rows(&job, &highlighter),
                text: job.text,
                width: job.width,
                changed: Vec::new(),
            }))
        })?;
        Ok(Self { worker, width })
    }

    /// Adds jobs; it never waits.
    pub(super) fn send(&self, jobs: Vec<RenderJob>) {
        for job in jobs {
            self.width.store(job.width, Ordering::Relaxed);
            self.worker.send(job);
        }
    }
}

/// Text is foreign: should a parser panic on it, it is shown plain and the thread lives on.
fn rows(job: &RenderJob, highlighter: &Highlighter) -> Vec<Row> {
    let width = usize::from(job.width);
    let rows = catch_unwind(AssertUnwindSafe(|| {
        markdown_rows(&job.text, width, job.emoji, highlighter)
    }));
    rows.unwrap_or_else(|_| {
        tracing::error!(
            bytes = job.text.len(),
            "laying out an answer panicked; it is shown plain"
        );
        wrap(&Flow::said(&job.text, Role::Text, job.emoji), width)
    })
}
