use unmask_core::catalogue::ModelChoice;

use super::list::{Steered, steer};
use super::{load, scan};
use crate::action::{Command, Scroll};
use crate::effect::Effect;
use crate::geometry;
use crate::models::{self, chosen, matches};
use crate::state::{Overlay, Pick, State};

/// Opens the picker, and has the machine looked at.
pub(super) fn open(state: &mut State) -> Vec<Effect> {
    show(state);
    choose_loaded(state);
    scan::scan(state)
}

/// Chooses the row of the running model.
fn choose_loaded(state: &mut State) {
    if let Some(loaded) = state.model.clone() {
        choose_next(state, |row| row.is(&loaded));
    }
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
        Command::Up => go(state, -1),
        Command::Down => go(state, 1),
        Command::Scroll(Scroll::PageUp) => go(state, -page(state)),
        Command::Scroll(Scroll::PageDown) => go(state, page(state)),
        Command::Scroll(Scroll::First) => go(state, isize::MIN + 1),
        Command::Scroll(Scroll::Follow) => go(state, isize::MAX),
        Command::Less => to_precision(state, -1),
        Command::More => to_precision(state, 1),
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

fn page(state: &State) -> isize {
    let list = geometry::list(state);
    list.map_or(1, |list| list.area.height.max(1) as isize)
}

/// Moves by rows of the list, to the precision that is loaded there, else to that of the row before, else to the first that
/// can be loaded.
pub(super) fn go(state: &mut State, rows: isize) {
    let (Some(Overlay::Models(pick)), Some(catalogue)) =
        (state.overlays.last(), &state.machine.catalogue)
    else {
        return;
    };
    let all = models::rows(state, pick);
    let Some(last) = all.len().checked_sub(1) else {
        return;
    };
    let now = all.iter().position(|row| row.contains(&pick.chosen));
    let to = now.unwrap_or(0).saturating_add_signed(rows).min(last);
    if Some(to) == now {
        return;
    }
    let shown = matches(state, pick);
    let precision = chosen(state).map(|it| it.precision.clone());
    let choice = |at: &usize| &catalogue.choices[shown[*at]];
    let find = |is_it: &dyn Fn(&ModelChoice) -> bool| all[to].clone().find(|at| is_it(choice(at)));
    let loaded = state.model.as_deref();
    let at = find(&|it| loaded.is_some_and(|loaded| it.is(loaded)))
        .or_else(|| find(&|it| Some(&it.precision) == precision.as_ref()))
        .or_else(|| find(&|it| it.obstacle().is_none()));
    let at = at.unwrap_or(all[to].start);
    if let Some(Overlay::Models(pick)) = state.overlays.last_mut() {
        pick.chosen = at;
    }
}

/// To another precision of the same row.
fn to_precision(state: &mut State, by: isize) {
    let Some(Overlay::Models(pick)) = state.overlays.last() else {
        return;
    };
    let rows = models::rows(state, pick);
    let Some(row) = rows.into_iter().find(|row| row.contains(&pick.chosen)) else {
        return;
    };
    let at = pick.chosen.saturating_add_signed(by);
    if let Some(Overlay::Models(pick)) = state.overlays.last_mut() {
        pick.chosen = at.clamp(row.start, row.end - 1);
    }
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
    if !is_there && !choose_next(state, is_same) {
        choose_loaded(state);
    }
}
