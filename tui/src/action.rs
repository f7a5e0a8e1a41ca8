//! Everything that can happen to the screen.

use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::KeyEvent;
use ratatui::layout::Position;
use unmask_core::TokenId;
use unmask_core::add_model::Added;
use unmask_core::catalogue::Catalogue;
use unmask_core::engine::EngineEvent;
use unmask_core::text::pins::PinPlaceError;

pub use crate::commands::{Command, CompareAct, LineEdit, ReplayAct, Scroll};
use crate::row::Row;
pub use crate::screen_time::{ScreenTime, TimeOfDay};
use crate::session::StorageEvent;
pub use crate::size::Size;
pub use crate::state::{AfterScan, Approve, CopyOrder, Order};
use crate::state::{PinQuestion, TerminalFocus, TextQuestion, Toast};

use crate::themes::ThemeFile;

/// One happening.
#[derive(Debug, Clone)]
pub enum Action {
    /// The time at which what follows happens. It is told before every burst of other actions, and when the state asked
    /// to be woken.
    Time(ScreenTime),
    /// A key was pressed or repeats.
    Key(KeyEvent),
    /// A paste that the terminal marked.
    Paste(String),
    /// Keys that came all at once with a line end among them: a paste that the terminal did not mark.
    Burst(String),
    /// The wheel, in rows: negative is up.
    Wheel(isize),
    /// The mouse's main button was pressed on this cell.
    Click(Position),
    /// It is held, and the mouse was moved to this cell.
    Drag(Position),
    /// It was let go.
    Release,
    /// The terminal's new size.
    Resize(Size),
    /// Something that a key, a slash command or a palette row stands for.
    Do(Command),
    /// Something that a slash command with an argument or a panel asks for.
    Order(Order),
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
    /// A library may run now, or why not.
    Approved(Result<Approve, String>),
    /// The terminal has the focus, or has lost it.
    TerminalFocus(TerminalFocus),
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
}
