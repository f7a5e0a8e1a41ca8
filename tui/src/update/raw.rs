use super::text_selection;
use crate::state::{Entry, EntryRow, Form, State, View};

/// Shows the tokens of an answer instead of its text, or the other way round; the view stays at the same words.
pub(super) fn toggle(state: &mut State) {
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
