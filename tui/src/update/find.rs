//! Looking for words in the conversation.

use super::canvas;
use crate::state::{Anchor, EntryRow, Find, FocusedBy, ScrollMove, State, View};

/// Rows above the place that is shown.
const ABOVE: isize = 3;

/// Shows the last place of `words`.
pub(super) fn find(state: &mut State, words: String) {
    let shown = words.clone();
    state.find = Find::of(words, &state.transcript);
    match state.find {
        Some(_) => show(state),
        None => state.notify(format!("“{shown}” is not said here")),
    }
}

/// The place after or before, round and round.
pub(super) fn step(state: &mut State, by: isize) {
    let Some(find) = &mut state.find else {
        return;
    };
    let all = find.hits.len();
    find.chosen = (find.chosen + all).saturating_add_signed(by) % all.max(1);
    show(state);
}

/// Ends the search; false if there is none.
pub(super) fn close(state: &mut State) -> bool {
    let was_open = state.find.take().is_some();
    if was_open {
        // Which hit it is, and that there are more, is not so any longer.
        state.notice = None;
    }
    was_open
}

fn show(state: &mut State) {
    let Some((find, hit)) = state
        .find
        .as_ref()
        .and_then(|find| Some((find, find.hit()?)))
    else {
        return;
    };
    let words = format!(
        "“{}” · {} of {} · n N go on",
        crate::row::cut(&crate::clean::clean_line(&find.words), 24),
        find.chosen + 1,
        find.hits.len()
    );
    state.notify(words);
    state.replay = None;
    canvas::enter(state, FocusedBy::Key);
    state.selected_message.part = Some(hit.part);
    state.transcript.show(View::Held(Anchor {
        block: hit.part,
        row: EntryRow::Body(hit.byte),
    }));
    state.transcript.moves.push(ScrollMove::Rows(-ABOVE));
}
