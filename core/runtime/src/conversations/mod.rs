//! Conversations on disk, and the prompts sent before.
//!
//! A conversation is one file, `DATA/unmask/sessions/YEAR/ULID.jsonl`: a JSON object a line, each with its kind in `t` and the
//! time in `at`. It is only ever appended to, by whoever holds its lock; folders are the user's alone (0700), and so are files
//! (0600). Lists are made from the files; there is no index that could be wrong.
//!
//! | `t` | holds |
//! |---|---|
//! | `head` | `v` (the format, 1), `id`, `program`; for a copy of another conversation `from` |
//! | `msg` | `id`, `parent`, `role`, `text`: what the user said |
//! | `gen` | `id`, `parent`, `text`, `name`, `model`, `settings`, `seed`, `stop`, `stats`, `traced`, and for a stopped answer its `canvas` |
//! | `title` | `text`: the name that the user gave |
//! | `sight` | `ids`, `sight`: how these messages are seen from now on |
//! | `del` | `ids`: these messages were taken back |
//!
//! Ids count from 1 in each file, and parents make a tree: who reads follows them from the last message to the first. A message
//! that is written again, as an answer that goes on, takes its own place. A line that is cut or makes no sense is skipped and
//! counted; kinds that this version does not know stay where they are.
//!
//! How an answer came about lies beside it: `YEAR/ULID/ID.trace.jsonl.gz`, lines of [`wire`](crate::wire), a run after the
//! other where it was stopped and went on. A trace that is lost costs the replay alone.
//!
//! [`SessionStore`] does all of it for whoever holds one conversation at a time.

mod conversation;
mod error;
mod file;
mod folder;
mod history;
mod id;
mod name;
mod record;
mod settings_record;
mod store;
mod trace_file;
mod trim;

pub use conversation::{Conversation, MessageContent, MessageNode, StoppedCanvas};
pub use error::SessionError;
pub use file::ConversationWriter;
pub use folder::{Condition, SessionFile, SessionFolder, Summary};
pub use history::HistoryFile;
pub use id::SessionId;
pub use name::first_words;
pub use record::{
    CanvasRecord, GenerationRecord, Head, MessageId, MessageRecord, ModelRecord, Record,
    RecordLine, StatsRecord, Stop, Visibility,
};
pub use settings_record::SettingsRecord;
pub use store::{Access, Durability, OpenedSession, SessionStore};
pub use trace_file::TraceError;
