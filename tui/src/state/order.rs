use std::path::PathBuf;

use unmask_core::conversations::SessionId;
use unmask_core::engine::LoadRequest;

use super::{DialPosition, Field, Motion, Mouse};

/// What the user can ask for with words of their own; keys and the palette lead to it through a panel or the composer.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Call the conversation this.
    Rename(String),
    /// Copy a part of the conversation.
    Copy(CopyOrder),
    /// Remove this conversation for good.
    Delete(SessionId),
    /// Give a setting this value.
    Set(Field, String),
    /// Turn the speed dial.
    Dial(DialPosition),
    /// Answer the last message anew, with this seed.
    Retry(u64),
    /// Capture the mouse, or release it.
    Mouse(Mouse),
    /// Look at the machine.
    Scan,
    /// Look at the machine, then do this.
    Look(AfterScan),
    /// Load this.
    Load(LoadRequest),
    /// Put a model into the configuration: a folder or a hub id.
    AddModel(String),
    /// Let a library of others run.
    Approve(Approve),
    /// Take this length, and send the draft.
    Length(usize),
    /// Draw in the theme of this name.
    Theme(String),
    /// Let much or little move.
    Motion(Motion),
    /// Put this large paste into the draft.
    Insert(String),
    /// Show the answer of the turn of this number, counted from 1, step by step.
    Replay(usize),
    /// Have a part of the last answer written anew.
    Remask(Remasked),
    /// Write the last answer and how it came about into a new file.
    Export(ExportFormat, PathBuf),
}

/// What an answer becomes as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// A page that plays it.
    Html,
    /// One JSON object.
    Json,
    /// Its text.
    Text,
    /// A line a commit.
    Log,
    /// The lines that it is read from again.
    Trace,
}

impl ExportFormat {
    /// Every format with its name.
    pub const ALL: [(&'static str, Self); 5] = [
        ("html", Self::Html),
        ("json", Self::Json),
        ("text", Self::Text),
        ("log", Self::Log),
        ("trace", Self::Trace),
    ];
}

/// Which tokens of an answer are written anew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Remasked {
    /// Those from the first offset to the second.
    Span(usize, usize),
    /// Those that the model was less sure of than this.
    Below(f32),
}

/// A library of others that the user lets run, as it was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approve {
    /// The file.
    pub path: PathBuf,
    /// What its bytes hash to.
    pub sha256: String,
    /// The key of the model that is then loaded on it.
    pub key: String,
}

/// What needs a fresh look at the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterScan {
    /// Load the model of this key or name.
    Model(String),
    /// Load the running model on this backend.
    Backend(String),
    /// Load a model on the backend that was just approved.
    Approved {
        /// The model's key.
        key: String,
        /// The backend's file.
        path: PathBuf,
    },
    /// Show the rows of this key in the picker.
    Rows(String),
    /// Show how to get the models that are not on disk.
    Get,
    /// Show what this machine has and what is wrong with it.
    Doctor,
}

/// What to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyOrder {
    /// A block of code of the last answer, counted from 1; without a number the only one.
    Code(Option<usize>),
    /// The whole conversation.
    All,
    /// The last answer, into a file: this one, or a new one in the user's data folder.
    File(Option<PathBuf>),
}
