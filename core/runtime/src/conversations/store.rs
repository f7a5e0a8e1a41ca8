use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::conversation::Conversation;
use super::error::SessionError;
use super::file::ConversationWriter;
use super::folder::{Condition, SessionFile, SessionFolder, Summary};
use super::id::SessionId;
use super::record::{Head, MessageId, Record, RecordLine, VERSION};
use super::trace_file::{self, TraceError};
use crate::wire::Recording;

/// How sure a write must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It survives the end of this process.
    Flush,
    /// It survives a loss of power.
    Sync,
}

/// A conversation and what may be done with it.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenedSession {
    /// What it holds.
    pub conversation: Conversation,
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

/// One conversation at a time, written to its file as it goes on, among all those of a folder.
#[derive(Debug)]
pub struct SessionStore {
    folder: SessionFolder,
    current: Current,
    /// Whole lines that are not in the file yet.
    pending: Vec<u8>,
}

/// The file of the open conversation.
#[derive(Debug)]
enum Current {
    /// There is none; one that is made goes on from this conversation.
    None { from: Option<SessionId> },
    /// It is ours.
    Writing(ConversationWriter),
    /// It is read: whose it is and the lines that a copy begins with.
    Reading(SessionId, Vec<u8>),
}

impl SessionStore {
    /// A store without a conversation.
    #[must_use]
    pub fn new(folder: SessionFolder) -> Self {
        Self {
            folder,
            current: Current::None { from: None },
            pending: Vec::new(),
        }
    }

    /// The conversation that is written to or was opened, if there is one.
    #[must_use]
    pub fn id(&self) -> Option<SessionId> {
        match &self.current {
            Current::None { .. } => None,
            Current::Writing(writer) => Some(writer.id),
            Current::Reading(id, _) => Some(*id),
        }
    }

    /// Appends to the conversation, whose file is made if there is none; `now` is written with what is written.
    ///
    /// # Errors
    /// [`SessionError::Io`]; the records are kept in memory and written by the next call that can.
    pub fn write(
        &mut self,
        records: &[Record],
        durability: Durability,
        now: Timestamp,
    ) -> Result<SessionId, SessionError> {
        for record in records {
            let line = RecordLine::written(record, now);
            self.pending.extend_from_slice(line.as_bytes());
        }
        self.flush(durability, now)
    }

    /// What is written next begins another conversation.
    pub fn begin(&mut self) {
        self.leave(Current::None { from: None });
    }

    /// What is written next begins a copy of the conversation that was opened to be read.
    pub fn branch(&mut self) {
        let current = std::mem::replace(&mut self.current, Current::None { from: None });
        match current {
            Current::Reading(id, lines) => {
                self.current = Current::None { from: Some(id) };
                self.pending.splice(..0, lines);
            }
            Current::None { .. } | Current::Writing(_) => self.current = current,
        }
    }

    /// Opens a conversation in place of this one.
    ///
    /// # Errors
    /// [`SessionError`]; the one before stays.
    pub fn open(&mut self, id: SessionId) -> Result<OpenedSession, SessionError> {
        let found = self.find(id)?;
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
        self.leave(match writer {
            Some(writer) => Current::Writing(writer),
            None => Current::Reading(id, lines_to_copy(&bytes)),
        });
        Ok(OpenedSession {
            conversation,
            access,
        })
    }

    /// Appends a run to the trace of an answer of the conversation that is written to.
    ///
    /// # Errors
    /// [`SessionError::NotWritten`] if there is none, [`SessionError::Io`].
    pub fn write_trace(&self, answer: MessageId, lines: &str) -> Result<(), SessionError> {
        trace_file::append(self.written()?, answer, lines)
    }

    /// Begins the trace of the answer that is being written, in place of one that is there.
    ///
    /// # Errors
    /// As [`SessionStore::write_trace`].
    pub fn begin_running_trace(&self, lines: &str) -> Result<(), SessionError> {
        trace_file::begin_running(self.written()?, lines)
    }

    /// Appends to it.
    ///
    /// # Errors
    /// As [`SessionStore::write_trace`].
    pub fn append_running_trace(&self, lines: &str) -> Result<(), SessionError> {
        trace_file::append_running(self.written()?, lines)
    }

    /// Removes it: its answer is written.
    ///
    /// # Errors
    /// As [`SessionStore::write_trace`].
    pub fn end_running_trace(&self) -> Result<(), SessionError> {
        trace_file::end_running(self.written()?)
    }

    /// What a process that died while it wrote an answer has left of its trace; `None` if there is nothing.
    ///
    /// # Errors
    /// [`TraceError`].
    pub fn running_trace(&self) -> Result<Option<Recording>, TraceError> {
        trace_file::running(self.written()?)
    }

    /// The file of the conversation that is written to.
    fn written(&self) -> Result<&Path, SessionError> {
        match &self.current {
            Current::Writing(writer) => Ok(&writer.path),
            Current::None { .. } | Current::Reading(..) => Err(SessionError::NotWritten),
        }
    }

