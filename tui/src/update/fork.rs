//! An earlier message once more, changed or not, as a branch; and back to what was set aside.

use unmask_core::engine::FillPart;

use super::{begin, blanks, canvas, fill};
use crate::effect::Effect;
use crate::state::{Activity, BranchName, Entry, EntryVisibility, State, View};

/// What a text with blanks begins with in the composer.
const FILL: &str = "/fill ";

/// Has the blanks of a text filled; one that is edited stands in the place of what it was.
pub(super) fn fill(state: &mut State, template: String, parts: Vec<FillPart>) -> Vec<Effect> {
    if !begin(state) {
        state.composer.replace(&format!("{FILL}{template}"));
        return Vec::new();
    }
    fill::fill(state, template, parts)
}

/// A draft that was emptied is no message edited any more: what is typed next is a message of its own.
pub(super) fn follow(state: &mut State) {
    if state.composer.is_empty() {
        state.editing = None;
    }
}

/// Puts the selected message, or that of the selected answer, into the composer.
pub(super) fn edit_selected(state: &mut State) {
    let part = asked(state);
    edit(state, part);
}

/// Puts the message of the turn of this number, counted from 1, into the composer.
pub(super) fn edit_turn(state: &mut State, number: usize) {
    let entries = state.transcript.entries.iter().enumerate();
    let seen = entries.filter(|(_, item)| item.visibility.is_said());
    let mut asked = seen.filter(|(_, item)| matches!(item.entry, Entry::You { .. }));
    let part = number.checked_sub(1).and_then(|before| asked.nth(before));
    match part.map(|(at, _)| at) {
        None => state.notify(format!("There is no turn {number}")),
        part => edit(state, part),
    }
}

fn edit(state: &mut State, part: Option<usize>) {
    let Some((part, text)) = part.and_then(|part| Some((part, text_of(state, part)?))) else {
        state.notify("There is no message to edit");
        return;
    };
    let text = match blanks::of_message(state, part) {
        Some(_) => format!("{FILL}{text}"),
        None => text,
    };
    let draft = state.composer.take();
    state.history.add(&draft);
    state.replay = None;
    state.find = None;
    canvas::leave(state);
    state.composer.replace(&text);
    state.editing = Some(part);
    // The row above the draft says what becomes of it.
    state.notice = None;
}

/// Answers the selected message anew; what was said from there on is set aside.
pub(super) fn retry_selected(state: &mut State) -> Vec<Effect> {
    let part = asked(state);
    let Some((part, text)) = part.and_then(|part| Some((part, text_of(state, part)?))) else {
        state.notify("There is no message to answer anew");
        return Vec::new();
    };
    if super::last_turn::free_model(state).is_none() {
        return Vec::new();
    }
    state.replay = None;
    let template = blanks::of_message(state, part);
    state.transcript.set_aside_from(part);
    if let Some(parts) = template {
        return fill::fill(state, text, parts);
    }
    state.queue.push_front(text);
    begin::send_next(state)
}

/// The draft is not a message edited any more; false if it was none.
pub(super) fn give_up(state: &mut State) -> bool {
    if state.editing.take().is_none() {
        return false;
    }
    let draft = state.composer.take();
    state.history.add(&draft);
    true
}

/// If the draft is an earlier message, what was said from there on is set aside; false if that cannot be now.
pub(super) fn begin(state: &mut State) -> bool {
    let Some(part) = state.editing else {
        return true;
    };
    let is_free = matches!(state.activity, Activity::Idle) && state.model.is_some();
    if !is_free || !state.queue.is_empty() {
        state.notify("An edited message is sent once nothing else waits and a model is free");
        return false;
    }
    state.editing = None;
    state.transcript.set_aside_from(part);
    true
}

/// Shows the answer of this name again, with what followed it; without a name says which there are.
pub(super) fn go_to(state: &mut State, name: Option<BranchName>) {
    let names = state.transcript.answer_names();
    let Some(name) = name else {
        return list(state, &names);
    };
    let Some((at, _)) = names.iter().find(|(_, it)| *it == name) else {
        return list(state, &names);
    };
    state.transcript.go_to(*at);
    state.transcript.show(View::Follow);
    state.replay = None;
    state.editing = None;
    state.notify(format!("Answer {name} and what followed it are back"));
}

fn list(state: &mut State, names: &[(usize, BranchName)]) {
    if names.is_empty() {
        return state.notify("There is no answer yet");
    }
    let entries = &state.transcript.entries;
    let named: Vec<String> = names
        .iter()
        .map(|(at, name)| match entries[*at].visibility {
            EntryVisibility::Seen | EntryVisibility::RolledOff => format!("{name} ●"),
            EntryVisibility::Replaced | EntryVisibility::Undone => name.to_string(),
        })
        .collect();
    state.notify(format!(
        "Answers: {} · /branch 1 goes to one",
        named.join(", ")
    ));
}

/// The message that is selected, or that the selected answer answers.
fn asked(state: &State) -> Option<usize> {
    let part = match &state.replay {
        Some(replay) => replay.part,
        None => state.selected()?,
    };
    let entries = &state.transcript.entries;
    let mut at = part.min(entries.len().checked_sub(1)?);
    loop {
        match &entries[at].entry {
            Entry::You { .. } => return Some(at),
            Entry::Answer(_) => at = entries[at].parent?,
            Entry::Failure(_) | Entry::Note(_) => at = at.checked_sub(1)?,
        }
    }
}

fn text_of(state: &State, part: usize) -> Option<String> {
    match &state.transcript.entries.get(part)?.entry {
        Entry::You { text, .. } => Some(text.clone()),
        Entry::Answer(_) | Entry::Failure(_) | Entry::Note(_) => None,
    }
}
