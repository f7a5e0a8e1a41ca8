use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::entries::{Resumed, resumed};
use super::file::Writer;
use super::folder::{Condition, Folder, Found, Summary};
use super::history::HistoryFile;
use super::record::{Head, Line, Record, VERSION};
use super::{SessionError, SessionId};

/// What the screen asks of the [`Keeper`]. Jobs are done in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Job {
    /// Append to the conversation; its file is made if there is none.
    Write(Vec<Record>, Effort),
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
    /// Read the prompts sent before.
    Recall,
    /// Add a prompt to them.
    Remember(String),
}

/// How sure a write must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// It survives the end of this process.
    Flush,
    /// It survives a loss of power.
    Sync,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
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
}

/// Whether a conversation may be added to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// It may.
    Write,
    /// Another process has it.
    InUse,
    /// The system refuses, for this reason.
    Denied(String),
}

/// Keeps conversations and prompts on disk.
#[derive(Debug)]
pub struct Keeper {
    folder: Folder,
    history: HistoryFile,
    zone: TimeZone,
    current: Current,
    /// Whole lines that are not in the file yet.
    pending: Vec<u8>,
    writing: Health,
    remembering: Health,
}

/// The file of the conversation on the screen.
#[derive(Debug)]
enum Current {
    /// There is none; one that is made goes on from this conversation.
    None { from: Option<SessionId> },
    /// It is ours.
    Writing(Writer),
    /// It is read: whose it is and the lines that a copy begins with.
    Reading(SessionId, Vec<u8>),
}

/// How the last attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Well,
    Failed,
}

impl Keeper {
    /// A keeper without a conversation.
    #[must_use]
    pub fn new(folder: Folder, history: HistoryFile, zone: TimeZone) -> Self {
        Self {
            folder,
            history,
            zone,
            current: Current::None { from: None },
            pending: Vec::new(),
            writing: Health::Well,
            remembering: Health::Well,
        }
    }

    /// Does a job; `now` is written with what is written.
    pub fn act(&mut self, job: Job, now: Timestamp) -> Option<News> {
        match job {
            Job::Write(records, effort) => self.write(&records, effort, now),
            Job::Begin => {
                self.leave(Current::None { from: None });
                None
            }
            Job::Branch => {
                self.branch();
                None
            }
            Job::Open(id) => Some(match self.open(id) {
                Ok(opened) => News::Opened(Box::new(opened)),
                Err(error) => News::NotOpened(error.whole()),
            }),
            Job::List => Some(match self.list() {
                Ok(rows) => News::Listed(rows),
                Err(error) => News::Refused(error.whole()),
            }),
            Job::Rename(id, title) => Some(changed(self.rename(id, title, now))),
            Job::Delete(id) => Some(changed(self.delete(id))),
            Job::Recall => Some(match self.history.load() {
                Ok(prompts) => News::Recalled(prompts),
                Err(error) => News::NotRemembered(self.about_history("read", &error)),
            }),
            Job::Remember(text) => self.remember(&text),
        }
    }

    fn write(&mut self, records: &[Record], effort: Effort, now: Timestamp) -> Option<News> {
        let is_new = matches!(self.current, Current::None { .. });
        for record in records {
            let line = Line::written(record, now);
            self.pending.extend_from_slice(line.as_bytes());
        }
        let before = self.writing;
        match self.flush(effort, now) {
            Ok(id) => {
                self.writing = Health::Well;
                (is_new || before == Health::Failed).then_some(News::Saved(id))
            }
            Err(error) => {
                self.writing = Health::Failed;
                tracing::error!(error = error.whole(), "a conversation is not saved");
                (before == Health::Well).then(|| News::NotSaved(error.whole()))
            }
        }
    }

    /// Writes what is pending; it stays pending if that fails.
    fn flush(&mut self, effort: Effort, now: Timestamp) -> Result<SessionId, SessionError> {
        if let Current::None { from } = self.current {
            self.current = Current::Writing(self.begin(from, now)?);
        }
        let Current::Writing(writer) = &mut self.current else {
            // The screen begins a branch before it writes.
            self.branch();
            return self.flush(effort, now);
        };
        let written = writer.append(&self.pending);
        written.map_err(SessionError::io("write to", &writer.path))?;
        self.pending.clear();
        if effort == Effort::Sync {
            let synced = writer.sync();
            synced.map_err(SessionError::io("write to", &writer.path))?;
        }
        Ok(writer.id)
    }

