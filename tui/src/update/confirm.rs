use crate::action::Command;
use crate::effect::Effect;
use crate::state::{Confirm, Overlay, State};

/// Enter is yes, but where only the letter is; Esc is left to the chat, which closes the question; nothing else does
/// anything.
pub(super) fn perform(state: &mut State, command: &Command) -> Option<Vec<Effect>> {
    match command {
        Command::Choose if takes_enter(state) => Some(yes(state)),
        Command::Back | Command::Interrupt | Command::Repaint | Command::Suspend => None,
        _ => Some(Vec::new()),
    }
}

/// A letter: its own or `y` is yes, `n` is no.
pub(super) fn write(state: &mut State, character: char) -> Vec<Effect> {
    let Some(Overlay::Confirm(confirm)) = state.overlays.last() else {
        return Vec::new();
    };
    match character.to_ascii_lowercase() {
        letter if letter == confirm.letter => return yes(state),
        'y' => return yes(state),
        'n' => drop(state.overlays.pop()),
        _ => (),
    }
    Vec::new()
}

fn takes_enter(state: &State) -> bool {
    match state.overlays.last() {
        Some(Overlay::Confirm(confirm)) => confirm.takes_enter(),
        Some(_) | None => false,
    }
}

fn yes(state: &mut State) -> Vec<Effect> {
    match state.overlays.pop() {
        Some(Overlay::Confirm(Confirm { command, .. })) => super::carry_out(state, command),
        Some(_) | None => Vec::new(),
    }
}
