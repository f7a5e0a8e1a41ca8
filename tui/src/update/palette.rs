use super::keys;
use crate::action::{Command, Edit, Scroll};
use crate::effect::Effect;
use crate::geometry;
use crate::palette::{Choice, items};
use crate::state::{Focus, Overlay, Pick, State};

/// Chooses a row and runs it; the rest is the chat's.
pub(super) fn perform(state: &mut State, command: Command) -> Option<Vec<Effect>> {
    let page = geometry::list_page(state) as isize;
    match command {
        Command::Up => step(state, -1),
        Command::Down => step(state, 1),
        Command::Scroll(Scroll::PageUp) => step(state, -page),
        Command::Scroll(Scroll::PageDown) => step(state, page),
        Command::Scroll(Scroll::First) => step(state, isize::MIN),
        Command::Scroll(Scroll::Follow) => step(state, isize::MAX),
        Command::Edit(Edit::Backspace) => change(state, Pick::backspace),
        Command::Edit(_) => change(state, |pick| *pick = Pick::default()),
        Command::Choose => return Some(choose(state)),
        Command::Other => (),
        _ => return None,
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
    let Some(Overlay::Palette(pick)) = state.overlays.last() else {
        return;
    };
    let texts: Vec<String> = items(state).iter().map(|item| item.text()).collect();
    let n = pick.matches(&texts).len();
    change(state, |pick| pick.step(rows, n));
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
        Choice::Command(command) => keys::perform(state, command),
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
