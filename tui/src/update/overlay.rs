use crate::action::Command;
use crate::effect::Effect;
use crate::state::{Overlay, State};

/// A character typed while an overlay is open.
pub(super) fn write(state: &mut State, _character: char) {
    match state.overlays.last_mut() {
        Some(Overlay::Menu) => {
            state.overlays.pop();
        }
        Some(Overlay::Help { .. }) | None => (),
    }
}

/// What the topmost overlay makes of a command; `None` if it leaves it to the chat.
pub(super) fn perform(state: &mut State, command: Command) -> Option<Vec<Effect>> {
    match state.overlays.last_mut()? {
        Overlay::Menu if command != Command::Back => {
            state.overlays.pop();
            None
        }
        Overlay::Menu | Overlay::Help { .. } => None,
    }
}
