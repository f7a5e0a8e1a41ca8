use super::conversation::{ask_to_delete, is_busy};
use super::list::{Steered, steer};
use crate::action::{Command, LineEdit};
use crate::clean::clean_line;
use crate::effect::Effect;
use crate::session::Job;
use crate::state::{Naming, Overlay, Persistence, Sessions, State};
use unmask_core::conversations::{Condition, Summary};

/// Opens the list.
pub(super) fn show(state: &mut State) -> Vec<Effect> {
    if state.saved.keeping == Persistence::Nowhere {
        state.notify("There is no folder for conversations on this machine");
        return Vec::new();
    }
    state.overlays.push(Overlay::Sessions(Sessions::default()));
    vec![Effect::Keep(Job::List)]
}

/// A character typed into the list.
pub(super) fn write(list: &mut Sessions, character: char) {
    match &mut list.naming {
        Some(name) => name.push(character),
        None => list.pick.write(character.encode_utf8(&mut [0; 4])),
    }
}

/// What the list makes of a command.
pub(super) fn perform(state: &mut State, command: Command) -> Option<Vec<Effect>> {
    let Some(Overlay::Sessions(list)) = state.overlays.last_mut() else {
        return None;
    };
    if list.naming.is_some() {
        return perform_naming(state, command);
    }
    match command {
        Command::Choose => return Some(open_chosen(state)),
        Command::Other => list.naming = list.chosen().map(|row| row.title.clone()),
        Command::Delete => delete_chosen(state),
        other if steer(state, other) == Steered::Not => return None,
        // The list was steered.
        _ => (),
    }
    Some(Vec::new())
}

fn perform_naming(state: &mut State, command: Command) -> Option<Vec<Effect>> {
    let Some(Overlay::Sessions(list)) = state.overlays.last_mut() else {
        return None;
    };
    let name = list.naming.as_mut()?;
    match command {
        Command::Back => list.naming = None,
        Command::Choose => return Some(rename_chosen(state)),
        Command::Edit(LineEdit::Backspace) => drop(name.pop()),
        Command::Edit(LineEdit::KillToStart) => name.clear(),
        Command::Up | Command::Down | Command::Scroll(_) | Command::Other | Command::Delete => (),
        _ => return None,
    }
    Some(Vec::new())
}

fn chosen(state: &mut State) -> Option<Summary> {
    state.session_list()?.chosen().cloned()
}

fn rename_chosen(state: &mut State) -> Vec<Effect> {
    let (Some(row), Some(list)) = (chosen(state), state.session_list()) else {
        return Vec::new();
    };
    let name = clean_line(list.naming.take().unwrap_or_default().trim());
    if name.is_empty() {
        return Vec::new();
    }
    if state.saved.id == Some(row.id) {
        state.title = name;
        state.saved.naming = Naming::ByUser;
        return vec![Effect::Keep(Job::List)];
    }
    vec![Effect::Keep(Job::Rename(row.id, name))]
}

fn delete_chosen(state: &mut State) {
    let Some(row) = chosen(state) else {
        return;
    };
    match row.condition {
        Condition::InUse => state.notify("It is open in another unmask; close it there first"),
        Condition::Free | Condition::Here | Condition::Unreadable => {
            ask_to_delete(state, row.id, &row.title, row.messages);
        }
    }
}

fn open_chosen(state: &mut State) -> Vec<Effect> {
    let Some(row) = chosen(state) else {
        return Vec::new();
    };
    if state.saved.id == Some(row.id) {
        state.overlays.pop();
        return Vec::new();
    }
    if is_busy(state) {
        return Vec::new();
    }
    state.overlays.pop();
    state.saved.opening = Some(row.id);
    vec![Effect::Keep(Job::Open(row.id))]
}