    /// A file with its first line.
    fn begin(&self, from: Option<SessionId>, now: Timestamp) -> Result<Writer, SessionError> {
        let id = SessionId::generate();
        let year = now.to_zoned(TimeZone::UTC).year();
        let mut writer = self.folder.create(id, year)?;
        let head = Record::Head(Head {
            v: VERSION,
            id,
            program: format!("unmask {}", env!("CARGO_PKG_VERSION")),
            from,
        });
        let line = Line::written(&head, now);
        let written = writer.append(line.as_bytes());
        if written.is_err() {
            // Nothing is lost with it; the next attempt makes another.
            std::fs::remove_file(&writer.path).ok();
        }
        written.map_err(SessionError::io("write to", &writer.path))?;
        Ok(writer)
    }

    fn branch(&mut self) {
        let current = std::mem::replace(&mut self.current, Current::None { from: None });
        match current {
            Current::Reading(id, lines) => {
                self.current = Current::None { from: Some(id) };
                self.pending.splice(..0, lines);
            }
            Current::None { .. } | Current::Writing(_) => self.current = current,
        }
    }

    fn leave(&mut self, next: Current) {
        self.current = next;
        self.pending.clear();
        self.writing = Health::Well;
    }

    fn open(&mut self, id: SessionId) -> Result<Opened, SessionError> {
        let found = self.folder.find(&id.to_string())?;
        let (access, bytes, writer) = match found.write() {
            Ok(mut writer) => {
                let bytes = writer.bytes();
                let bytes = bytes.map_err(SessionError::io("read", &found.path))?;
                (Access::Write, bytes, Some(writer))
            }
            Err(SessionError::InUse { .. }) => (Access::InUse, found.bytes()?, None),
            Err(error) => (Access::Denied(error.whole()), found.bytes()?, None),
        };
        let conversation = found.understand(&bytes)?;
        let conversation = resumed(&conversation, &self.zone);
        self.leave(match writer {
            Some(writer) => Current::Writing(writer),
            None => Current::Reading(id, lines_to_copy(&bytes)),
        });
        Ok(Opened {
            id,
            conversation,
            access,
        })
    }

    fn list(&self) -> Result<Vec<Summary>, SessionError> {
        let mut rows = self.folder.list()?;
        for row in &mut rows {
            if Some(row.id) == self.current_id() {
                row.condition = Condition::Here;
            }
        }
        Ok(rows)
    }

    fn current_id(&self) -> Option<SessionId> {
        match &self.current {
            Current::None { .. } => None,
            Current::Writing(writer) => Some(writer.id),
            Current::Reading(id, _) => Some(*id),
        }
    }

    fn find(&self, id: SessionId) -> Result<Found, SessionError> {
        self.folder.find(&id.to_string())
    }

    fn rename(&self, id: SessionId, title: String, now: Timestamp) -> Result<(), SessionError> {
        let found = self.find(id)?;
        let mut writer = found.write()?;
        let line = Line::written(&Record::Title { text: title }, now);
        let written = writer.append(line.as_bytes()).and_then(|()| writer.sync());
        written.map_err(SessionError::io("write to", found.path))
    }

    fn delete(&mut self, id: SessionId) -> Result<(), SessionError> {
        let found = self.find(id)?;
        match &self.current {
            // Our own lock would be in the way.
            Current::Writing(writer) if writer.id == id => {
                self.leave(Current::None { from: None });
            }
            Current::None { .. } | Current::Writing(_) | Current::Reading(..) => (),
        }
        found.remove()
    }

    fn remember(&mut self, text: &str) -> Option<News> {
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
                (before == Health::Well).then_some(News::NotRemembered(why))
            }
        }
    }

    fn about_history(&self, what: &str, error: &std::io::Error) -> String {
        format!("cannot {what} {}: {error}", self.history.path().display())
    }
}

fn changed(result: Result<(), SessionError>) -> News {
    match result {
        Ok(()) => News::Changed,
        Err(error) => News::Refused(error.whole()),
    }
}

/// The whole lines of a file without its first, which names the file.
fn lines_to_copy(bytes: &[u8]) -> Vec<u8> {
    let lines = bytes.split_inclusive(|&byte| byte == b'\n');
    let is_head = |line: &[u8]| {
        matches!(
            serde_json::from_slice(line),
            Ok(Line {
                record: Record::Head(_),
                ..
            })
        )
    };
    lines
        .filter(|line| line.ends_with(b"\n") && !is_head(line))
        .flatten()
        .copied()
        .collect()
}
