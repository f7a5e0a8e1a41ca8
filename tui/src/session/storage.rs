use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use unmask_core::api::with_causes;
use unmask_core::conversations::{
    Access, Durability, HistoryFile, MessageId, Record, SessionError, SessionId, SessionStore,
    Summary,
};

use super::entries::{Resumed, resumed};
use super::trace::{TracedAnswer, lean, recorded_turn, running_events, trace_events};
use crate::state::{TracesKept, Turn};
use unmask_core::wire::Event;

/// What the screen asks of its [`Storage`]. Jobs are done in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Job {
    /// Append to the conversation; its file is made if there is none.
    Write(Vec<Record>, Durability),
    /// What is written next begins another conversation.
    Begin,
    /// What is written next begins a copy of the conversation that was opened to be read.
    Branch,
    /// Open a conversation in place of this one.
    Open(SessionId),
    /// List all conversations.
    List,
    /// Name a conversation that is not the one on the screen.
    Rename(SessionId, String),
    /// Remove a conversation.
    Delete(SessionId),
    /// Append the run of an answer to its trace.
    Trace(MessageId, Arc<Turn>, Box<TracedAnswer>),
    /// Begin the trace of the answer that is being written.
    BeginTrace(Box<Turn>),
    /// Append what has happened since.
    MoreTrace(Vec<Event>),
    /// The answer is written, or there is none: that trace goes.
    EndTrace,
    /// Remove the oldest traces until the others have at most so many bytes.
    Trim(u64),
    /// Read the trace of an answer.
    ReadTrace(MessageId),
    /// Keep so much of traces from now on.
    Detail(TracesKept),
    /// Read the prompts sent before.
    Recall,
    /// Add a prompt to them.
    Remember(String),
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum StorageEvent {
    /// What was said is in this conversation's file now; told for the first write, and for one that succeeds after failing.
    Saved(SessionId),
    /// It is in memory alone; told once, until a write succeeds.
    NotSaved(String),
    /// A conversation was opened.
    Opened(Box<Opened>),
    /// It was not; the one before stays.
    NotOpened(String),
    /// Every conversation, the one written last first.
    Listed(Vec<Summary>),
    /// A conversation has another name, or is gone.
    Changed,
    /// What was asked for in a list could not be done.
    Refused(String),
    /// How answers came about is not kept; told once, until it can be again.
    NotTraced(String),
    /// How an answer came about, or why that cannot be told.
    TraceRead(MessageId, Result<Arc<Turn>, String>),
    /// The prompts sent before, the latest last.
    Recalled(Vec<String>),
    /// Prompts are not kept; told once.
    NotRemembered(String),
}

/// A conversation and what may be done with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// Which.
    pub id: SessionId,
    /// What it holds.
    pub conversation: Resumed,
    /// Whether it may be added to.
    pub access: Access,
    /// The answer that was being written when a process died.
    pub recovered: Option<Arc<Turn>>,
}

/// The conversation and the prompts of the screen, on disk.
#[derive(Debug)]
pub struct Storage {
    store: SessionStore,
    history: HistoryFile,
    zone: TimeZone,
    writing: Health,
    tracing: Health,
    remembering: Health,
    traces: TracesKept,
}

/// Bytes of a trace from which on it is lean.
const LARGEST_TRACE: usize = 16 << 20;

/// How the last attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Well,
    Failed,
}

impl Storage {
    /// A storage without a conversation, which tells times of day in `zone`.
    #[must_use]
    pub fn new(store: SessionStore, history: HistoryFile, zone: TimeZone) -> Self {
        Self {
            store,
            history,
            zone,
            writing: Health::Well,
            tracing: Health::Well,
            remembering: Health::Well,
            traces: TracesKept::default(),
        }
    }

    /// As much of a trace as is wanted.
    fn kept(&self, events: Vec<Event>) -> Vec<Event> {
        match self.traces {
            TracesKept::All | TracesKept::Off => events,
            TracesKept::Lean => lean(events),
        }
    }

