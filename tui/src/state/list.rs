use std::fmt;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{Pick, Search, Sessions, State};
use crate::commands::Command;
use crate::keymap::Context;

/// A list over the chat that typing filters.
#[derive(Debug, Clone, PartialEq)]
pub struct ListPanel {
    /// Which.
    pub kind: &'static ListKind,
    /// What was typed, and which row is chosen.
    pub pick: Pick,
    /// What this list alone knows.
    pub data: ListData,
}

/// What a list knows beside what was typed.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum ListData {
    /// Nothing.
    #[default]
    Nothing,
    /// The theme that Esc brings back.
    Theme(String),
    /// The conversations on disk.
    Sessions(Sessions),
    /// Earlier prompts.
    Prompts(Search),
}

/// All that a list is: its rows, its keys, where it is and how it is drawn. Everybody else knows lists by this alone.
pub struct ListKind {
    /// What it is called; there are no two of one name.
    pub name: &'static str,
    /// Where its own keys are, beside those of every list.
    pub context: Option<Context>,
    /// Where its rows are, and how many.
    pub area: fn(&State, &ListPanel) -> ListArea,
    /// Draws it; returns where the caret is.
    pub draw: fn(&State, &ListPanel, &mut Buffer) -> Position,
    /// A character is typed.
    pub write: fn(&mut State, char),
    /// Moves the choice by rows; negative is up.
    pub step: fn(&mut State, isize),
    /// What a command comes to, to be carried out in order; `None` if it is the chat's.
    pub perform: fn(&mut State, &Command) -> Option<Vec<Command>>,
}

/// The rows of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListArea {
    /// Where they are.
    pub rows: Rect,
    /// How many match what was typed.
    pub length: usize,
    /// Which of them is chosen.
    pub chosen: usize,
}

impl ListPanel {
    /// A list in which nothing was typed yet.
    #[must_use]
    pub fn new(kind: &'static ListKind, data: ListData) -> Self {
        Self {
            kind,
            pick: Pick::default(),
            data,
        }
    }
}

impl PartialEq for ListKind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for ListKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}
