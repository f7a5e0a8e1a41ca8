use std::ops::Range;

use super::text_selection;
use crate::action::Rendered;
use crate::cells::Emoji;
use crate::effect::RenderJob;
use crate::geometry;
use crate::state::{ABOVE, Entry, EntryRow, Form, Markdown, State, TranscriptItem, View};

/// The answers whose Markdown is to be laid out, those that are seen first. Only what is near the view is asked for: when
/// the width changes or a long conversation is opened, the rest waits until it is scrolled to.
pub fn wanted(state: &mut State) -> Vec<RenderJob> {
    let height = geometry::transcript_height(state);
    let seen = state.transcript.top..state.transcript.top + height;
    let near = seen.start.saturating_sub(height)..seen.end + height;
    let places = places(state);
    let emoji = state.look.emoji;
    let entries = &mut state.transcript.entries;
    let mut jobs = Vec::new();
    for range in [seen, near] {
        for (item, place) in entries.iter_mut().zip(&places) {
            if place.start < range.end && place.end > range.start {
                jobs.extend(ask(item, emoji));
            }
        }
    }
    jobs
}

/// The rows of each entry.
fn places(state: &State) -> Vec<Range<usize>> {
    let mut first = 0;
    let entries = state.transcript.entries.iter();
    let place = entries.map(|item| {
        let start = first;
        first += ABOVE + item.rows.len() + item.entry.rows_below();
        start..first
    });
    place.collect()
}

fn ask(item: &mut TranscriptItem, emoji: Emoji) -> Option<RenderJob> {
    match (&item.entry, item.form, item.markdown) {
        (Entry::Answer(answer), Form::Text, Markdown::Unasked) => {
            item.markdown = Markdown::Asked;
            Some(RenderJob {
                text: answer.text.clone(),
                width: item.width?,
                emoji,
            })
        }
        (_, Form::Text | Form::Tokens, _) => None,
    }
}

/// Takes rows that were asked for; they belong to every answer of that text that still has that width.
pub(super) fn take(state: &mut State, rendered: &Rendered) {
    let mut changed = Vec::new();
    for (at, item) in state.transcript.entries.iter_mut().enumerate() {
        let is_awaited = item.width == Some(rendered.width)
            && (item.form, item.markdown) == (Form::Text, Markdown::Asked)
            && matches!(&item.entry, Entry::Answer(answer) if answer.text == rendered.text);
        if is_awaited {
            item.markdown = Markdown::There;
            if item.rows != rendered.rows {
                item.rows.clone_from(&rendered.rows);
                changed.push(at);
            }
        }
    }
    for at in changed {
        text_selection::part_changes(state, at);
        state.is_dirty = true;
    }
}

/// Shows the tokens of an answer instead of its text, or the other way round; the view stays at the same words.
pub(super) fn toggle_raw(state: &mut State) {
    let Some(at) = state.selected() else {
        state.notify("There is no answer yet");
        return;
    };
    let Some(item) = state.transcript.entries.get_mut(at) else {
        state.notify("The running answer is shown as tokens");
        return;
    };
    let Entry::Answer(answer) = &item.entry else {
        state.notify("Only answers have tokens");
        return;
    };
    let trace = answer.trace.clone();
    let (form, note) = match item.form {
        Form::Tokens => (Form::Text, None),
        Form::Text if trace.is_none() => {
            let note =
                "The tokens of this answer were not kept; this is its text as it was written";
            (Form::Tokens, Some(note))
        }
        Form::Text => (Form::Tokens, None),
    };
    item.form = form;
    item.width = None;
    if let View::Held(anchor) = &mut state.transcript.view
        && anchor.block == at
        && let (EntryRow::Body(from), Some(turn)) = (anchor.row, &trace)
    {
        anchor.row = EntryRow::Body(match form {
            Form::Tokens => turn.token_of(from),
            Form::Text => turn.byte_of(from),
        });
    }
    text_selection::part_changes(state, at);
    if let Some(note) = note {
        state.notify(note);
    }
}
