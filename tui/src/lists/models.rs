use unmask_core::catalogue::ModelChoice;

mod draw;

use super::{Steered, area, steer, write};
use crate::commands::{Command, Scroll};
use crate::geometry;
use crate::keymap::Context;
use crate::models::{self, chosen, matches};
use crate::state::{ListArea, ListData, ListKind, ListPanel, State};
use draw::draw;

/// Models and backends.
pub(crate) const KIND: ListKind = ListKind {
    name: models::PICKER,
    context: Some(Context::Models),
    area: rows,
    draw,
    write,
    step: go,
    perform,
};

fn rows(state: &State, list: &ListPanel) -> ListArea {
    let parts = geometry::models(state);
    let rows = models::rows(state, &list.pick);
    let chosen = rows.iter().position(|row| row.contains(&list.pick.chosen));
    let mut area = area(parts.area, super::ABOVE, list, rows.len());
    area.rows.height = parts.list;
    area.chosen = chosen.unwrap_or(0);
    area
}

/// Opens the picker at the running model.
pub(crate) fn open(state: &mut State) {
    show(state);
    choose_loaded(state);
}

/// Chooses the row of the running model.
fn choose_loaded(state: &mut State) {
    if let Some(loaded) = state.model.clone() {
        choose_next(state, |row| row.is(&loaded));
    }
}

/// Opens the picker at the first row of a key, as the machine was seen last.
pub(crate) fn open_at(state: &mut State, key: &str) {
    show(state);
    let is_chosen = chosen(state).is_some_and(|row| row.key == key);
    if !is_chosen {
        choose_next(state, |row| row.key == key);
    }
}

fn show(state: &mut State) {
    state.toast = None;
    super::open(state, &KIND, ListData::Nothing);
}

/// What the picker makes of a command; `None` leaves it to the chat.
fn perform(state: &mut State, command: &Command) -> Option<Vec<Command>> {
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
        Command::Rescan => return Some(vec![Command::Scan]),
        Command::Choose => {
            let choice = chosen(state).cloned().map(Box::new);
            return Some(choice.map(Command::WantModel).into_iter().collect());
        }
        other if steer(state, other) == Steered::Not => return None,
        // The list was steered.
        _ => (),
    }
    Some(Vec::new())
}

fn choose(state: &mut State, at: usize) {
    if let Some(list) = state.list_mut() {
        list.pick.chosen = at;
    }
}

fn page(state: &State) -> isize {
    let list = geometry::list(state);
    list.map_or(1, |list| list.area.height.max(1) as isize)
}

/// Moves by rows of the list, to the precision that is loaded there, else to that of the row before, else to the first that
/// can be loaded.
fn go(state: &mut State, rows: isize) {
    let (Some(pick), Some(catalogue)) = (models::picker(state), &state.machine.catalogue) else {
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
    choose(state, at);
}

/// To another precision of the same row.
fn to_precision(state: &mut State, by: isize) {
    let Some(pick) = models::picker(state) else {
        return;
    };
    let rows = models::rows(state, pick);
    let Some(row) = rows.into_iter().find(|row| row.contains(&pick.chosen)) else {
        return;
    };
    let at = pick.chosen.saturating_add_signed(by);
    choose(state, at.clamp(row.start, row.end - 1));
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
    let (Some(pick), Some(catalogue)) = (models::picker(state), &state.machine.catalogue) else {
        return false;
    };
    let shown = matches(state, pick);
    let from = pick.chosen.min(shown.len().saturating_sub(1));
    let order = (from + 1..shown.len()).chain(0..from);
    let mut found = order.filter(|&at| is_it(&catalogue.choices[shown[at]]));
    let Some(at) = found.next() else {
        return false;
    };
    choose(state, at);
    true
}

/// After another look at the machine: the row that was chosen stays so, if it is still there.
pub(crate) fn choose_again(state: &mut State, choice: Option<&ModelChoice>) {
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
