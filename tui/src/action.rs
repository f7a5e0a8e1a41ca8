//! Everything that can happen to the screen.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::KeyEvent;
use ratatui::layout::Position;
use unmask_core::catalogue::Catalogue;
use unmask_core::config::Added;
use unmask_core::engine::{EngineEvent, LoadRequest};

use crate::row::Row;
use crate::state::{Field, Gaze, Speed};

use crate::effect::Mouse;
use crate::session::{News, SessionId};
use crate::state::{Motion, Toast};
use crate::themes::ThemeFile;

/// One happening.
#[derive(Debug, Clone)]
pub enum Action {
    /// The time at which what follows happens. It is told before every burst of other actions, and when the state asked
    /// to be woken.
    Time(Moment),
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
    /// News of the engine.
    Engine(EngineEvent),
    /// News of what is kept on disk.
    Kept(News),
    /// What was seen on this machine, or why nobody could look.
    Scanned(Result<Arc<Catalogue>, String>),
    /// The settings were written to this file, or could not be.
    Saved(Result<String, String>),
    /// A model is in the configuration now, or why it is not.
    Added(Result<Added, String>),
    /// A library may run now, or why not.
    Approved(Result<Approve, String>),
    /// The terminal has the focus, or has lost it.
    Gaze(Gaze),
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
    /// It could not be written: why, and what to do.
    NotWritten(String),
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

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// Since the screen was opened.
    pub since_start: Duration,
    /// By the wall.
    pub clock: Clock,
}

/// Local time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Clock {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
}

impl std::fmt::Display for Clock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:02}:{:02}", self.hour, self.minute)
    }
}

/// Cells of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Across.
    pub columns: u16,
    /// Down.
    pub rows: u16,
}

/// What the user can ask for: the one word behind key, slash command and palette row.
///
/// The configuration names it after its variant: `Scroll(PageUp)` is `scroll-page-up`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Send the message, or queue it.
    Send,
    /// Begin a new line.
    Newline,
    /// Go back one level: overlay, then pause. Never destroys.
    Back,
    /// Stop the turn; else clear the draft; else quit when pressed twice.
    Interrupt,
    /// Let a paused turn go on.
    Resume,
    /// Leave.
    Quit,
    /// Hand the terminal back to the shell.
    Suspend,
    /// Draw everything anew.
    Repaint,
    /// Show the keys.
    Help,
    /// Show what a letter would do, and wait for it.
    Menu,
    /// Begin an empty conversation.
    New,
    /// List all conversations.
    Sessions,
    /// Remove the conversation, or the chosen one of the list, after asking.
    Delete,
    /// Search earlier prompts.
    SearchPrompts,
    /// Scroll the transcript or the overlay.
    Scroll(Scroll),
    /// An earlier message, the row above, or the last queued one.
    Up,
    /// A later message, or the row below.
    Down,
    /// Change the draft or move in it.
    Edit(Edit),
    /// Show how the next turn runs, to change it.
    Settings,
    /// Less of the chosen setting, or the value before.
    Less,
    /// More of the chosen setting, or the value after.
    More,
    /// Say what the chosen setting does.
    Explain,
    /// Give the chosen setting the model's value.
    ResetField,
    /// Write the settings into the configuration.
    SaveDefaults,
    /// Answer the last message anew.
    Retry,
    /// Let the stopped answer go on.
    Continue,
    /// Take the last turn back.
    UndoTurn,
    /// Show the time of each step instead of its tokens, and back.
    Measure,
    /// Show the numbers of the conversation.
    Stats,
    /// Take the chosen row of a list.
    Choose,
    /// A list's second action.
    Other,
    /// From the composer to the canvas and back.
    Focus,
    /// Pause the running turn, or let it go on.
    PauseOrResume,
    /// Show the pending blocks as masks, or as one row again.
    Unfold,
    /// Select the message before.
    PreviousMessage,
    /// Select the message after.
    NextMessage,
    /// Show the selected answer's tokens instead of its text, and back.
    ToggleRaw,
    /// Copy the last answer.
    Copy,
    /// Copy the selected message.
    CopyMessage,
    /// Hand the mouse to the terminal, or take it back.
    ToggleMouse,
    /// Write the draft in the user's own editor.
    Editor,
    /// Show every command.
    Palette,
    /// Show the themes.
    Themes,
    /// Show fewer keys: those that are like what is typed.
    Filter,
    /// Show the models and backends.
    Models,
    /// Look at the machine again.
    Rescan,
    /// Show what this machine has and what is wrong with it.
    Doctor,
    /// Take an option of the first screen, counted from 1.
    Option(u8),
}

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
    Dial(Speed),
    /// Answer the last message anew, with this seed.
    Retry(u64),
    /// Capture the mouse, or release it.
    Mouse(Mouse),
    /// Look at the machine.
    Scan,
    /// Look at the machine, then do this.
    Look(Look),
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
pub enum Look {
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

/// Where to scroll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scroll {
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// A row up.
    RowUp,
    /// A row down.
    RowDown,
    /// To the first row.
    First,
    /// To the end, and stay there.
    Follow,
}

/// Line editing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Edit {
    /// One character to the left.
    Left,
    /// One character to the right.
    Right,
    /// One word to the left.
    WordLeft,
    /// One word to the right.
    WordRight,
    /// To the beginning of the line.
    LineStart,
    /// To the end of the line.
    LineEnd,
    /// Delete the character before the caret.
    Backspace,
    /// Delete the character at the caret.
    Delete,
    /// Delete the word before the caret.
    DeleteWordLeft,
    /// Delete the word at the caret.
    DeleteWordRight,
    /// Delete to the beginning of the line.
    KillToStart,
    /// Delete to the end of the line.
    KillToEnd,
    /// Insert what was deleted last.
    Yank,
    /// Take the last change back.
    Undo,
    /// Make it again.
    Redo,
}