    /// The trace of an answer of the open conversation; where there is none and the answer was copied, that of the
    /// conversation that it came from.
    ///
    /// # Errors
    /// [`TraceError`].
    pub fn read_trace(&self, answer: MessageId) -> Result<Recording, TraceError> {
        let Some(id) = self.id() else {
            return Ok(Recording::default());
        };
        let own = self.find(id)?;
        let (mut found, mut seen) = (own.clone(), vec![id]);
        loop {
            match trace_file::recording(&found.path, answer) {
                Err(missing) if missing.is_missing() => (),
                read => return read,
            }
            let conversation = found.read()?;
            let original = conversation.head.as_ref().and_then(|head| head.from);
            if let Some(id) = original.filter(|id| !seen.contains(id)) {
                seen.push(id);
                found = self.find(id)?;
                if conversation.has_as_in(&found.read()?, answer) {
                    continue;
                }
            }
            // The one that is open is what the user knows of.
            return trace_file::recording(&own.path, answer);
        }
    }

    /// Removes the oldest traces of all conversations, see [`SessionFolder::trim_traces`].
    ///
    /// # Errors
    /// [`SessionError::Io`].
    pub fn trim_traces(&self, most: u64) -> Result<usize, SessionError> {
        self.folder.trim_traces(most)
    }

    /// Every conversation, the one written last first.
    ///
    /// # Errors
    /// As [`SessionFolder::list`].
    pub fn list(&self) -> Result<Vec<Summary>, SessionError> {
        let mut rows = self.folder.list()?;
        for row in &mut rows {
            if Some(row.id) == self.id() {
                row.condition = Condition::Here;
            }
        }
        Ok(rows)
    }

    /// Names a conversation that is not the open one.
    ///
    /// # Errors
    /// [`SessionError`]; it is called as before.
    pub fn rename(&self, id: SessionId, title: String, now: Timestamp) -> Result<(), SessionError> {
        let found = self.find(id)?;
        let mut writer = found.write()?;
        let line = RecordLine::written(&Record::Title { text: title }, now);
        let written = writer.append(line.as_bytes()).and_then(|()| writer.sync());
        written.map_err(SessionError::io("write to", found.path))
    }

    /// Removes a conversation; if it is the open one, there is none then.
    ///
    /// # Errors
    /// [`SessionError::InUse`] if another process has it, [`SessionError::Io`].
    pub fn delete(&mut self, id: SessionId) -> Result<(), SessionError> {
        let found = self.find(id)?;
        match &self.current {
            // Our own lock would be in the way.
            Current::Writing(writer) if writer.id == id => self.begin(),
            Current::None { .. } | Current::Writing(_) | Current::Reading(..) => (),
        }
        found.remove()
    }

    /// Writes what is pending; it stays pending if that fails.
    fn flush(&mut self, durability: Durability, now: Timestamp) -> Result<SessionId, SessionError> {
        if let Current::None { from } = self.current {
            self.current = Current::Writing(self.create(from, now)?);
        }
        let Current::Writing(writer) = &mut self.current else {
            // Nobody may write to what was opened to be read.
            self.branch();
            return self.flush(durability, now);
        };
        let written = writer.append(&self.pending);
        written.map_err(SessionError::io("write to", &writer.path))?;
        self.pending.clear();
        if durability == Durability::Sync {
            let synced = writer.sync();
            synced.map_err(SessionError::io("write to", &writer.path))?;
        }
        Ok(writer.id)
    }

    /// A file with its first line.
    fn create(
        &self,
        from: Option<SessionId>,
        now: Timestamp,
    ) -> Result<ConversationWriter, SessionError> {
        let id = SessionId::generate();
        let year = now.to_zoned(TimeZone::UTC).year();
        let mut writer = self.folder.create(id, year)?;
        let head = Record::Head(Head {
            v: VERSION,
            id,
            program: format!("unmask {}", env!("CARGO_PKG_VERSION")),
            from,
        });
        let line = RecordLine::written(&head, now);
        let written = writer.append(line.as_bytes());
        if written.is_err() {
            // Nothing is lost with it; the next attempt makes another.
            std::fs::remove_file(&writer.path).ok();
        }
        written.map_err(SessionError::io("write to", &writer.path))?;
        Ok(writer)
    }

    fn leave(&mut self, next: Current) {
        self.current = next;
        self.pending.clear();
    }

    fn find(&self, id: SessionId) -> Result<SessionFile, SessionError> {
        self.folder.find(&id.to_string())
    }
}

/// The whole lines of a file without its first, which names the file.
fn lines_to_copy(bytes: &[u8]) -> Vec<u8> {
    let lines = bytes.split_inclusive(|&byte| byte == b'\n');
    let is_head = |line: &[u8]| {
        matches!(
            serde_json::from_slice(line),
            Ok(RecordLine {
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
