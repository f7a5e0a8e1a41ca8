use unmask_core::catalogue::ModelChoice;

use super::list::{Steered, steer};
use super::{load, scan};
use crate::action::Command;
use crate::effect::Effect;
use crate::models::{chosen, matches};
use crate::state::{Overlay, Pick, State};

/// Opens the picker, and has the machine looked at.
pub(super) fn open(state: &mut State) -> Vec<Effect> {
    show(state);
    scan::scan(state)
}

/// Opens the picker at the first row of a key, as the machine was seen last.
pub(super) fn open_at(state: &mut State, key: &str) {
    show(state);
    let is_chosen = chosen(state).is_some_and(|row| row.key == key);
    if !is_chosen {
        choose_next(state, |row| row.key == key);
    }
}

fn show(state: &mut State) {
    state.toast = None;
    state.overlays.push(Overlay::Models(Pick::default()));
}

/// What the picker makes of a command; `None` leaves it to the chat.
pub(super) fn perform(state: &mut State, command: Command) -> Option<Vec<Effect>> {
    match command {
        Command::Other => next_backend(state),
        Command::Rescan => return Some(scan::scan(state)),
        Command::Choose => {
            let choice = chosen(state).cloned();
            return Some(choice.map_or_else(Vec::new, |choice| load::want(state, &choice)));
        }
        other if steer(state, other) == Steered::Not => return None,
        // The list was steered.
        _ => (),
    }
    Some(Vec::new())
}

/// To the next shown row of the same model on another backend or device; if it has only one, to its next row.
fn next_backend(state: &mut State) {
    let Some(now) = chosen(state).cloned() else {
        return;
    };
    let elsewhere = |row: &ModelChoice| {
        row.key == now.key && (&row.framework, &row.device) != (&now.framework, &now.device)
    };
    if !choose_next(state, elsewhere) {
        choose_next(state, |row| row.key == now.key);
    }
}

/// Goes down to the next shown row that `is_it`, from the top again if need be; false if there is none.
fn choose_next(state: &mut State, is_it: impl Fn(&ModelChoice) -> bool) -> bool {
    let (Some(Overlay::Models(pick)), Some(catalogue)) =
        (state.overlays.last(), &state.machine.catalogue)
    else {
        return false;
    };
    let shown = matches(state, pick);
    let from = pick.chosen.min(shown.len().saturating_sub(1));
    let order = (from + 1..shown.len()).chain(0..from);
    let mut found = order.filter(|&at| is_it(&catalogue.choices[shown[at]]));
    let Some(at) = found.next() else {
        return false;
    };
    if let Some(Overlay::Models(pick)) = state.overlays.last_mut() {
        pick.chosen = at;
    }
    true
}

/// After another look at the machine: the row that was chosen stays so, if it is still there.
pub(super) fn choose_again(state: &mut State, choice: Option<&ModelChoice>) {
    let is_same = |row: &ModelChoice| {
        choice.is_some_and(|it| {
            (&it.key, &it.framework, &it.device, &it.precision)
                == (&row.key, &row.framework, &row.device, &row.precision)
        })
    };
    let is_there = chosen(state).is_some_and(is_same);
    if !is_there {
        choose_next(state, is_same);
    }
}
