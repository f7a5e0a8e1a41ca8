use std::ops::Range;

use super::stretch;
use crate::action::Rendered;
use crate::cells::Emoji;
use crate::effect::RenderJob;
use crate::geometry;
use crate::state::{Entry, Form, Laid, Markdown, Place, State, View};

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
        for (laid, place) in entries.iter_mut().zip(&places) {
            if place.start < range.end && place.end > range.start {
                jobs.extend(ask(laid, emoji));
            }
        }
    }
    jobs
}

/// The rows of each entry.
fn places(state: &State) -> Vec<Range<usize>> {
    let mut first = 0;
    let entries = state.transcript.entries.iter();
    let place = entries.map(|laid| {
        let start = first;
        first += laid.entry.rows_above() + laid.rows.len();
        start..first
    });
    place.collect()
}

fn ask(laid: &mut Laid, emoji: Emoji) -> Option<RenderJob> {
    match (&laid.entry, laid.form, laid.markdown) {
        (Entry::Answer(answer), Form::Text, Markdown::Unasked) => {
            laid.markdown = Markdown::Asked;
            Some(RenderJob {
                text: answer.text.clone(),
                width: laid.width?,
                emoji,
            })
        }
        (_, Form::Text | Form::Tokens, _) => None,
    }
}

/// Takes rows that were asked for; they belong to every answer of that text that still has that width.
pub(super) fn take(state: &mut State, rendered: &Rendered) {
    let mut changed = Vec::new();
    for (at, laid) in state.transcript.entries.iter_mut().enumerate() {
        let is_awaited = laid.width == Some(rendered.width)
            && (laid.form, laid.markdown) == (Form::Text, Markdown::Asked)
            && matches!(&laid.entry, Entry::Answer(answer) if answer.text == rendered.text);
        if is_awaited {
            laid.markdown = Markdown::There;
            if laid.rows != rendered.rows {
                laid.rows.clone_from(&rendered.rows);
                changed.push(at);
            }
        }
    }
    for at in changed {
        stretch::part_changes(state, at);
        state.is_dirty = true;
    }
}

/// Shows the tokens of an answer instead of its text, or the other way round; the view stays at the same words.
pub(super) fn toggle_raw(state: &mut State) {
    let Some(at) = state.selected() else {
        state.notify("There is no answer yet");
        return;
    };
    let Some(laid) = state.transcript.entries.get_mut(at) else {
        state.notify("The running answer is shown as tokens");
        return;
    };
    let Entry::Answer(answer) = &laid.entry else {
        state.notify("Only answers have tokens");
        return;
    };
    let trace = answer.trace.clone();
    let (form, note) = match laid.form {
        Form::Tokens => (Form::Text, None),
        Form::Text if trace.is_none() => {
            let note =
                "The tokens of this answer were not kept; this is its text as it was written";
            (Form::Tokens, Some(note))
        }
        Form::Text => (Form::Tokens, None),
    };
    laid.form = form;
    laid.width = None;
    if let View::Held(anchor) = &mut state.transcript.view
        && anchor.block == at
        && let (Place::Body(from), Some(turn)) = (anchor.place, &trace)
    {
        anchor.place = Place::Body(match form {
            Form::Tokens => turn.token_of(from),
            Form::Text => turn.byte_of(from),
        });
    }
    stretch::part_changes(state, at);
    if let Some(note) = note {
        state.notify(note);
    }
}
