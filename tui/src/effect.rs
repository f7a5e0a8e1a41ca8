//! Everything the screen asks of the world.

use std::path::PathBuf;
use std::sync::Arc;

use unmask_core::engine::{LoadRequest, TurnRequest};

use crate::cells::Emoji;
use crate::picture::PictureStyle;
use crate::session::{Job, TracedAnswer};
pub use crate::state::Mouse;
use crate::state::{
    AlertMethod, Approve, ExportFormat, GetJob, PinQuestion, Settings, TextQuestion, TextSelection,
    Turn,
};

/// One request, carried out by the loop in [`run`](crate::run), never by an update.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Begin a turn.
    Start(Box<TurnRequest>),
    /// Rest after the running step.
    Pause,
    /// Go on.
    Resume,
    /// End after the running step and keep the text.
    Stop,
    /// Give up on the running forward; its late news is dropped.
    Abandon,
    /// Have the model's tokenizer read pins; answered by `Placed`.
    Place(PinQuestion),
    /// Have text made tokens; answered by `Encoded`.
    Encode(TextQuestion),
    /// Load a model.
    Load(LoadRequest),
    /// Stop loading.
    CancelLoad,
    /// Keep something on disk, or look there.
    Keep(Job),
    /// Write the settings of a model into the configuration.
    SaveDefaults {
        /// The model's key.
        key: String,
        /// Its settings.
        settings: Box<Settings>,
    },
    /// Look at the machine: its backends and its models.
    Scan,
    /// Put a model into the configuration.
    AddModel(String),
    /// Get a model from the hub, or ask what that takes; answered by `Got`.
    Get(GetJob),
    /// Stop getting it.
    StopGetting,
    /// Remember that a library may run.
    Approve(Approve),
    /// Capture the mouse, or release it.
    Mouse(Mouse),
    /// Read what is selected; answered by `Selected`.
    ReadSelection(TextSelection),
    /// Copy to the clipboard or into a file.
    Copy(CopyJob),
    /// Write an answer and how it came about into a file.
    Export(ExportJob),
    /// Ask the terminal to put this into its clipboard.
    Osc52(String),
    /// Tell the user that a long turn has ended.
    Alert(AlertMethod),
    /// Read the files of themes again.
    ReadThemes,
    /// Have this draft edited in the user's own editor.
    EditDraft(String),
    /// Hand the terminal to the shell until continued.
    Suspend,
    /// Forget what is on the screen and draw it anew.
    Repaint,
    /// Leave.
    Quit,
}

/// Something to be copied.
#[derive(Debug, Clone, PartialEq)]
pub enum CopyJob {
    /// To the clipboard.
    Clipboard {
        /// What, in words.
        what: String,
        /// What it says.
        text: String,
    },
    /// Into a new file.
    File {
        /// What it says.
        text: String,
        /// Where; by default in the user's data folder.
        path: Option<PathBuf>,
    },
}

/// An answer and how it came about, into a new file.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportJob {
    /// How it came about.
    pub turn: Arc<Turn>,
    /// How it ended.
    pub answer: Box<TracedAnswer>,
    /// As what.
    pub format: ExportFormat,
    /// How pictures of it are drawn.
    pub style: Box<PictureStyle>,
    /// How many entries of its log a still shows.
    pub shown: usize,
    /// Where; by default in the user's data folder.
    pub path: Option<PathBuf>,
}

/// Markdown to be laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderJob {
    /// What.
    pub text: String,
    /// In rows of this many cells.
    pub width: u16,
    /// How emoji by variation are drawn.
    pub emoji: Emoji,
}
