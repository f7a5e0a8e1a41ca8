use std::path::PathBuf;

use unmask_core::conversations::SessionId;
use unmask_core::engine::{FillPart, LoadRequest};

use super::{BranchName, CompareWith, DialPosition, Field, Motion, Mouse};

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
    /// Sets what the preset of this name says.
    Preset(String),
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
    /// Write the last answer and how it came about into a new file, this one or one in the user's data folder.
    Export(ExportFormat, Option<PathBuf>),
    /// Have the blanks of a text filled.
    Fill {
        /// The text as it was typed.
        template: String,
        /// Its parts.
        parts: Vec<FillPart>,
    },
    /// Put the message of the turn of this number, counted from 1, into the composer, to be sent as a branch.
    EditMessage(usize),
    /// Look for words in the conversation.
    Find(String),
    /// Show an answer beside another one to the same message.
    Compare(CompareWith),
    /// Show the answer of this name and what followed it again; without a name say which there are.
    Branch(Option<BranchName>),
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
    /// The step that is shown, in vectors.
    Svg,
    /// All of it, in vectors that move.
    Film,
    /// The step that is shown, in pixels.
    Png,
    /// All of it, in pixels of all colours that move.
    Apng,
    /// All of it, in pixels of 256 colours that move.
    Gif,
    /// All of it as a recording of a terminal.
    Cast,
    /// A card to be shared: message, answer, a bar for each token in the order of its step, settings.
    Card,
}

impl ExportFormat {
    /// Every format with its name.
    pub const ALL: [(&'static str, Self); 12] = [
        ("html", Self::Html),
        ("json", Self::Json),
        ("text", Self::Text),
        ("log", Self::Log),
        ("trace", Self::Trace),
        ("svg", Self::Svg),
        ("film", Self::Film),
        ("png", Self::Png),
        ("apng", Self::Apng),
        ("gif", Self::Gif),
        ("cast", Self::Cast),
        ("card", Self::Card),
    ];

    /// What the names of such files end in.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Json => "json",
            Self::Text | Self::Log => "txt",
            Self::Trace => "trace.jsonl",
            Self::Svg | Self::Film => "svg",
            Self::Png | Self::Card => "png",
            Self::Apng => "apng",
            Self::Gif => "gif",
            Self::Cast => "cast",
        }
    }
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
