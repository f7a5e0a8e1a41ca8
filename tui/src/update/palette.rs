use super::list::{Steered, steer};
use crate::action::{Action, Command};
use crate::effect::Effect;
use crate::geometry;
use crate::palette::{Choice, items};
use crate::state::{Focus, Overlay, Pick, State};

/// Chooses a row and runs it; the rest is the chat's.
pub(super) fn perform(state: &mut State, command: Command) -> Option<Vec<Effect>> {
    match command {
        Command::Choose => return Some(choose(state)),
        Command::Other => (),
        other if steered(state, other) == Steered::Not => return None,
        // The list was steered.
        _ => (),
    }
    Some(Vec::new())
}

fn change(state: &mut State, change: impl FnOnce(&mut Pick)) {
    if let Some(Overlay::Palette(pick)) = state.overlays.last_mut() {
        change(pick);
    }
}

/// Moves the choice by `rows`; negative is up.
pub(super) fn step(state: &mut State, rows: isize) {
    let n = count(state);
    change(state, |pick| pick.step(rows, n));
}

/// How many rows match.
fn count(state: &State) -> usize {
    let Some(Overlay::Palette(pick)) = state.overlays.last() else {
        return 0;
    };
    let texts: Vec<String> = items(state).iter().map(|item| item.text()).collect();
    pick.matches(&texts).len()
}

/// What every list makes of a command.
fn steered(state: &mut State, command: Command) -> Steered {
    let rows = (count(state), geometry::list_page(state));
    let mut it = Steered::Not;
    change(state, |pick| it = steer(pick, rows, command));
    it
}

/// Runs the chosen row, or puts its slash command in the composer; the palette stays if it cannot be done now.
fn choose(state: &mut State) -> Vec<Effect> {
    let Some(Overlay::Palette(pick)) = state.overlays.last() else {
        return Vec::new();
    };
    let items = items(state);
    let texts: Vec<String> = items.iter().map(|item| item.text()).collect();
    let Some(item) = pick.choice(&texts).map(|index| &items[index]) else {
        return Vec::new();
    };
    if let Some(why) = item.refusal {
        state.notify(why);
        return Vec::new();
    }
    state.overlays.pop();
    match item.run {
        Choice::Command(command) => super::apply(state, Action::Do(command)),
        Choice::Slash(name) => {
            begin(state, name);
            Vec::new()
        }
    }
}

/// Puts `/name ` in the composer; what was there is in the history.
fn begin(state: &mut State, name: &str) {
    let draft = state.composer.take();
    if !draft.trim().is_empty() {
        state.history.add(&draft);
    }
    state.focus = Focus::Composer;
    state.composer.replace(&format!("/{name} "));
}
