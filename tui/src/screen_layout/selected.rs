use std::borrow::Cow;

use super::{Part, PartSource, ScreenLayout};
use crate::row::{CODE_BAR, Row};
use crate::state::{Entry, Form, State, TextSelection};
use crate::theme::Role;

/// What stands before the rows of a quote.
const BAR: &str = "│ ";
/// What a line end looks like among tokens.
const LINE_END: char = '↵';

impl ScreenLayout {
    /// The selected text. Rows that were broken to fit are joined as their message has them; between messages is
    /// an empty line, and nobody is named.
    #[must_use]
    pub fn selected_text(&self, state: &State, selection: &TextSelection) -> String {
        let mut text = String::new();
        for (at, part) in self.parts(state).iter().enumerate() {
            if !selection.touches(at) {
                continue;
            }
            let of_part = of_part(state, at, part, selection);
            if !text.is_empty() && !of_part.is_empty() {
                text.push_str("\n\n");
            }
            text.push_str(&of_part);
        }
        text
    }
}

fn of_part(state: &State, at: usize, part: &Part<'_>, selection: &TextSelection) -> String {
    let source = source(state, at, part);
    let mut text = String::new();
    let mut before: Option<&Row> = None;
    for (offset, row) in part.rows.iter().enumerate() {
        let Some(cells) = selection.cells(at, part.above + offset) else {
            continue;
        };
        if row.is_label() {
            continue;
        }
        let (_, mut cut) = row.cut_out(&cells);
        for (span, whole) in cut.spans.iter_mut().zip(&row.spans) {
            if whole.text == CODE_BAR {
                span.text.clear();
            }
        }
        let join = before.and_then(|before| join(source?, before, row));
        match (before, join) {
            (None, _) => text.push_str(&words(&cut)),
            (Some(_), Some(join)) => {
                text.push_str(join);
                text.push_str(&words(&without_margins(source, row, cut)));
            }
            (Some(_), None) => {
                text.truncate(text.trim_end_matches(' ').len());
                text.push('\n');
                text.push_str(&words(&cut));
            }
        }
        before = Some(row);
    }
    text.truncate(text.trim_end().len());
    text
}

/// What the places of a part's rows are bytes of; `None` if they are tokens, or of several texts.
fn source<'a>(state: &State, at: usize, part: &Part<'a>) -> Option<&'a str> {
    let form = state.transcript.entries.get(at).map(|item| item.form);
    match (part.source, form) {
        (PartSource::Entry(Entry::Answer(answer)), Some(Form::Text)) => Some(&answer.text),
        (PartSource::Entry(Entry::You { text, .. } | Entry::Note(text)), _) => Some(text),
        (
            PartSource::Entry(Entry::Answer(_) | Entry::Failure(_))
            | PartSource::Turn(_)
            | PartSource::Queue,
            _,
        ) => None,
    }
}

/// What the source has between two rows of one line that was too long; `None` if a line ends there.
fn join<'a>(source: &'a str, before: &Row, row: &Row) -> Option<&'a str> {
    const MARKS: [char; 6] = ['*', '_', '~', '`', '[', '!'];
    let between = source.get(before.from..row.from)?;
    if is_blank(before) || is_blank(row) {
        return None;
    }
    if between.is_empty() || between.contains('\n') {
        return None;
    }
    // Spaces where a row ends are not drawn, except in code.
    let between = between.trim_end_matches(MARKS);
    let spaces = &between[between.trim_end().len()..];
    match before.text().ends_with(' ') {
        true => Some(""),
        false => Some(spaces),
    }
}

fn is_blank(row: &Row) -> bool {
    let mut spans = row.spans.iter();
    spans.all(|span| [BAR, CODE_BAR].contains(&&*span.text) || span.text.trim().is_empty())
}

/// A row that goes on with a line, without what stands before it for the eye.
fn without_margins(source: Option<&str>, whole: &Row, mut cut: Row) -> Row {
    let written = source.and_then(|source| source.get(whole.from..));
    let is_drawn = |text: &str| {
        let is_written = written.is_some_and(|written| written.starts_with(text));
        (text == BAR || text.trim().is_empty()) && !is_written
    };
    let margins = whole.spans.iter().take_while(|span| is_drawn(&span.text));
    cut.spans.drain(..margins.count().min(cut.spans.len()));
    cut
}

fn words(row: &Row) -> String {
    let spans = row.spans.iter();
    let words = spans.map(|span| match span.role {
        Role::Muted => Cow::Owned(span.text.replace(LINE_END, "")),
        _ => Cow::Borrowed(span.text.as_str()),
    });
    words.collect()
}
