use super::list::{Steered, steer};
use crate::action::Command;
use crate::effect::Effect;
use crate::geometry;
use crate::state::{Overlay, Search, State};

/// Opens the search; the draft stays as it is until a prompt is taken.
pub(super) fn show(state: &mut State) {
    let search = Search::of(&state.history);
    state.overlays.push(Overlay::Search(search));
}

/// A typed character.
pub(super) fn write(search: &mut Search, character: char) {
    search.pick.write(character.encode_utf8(&mut [0; 4]));
    search.look();
}

/// Moves the choice by `rows`; negative is up.
pub(super) fn step(state: &mut State, rows: isize) {
    if let Some(Overlay::Search(search)) = state.overlays.last_mut() {
        let n = search.found().len();
        search.pick.step(rows, n);
    }
}

/// What the search makes of a command.
pub(super) fn perform(state: &mut State, command: Command) -> Option<Vec<Effect>> {
    let page = geometry::list_page(state);
    let Some(Overlay::Search(search)) = state.overlays.last_mut() else {
        return None;
    };
    if command == Command::Choose {
        if let Some(prompt) = search.chosen().map(str::to_owned) {
            state.overlays.pop();
            state.history.touch();
            state.composer.replace(&prompt);
        }
        return Some(Vec::new());
    }
    let n = search.found().len();
    match steer(&mut search.pick, (n, page), command) {
        Steered::Moved => (),
        Steered::Typed => search.look(),
        Steered::Not => return None,
    }
    Some(Vec::new())
}
