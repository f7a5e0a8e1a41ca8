use std::borrow::Cow;

use super::ScreenLayout;
use crate::clean::clean_line;
use crate::row::{Row, cut};
use crate::state::{BranchName, Entry, EntryVisibility, State, Turn};
use crate::theme::Role;

/// Rows that say what the model no longer sees, with the empty one before them.
const HORIZON: usize = 2;

/// Rows before what is said: an empty one.
const ABOVE: usize = 1;

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

impl ScreenLayout {
    /// The transcript with the running turn and the queue, as laid out last.
    #[must_use]
    pub fn parts<'a>(&'a self, state: &'a State) -> Vec<Part<'a>> {
        let horizon = state.transcript.horizon();
        let left_out = |at: usize| match horizon {
            Some((last, messages)) if last + 1 == at => messages,
            Some(_) | None => 0,
        };
        let names = state.transcript.answer_names();
        let branch = |at: usize| {
            let found = names.binary_search_by_key(&at, |(at, _)| *at).ok()?;
            Some(names[found].1).filter(|name| name.answer > 0)
        };
        let laid = |at: usize| self.entries.get(at).map_or(&[][..], |laid| &laid.rows);
        let entries = state.transcript.entries.iter().enumerate();
        let mut parts: Vec<Part<'_>> = entries
            .map(|(at, item)| Part {
                source: PartSource::Entry(&item.entry),
                visibility: item.visibility,
                left_out: left_out(at),
                branch: branch(at),
                above: ABOVE + HORIZON * usize::from(left_out(at) > 0),
                rows: Cow::Borrowed(laid(at)),
                below: item.entry.rows_below(),
            })
            .collect();
        if let Some(turn) = state.running() {
            parts.push(Part {
                source: PartSource::Turn(turn),
                visibility: EntryVisibility::Seen,
                left_out: 0,
                branch: turn.branch.as_ref().map(|branch| branch.name),
                above: ABOVE,
                rows: Cow::Borrowed(self.running.as_ref().map_or(&[], |laid| &laid.rows)),
                below: 0,
            });
        }
        if !state.queue.is_empty() {
            parts.push(Part {
                source: PartSource::Queue,
                visibility: EntryVisibility::Seen,
                left_out: 0,
                branch: None,
                above: ABOVE,
                rows: Cow::Owned(queued_rows(state)),
                below: 0,
            });
        }
        parts
    }
}

/// A row for each message that waits, if they are few; else the first ones and how many more.
fn queued_rows(state: &State) -> Vec<Row> {
    const ROWS: usize = 4;
    let cells = usize::from(crate::size::text_width(state.size));
    let shown = match state.queue.len() {
        few if few <= ROWS => few,
        _ => ROWS - 1,
    };
    let queued = state.queue.iter().take(shown);
    let mut lines: Vec<String> = queued
        .map(|text| format!("queued  {}", clean_line(text)))
        .collect();
    if shown < state.queue.len() {
        lines.push(format!("queued  … and {} more", state.queue.len() - shown));
    }
    lines
        .into_iter()
        .map(|line| Row::of(cut(&line, cells), Role::Muted))
        .collect()
}
