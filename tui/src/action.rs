//! Everything that can happen to the screen.

use std::time::Duration;

use crossterm::event::KeyEvent;
use unmask_core::engine::EngineEvent;

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
    /// The terminal's new size.
    Resize(Size),
    /// Something that a key, a slash command or a palette row stands for.
    Do(Command),
    /// Something that a slash command with an argument or a panel asks for.
    Order(Order),
    /// News of the engine.
    Engine(EngineEvent),
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
    /// Scroll the transcript or the overlay.
    Scroll(Scroll),
    /// An earlier message, the row above, or the last queued one.
    Up,
    /// A later message, or the row below.
    Down,
    /// Change the draft or move in it.
    Edit(Edit),
    /// Take the chosen row of a list.
    Choose,
    /// A list's second action.
    Other,
    /// From the composer to the canvas and back.
    Focus,
    /// Hand the mouse to the terminal.
    MouseOff,
    /// Take the mouse for the wheel.
    MouseOn,
}

/// What the user can ask for with words of their own; keys and the palette lead to it through a panel or the composer.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Call the conversation this.
    Rename(String),
}

/// Where to scroll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scroll {
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
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
