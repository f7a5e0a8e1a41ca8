use std::ops::Range;
use std::time::Duration;

use ratatui::layout::Position;

/// Text of the transcript that is selected with the mouse, cell by cell. It stays at its rows when the view moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextSelection {
    /// Where the button was pressed.
    pub from: TranscriptCell,
    /// Where the mouse was dragged to; `None` until it has left the cell.
    pub to: Option<TranscriptCell>,
    /// The button now.
    pub button: Button,
}

/// A cell of the transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TranscriptCell {
    /// The [part](crate::screen_layout::Part) of the transcript.
    pub part: usize,
    /// The row in it, those above its text among them.
    pub row: usize,
    /// The cell behind the margin.
    pub cell: usize,
}

/// What is held or let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Button {
    /// It is held.
    Held,
    /// It is held beyond the edge of the transcript, which scrolls again at this time, by
    /// [`ScreenTime::since_start`](crate::action::ScreenTime::since_start).
    Beyond(Position, Duration),
    /// It was let go.
    Released,
}

/// Whether what is selected is copied at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CopyOnSelect {
    /// With the keys for it.
    #[default]
    Never,
    /// When the button is let go.
    AtRelease,
}

impl TextSelection {
    /// With the mouse dragged to another cell; the one where it began is nothing until it was left.
    #[must_use]
    pub fn dragged(self, to: Option<TranscriptCell>) -> Self {
        let to = to.filter(|to| self.to.is_some() || *to != self.from);
        Self { to, ..self }
    }

    /// Its first and its last cell, if there is anything between.
    #[must_use]
    pub fn ends(&self) -> Option<(TranscriptCell, TranscriptCell)> {
        let to = self.to?;
        Some((self.from.min(to), self.from.max(to)))
    }

    /// The cells of a row that are in it; the last may lie behind the text.
    #[must_use]
    pub fn cells(&self, part: usize, row: usize) -> Option<Range<usize>> {
        let (first, last) = self.ends()?;
        let place = (part, row);
        if place < (first.part, first.row) || place > (last.part, last.row) {
            return None;
        }
        let start = if place == (first.part, first.row) {
            first.cell
        } else {
            0
        };
        let end = if place == (last.part, last.row) {
            last.cell.saturating_add(1)
        } else {
            usize::MAX
        };
        Some(start..end)
    }

    /// True if something of this part is in it.
    #[must_use]
    pub fn touches(&self, part: usize) -> bool {
        let to = self.to.unwrap_or(self.from);
        (self.from.part.min(to.part)..=self.from.part.max(to.part)).contains(&part)
    }
}
