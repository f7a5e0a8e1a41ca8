//! Everything that can happen to the screen.

use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::KeyEvent;
use ratatui::layout::Position;
use unmask_core::TokenId;
use unmask_core::add_model::Added;
use unmask_core::catalogue::Catalogue;
use unmask_core::engine::{EngineEvent, LoadRequest};
use unmask_core::text::pins::PinPlaceError;

pub use crate::commands::{Command, CompareAct, LineEdit, ReplayAct, Scroll};
use crate::row::Row;
pub use crate::screen_time::{ScreenTime, TimeOfDay};
use crate::session::StorageEvent;
pub use crate::size::Size;
pub use crate::state::{AfterScan, Approve, CopyOrder};
use crate::state::{
    GetNews, PinQuestion, TerminalFocus, TextQuestion, Toast, TranscriptCell, View,
};

use crate::themes::ThemeFile;

/// One happening.
#[derive(Debug, Clone)]
pub enum Action {
    /// The time at which what follows happens. It is told before every burst of other actions, and when the state asked
    /// to be woken.
    Time(ScreenTime),
    /// The screen is open: the work of its beginning is to begin.
    Begin {
        /// The model to load; without one the machine is looked at.
        load: Option<LoadRequest>,
        /// Bytes of traces that may stay.
        most_traces: u64,
    },
    /// A frame is about to be drawn, laid out like this.
    Frame(FrameView),
    /// What is on the screen is lost, or was drawn for another size.
    Redraw,
    /// The engine is gone, without a word.
    EngineEnded,
    /// A key was pressed or repeats.
    Key(KeyEvent),
    /// A paste that the terminal marked.
    Paste(String),
    /// Keys that came all at once with a line end among them: a paste that the terminal did not mark.
    Burst(String),
    /// The wheel, in rows: negative is up.
    Wheel(isize),
    /// The mouse's main button was pressed here.
    Click(Pointed),
    /// It is held, and the mouse was moved to here.
    Drag(Pointed),
    /// It was let go.
    Release,
    /// The terminal's new size.
    Resize(Size),
    /// Something that a key, a slash command, a palette row or a panel asks for.
    Do(Command),
    /// What is selected, as text.
    Selected(String),
    /// What came of copying.
    Copied(Copied),
    /// The Markdown of an answer is laid out.
    Rendered(Rendered),
    /// The files of themes as they are now.
    Themes(Vec<ThemeFile>),
    /// The draft as the user's editor left it, or why it could not be edited.
    Edited(Result<String, Toast>),
    /// What the engine tells.
    Engine(EngineEvent),
    /// What the model's tokenizer makes of pins: the tokens of each, or which of them does not fit.
    Placed(PinQuestion, Result<Vec<Vec<TokenId>>, PinPlaceError>),
    /// The tokens of text, or why it has none.
    Encoded(TextQuestion, Result<Vec<TokenId>, String>),
    /// News of what is kept on disk.
    Kept(StorageEvent),
    /// What was seen on this machine, or why nobody could look.
    Scanned(Result<Arc<Catalogue>, String>),
    /// The settings were written to this file, or could not be.
    Saved(Result<String, String>),
    /// A model is in the configuration now, or why it is not.
    Added(Result<Added, String>),
    /// What comes of getting a model from the hub.
    Got(GetNews),
    /// A library may run now, or why not.
    Approved(Result<Approve, String>),
    /// The terminal has the focus, or has lost it.
    TerminalFocus(TerminalFocus),
}

/// A cell of the screen, with what was drawn there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointed {
    /// Where it is.
    pub place: Position,
    /// The cell of the transcript nearest to it; none while nothing is said.
    pub cell: Option<TranscriptCell>,
    /// The part of the transcript that is drawn there.
    pub part: Option<usize>,
    /// The token of a replay that is drawn nearest in that row.
    pub token: Option<usize>,
}

/// Whoever tells of the mouse does not know what is drawn.
impl From<Position> for Pointed {
    fn from(place: Position) -> Self {
        Self {
            place,
            cell: None,
            part: None,
            token: None,
        }
    }
}

/// What a frame shows of what scrolls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameView {
    /// The view of the transcript, once it has moved as was wanted.
    pub view: View,
    /// What came of scrolling for a mouse that is held beyond the edge; nothing if that was not wanted.
    pub pulled: Option<EdgePull>,
    /// The first row of two answers side by side; `None` if the token that was written last is seen.
    pub compared_top: Option<usize>,
}

/// What came of scrolling for a mouse that is held beyond the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgePull {
    /// There is no row left.
    End,
    /// This cell came under the edge.
    To(TranscriptCell),
}

/// What came of copying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied {
    /// The system's clipboard has it.
    Natively {
        /// What, in words.
        what: String,
    },
    /// The system has no clipboard, or it is not the user's.
    NoClipboard {
        /// What, in words.
        what: String,
        /// What it says.
        text: String,
    },
    /// It is in this file.
    Written(PathBuf),
    /// An answer is in this file of so many bytes.
    Exported(PathBuf, u64),
    /// It could not be written: why, and what to do.
    NotWritten(String),
    /// An answer could not be exported: why, and what to do.
    NotExported(String),
}

/// Markdown laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// What.
    pub text: String,
    /// In rows of this many cells.
    pub width: u16,
    /// How.
    pub rows: Vec<Row>,
    /// Parts of the transcript that have other rows by it; nobody knows until it is taken.
    pub changed: Vec<usize>,
}