    /// Does a job; `now` is written with what is written.
    pub fn act(&mut self, job: Job, now: Timestamp) -> Option<StorageEvent> {
        match job {
            Job::Write(records, durability) => self.write(&records, durability, now),
            Job::Begin => {
                self.store.begin();
                self.writing = Health::Well;
                None
            }
            Job::Branch => {
                self.store.branch();
                None
            }
            Job::Open(id) => Some(match self.open(id) {
                Ok(opened) => StorageEvent::Opened(Box::new(opened)),
                Err(error) => StorageEvent::NotOpened(error.whole()),
            }),
            Job::List => Some(match self.store.list() {
                Ok(rows) => StorageEvent::Listed(rows),
                Err(error) => StorageEvent::Refused(error.whole()),
            }),
            Job::Rename(id, title) => Some(changed(self.store.rename(id, title, now))),
            Job::Delete(id) => Some(self.delete(id)),
            Job::Trace(id, turn, answer) => {
                let events = self.kept(trace_events(&turn, &answer, now));
                let mut lines = lines_of(&events);
                if lines.len() > LARGEST_TRACE {
                    lines = lines_of(&lean(events));
                }
                self.trace(id, &lines)
            }
            Job::Detail(traces) => {
                self.traces = traces;
                None
            }
            Job::BeginTrace(turn) => {
                let events = self.kept(running_events(&turn, now));
                let begun = self.store.begin_running_trace(&lines_of(&events));
                self.running(begun)
            }
            Job::MoreTrace(events) => {
                let lines = lines_of(&self.kept(events));
                let appended = self.store.append_running_trace(&lines);
                self.running(appended)
            }
            Job::EndTrace => {
                let ended = self.store.end_running_trace();
                self.running(ended)
            }
            Job::Trim(most) => {
                match self.store.trim_traces(most) {
                    Ok(0) => (),
                    Ok(removed) => tracing::info!(removed, "the oldest traces have made room"),
                    Err(error) => {
                        tracing::warn!(error = error.whole(), "traces take more room than wanted");
                    }
                }
                None
            }
            Job::ReadTrace(id) => Some(StorageEvent::TraceRead(id, self.read_trace(id))),
            Job::Recall => Some(match self.history.load() {
                Ok(prompts) => StorageEvent::Recalled(prompts),
                Err(error) => StorageEvent::NotRemembered(self.about_history("read", &error)),
            }),
            Job::Remember(text) => self.remember(&text),
        }
    }

    fn write(
        &mut self,
        records: &[Record],
        durability: Durability,
        now: Timestamp,
    ) -> Option<StorageEvent> {
        let (is_new, before) = (self.store.id().is_none(), self.writing);
        match self.store.write(records, durability, now) {
            Ok(id) => {
                self.writing = Health::Well;
                (is_new || before == Health::Failed).then_some(StorageEvent::Saved(id))
            }
            Err(error) => {
                self.writing = Health::Failed;
                tracing::error!(error = error.whole(), "a conversation is not saved");
                (before == Health::Well).then(|| StorageEvent::NotSaved(error.whole()))
            }
        }
    }

    fn trace(&mut self, id: MessageId, lines: &str) -> Option<StorageEvent> {
        let before = self.tracing;
        match self.store.write_trace(id, lines) {
            Ok(()) => {
                self.tracing = Health::Well;
                None
            }
            Err(error) => {
                self.tracing = Health::Failed;
                tracing::error!(error = error.whole(), "an answer cannot be replayed later");
                // That the conversation is not written is told of itself.
                let is_news = before == Health::Well && self.writing == Health::Well;
                is_news.then(|| StorageEvent::NotTraced(error.whole()))
            }
        }
    }

    /// A trace that cannot be written while its answer runs is told of when the answer is.
    fn running(&self, written: Result<(), SessionError>) -> Option<StorageEvent> {
        if let Err(error) = written {
            tracing::warn!(error = error.whole(), "a running answer leaves no trace");
        }
        None
    }

    /// The answer that a process which died was writing.
    fn recovered(&self) -> Option<Arc<Turn>> {
        let recording = match self.store.running_trace() {
            Ok(recording) => recording?,
            Err(error) => {
                let error = with_causes(&error);
                tracing::warn!(error, "the trace of an unfinished answer cannot be read");
                return None;
            }
        };
        match recorded_turn(&recording) {
            Ok(turn) => Some(Arc::new(turn)),
            Err(error) => {
                tracing::warn!(error, "the trace of an unfinished answer cannot be read");
                None
            }
        }
    }

    fn open(&mut self, id: SessionId) -> Result<Opened, SessionError> {
        let opened = self.store.open(id)?;
        self.writing = Health::Well;
        Ok(Opened {
            id,
            recovered: match opened.access {
                Access::Write => self.recovered(),
                Access::InUse | Access::Denied(_) => None,
            },
            conversation: resumed(&opened.conversation, &self.zone),
            access: opened.access,
        })
    }

    fn read_trace(&self, id: MessageId) -> Result<Arc<Turn>, String> {
        let recording = (self.store.read_trace(id)).map_err(|error| with_causes(&error))?;
        recorded_turn(&recording).map(Arc::new)
    }

    fn delete(&mut self, id: SessionId) -> StorageEvent {
        let deleted = self.store.delete(id);
        if self.store.id().is_none() {
            self.writing = Health::Well;
        }
        changed(deleted)
    }

    fn remember(&mut self, text: &str) -> Option<StorageEvent> {
        let before = self.remembering;
        match self.history.add(text) {
            Ok(()) => {
                self.remembering = Health::Well;
                None
            }
            Err(error) => {
                self.remembering = Health::Failed;
                let why = self.about_history("write to", &error);
                tracing::error!(why, "a prompt is not kept");
                (before == Health::Well).then_some(StorageEvent::NotRemembered(why))
            }
        }
    }

    fn about_history(&self, what: &str, error: &std::io::Error) -> String {
        format!("cannot {what} {}: {error}", self.history.path().display())
    }
}

fn changed(result: Result<(), SessionError>) -> StorageEvent {
    match result {
        Ok(()) => StorageEvent::Changed,
        Err(error) => StorageEvent::Refused(error.whole()),
    }
}

fn lines_of(events: &[Event]) -> String {
    events.iter().map(|event| event.line() + "\n").collect()
}
