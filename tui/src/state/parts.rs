use std::borrow::Cow;

use super::{BranchName, Entry, EntryVisibility, State, Turn};
use crate::clean::clean_line;
use crate::row::{Row, cut};
use crate::theme::Role;

/// Rows that say what the model no longer sees, with the empty one before them.
const HORIZON: usize = 2;

/// Rows before what is said: an empty one.
pub const ABOVE: usize = 1;

/// A part of the transcript as rows: an empty one, its text, and its figures if it is an answer.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// What it is.
    pub source: PartSource<'a>,
    /// Whether the model sees it.
    pub visibility: EntryVisibility,
    /// Messages above it that the model no longer sees, if it is the first below them: two rows say so.
    pub left_out: usize,
    /// Its name, if it is another answer to a message than the first.
    pub branch: Option<BranchName>,
    /// Rows above its text.
    pub above: usize,
    /// Its text.
    pub rows: Cow<'a, [Row]>,
    /// Rows below its text.
    pub below: usize,
}

/// What a part of the transcript shows.
#[derive(Debug, Clone, Copy)]
pub enum PartSource<'a> {
    /// Something said.
    Entry(&'a Entry),
    /// The running turn.
    Turn(&'a Turn),
    /// Messages that wait.
    Queue,
}

impl Part<'_> {
    /// Rows in all.
    #[must_use]
    pub fn height(&self) -> usize {
        self.above + self.rows.len() + self.below
    }
}

impl State {
    /// The transcript with the running turn and the queue, as laid out last.
    #[must_use]
    pub fn parts(&self) -> Vec<Part<'_>> {
        let horizon = self.transcript.horizon();
        let left_out = |at: usize| match horizon {
            Some((last, messages)) if last + 1 == at => messages,
            Some(_) | None => 0,
        };
        let names = self.transcript.answer_names();
        let branch = |at: usize| {
            let found = names.binary_search_by_key(&at, |(at, _)| *at).ok()?;
            Some(names[found].1).filter(|name| name.answer > 0)
        };
        let entries = self.transcript.entries.iter().enumerate();
        let mut parts: Vec<Part<'_>> = entries
            .map(|(at, item)| Part {
                source: PartSource::Entry(&item.entry),
                visibility: item.visibility,
                left_out: left_out(at),
                branch: branch(at),
                above: ABOVE + HORIZON * usize::from(left_out(at) > 0),
                rows: Cow::Borrowed(&item.rows),
                below: item.entry.rows_below(),
            })
            .collect();
        if let Some(turn) = self.running() {
            parts.push(Part {
                source: PartSource::Turn(turn),
                visibility: EntryVisibility::Seen,
                left_out: 0,
                branch: turn.branch.as_ref().map(|branch| branch.name),
                above: ABOVE,
                rows: Cow::Borrowed(&turn.rows.1),
                below: 0,
            });
        }
        if !self.queue.is_empty() {
            parts.push(Part {
                source: PartSource::Queue,
                visibility: EntryVisibility::Seen,
                left_out: 0,
                branch: None,
                above: ABOVE,
                rows: Cow::Owned(self.queued_rows()),
                below: 0,
            });
        }
        parts
    }

    /// A row for each message that waits, if they are few; else the first ones and how many more.
    fn queued_rows(&self) -> Vec<Row> {
        const ROWS: usize = 4;
        let cells = usize::from(crate::size::text_width(self.size));
        let shown = match self.queue.len() {
            few if few <= ROWS => few,
            _ => ROWS - 1,
        };
        let queued = self.queue.iter().take(shown);
        let mut lines: Vec<String> = queued
            .map(|text| format!("queued  {}", clean_line(text)))
            .collect();
        if shown < self.queue.len() {
            lines.push(format!("queued  … and {} more", self.queue.len() - shown));
        }
        lines
            .into_iter()
            .map(|line| Row::of(cut(&line, cells), Role::Muted))
            .collect()
    }
}
