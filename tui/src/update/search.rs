use super::list::{Steered, steer};
use crate::action::Command;
use crate::effect::Effect;
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

/// What the search makes of a command.
pub(super) fn perform(state: &mut State, command: Command) -> Option<Vec<Effect>> {
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
    let steered = steer(state, command);
    if let (Steered::Typed, Some(Overlay::Search(search))) = (steered, state.overlays.last_mut()) {
        search.look();
    }
    (steered != Steered::Not).then(Vec::new)
}
