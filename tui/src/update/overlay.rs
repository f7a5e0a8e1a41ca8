use super::{confirm, help, info, settings, token_text};
use crate::action::Command;
use crate::availability;
use crate::clean::clean_line;
use crate::effect::Effect;
use crate::sentence::capital;
use crate::state::{Overlay, State};

/// A character typed while an overlay is open.
pub(super) fn write(state: &mut State, character: char) -> Vec<Effect> {
    match state.overlays.last_mut() {
        Some(Overlay::Menu { .. }) => {
            state.overlays.pop();
        }
        Some(Overlay::List(list)) => (list.kind.write)(state, character),
        Some(Overlay::Settings(_)) => {
            settings::write(state, character.encode_utf8(&mut [0; 4]));
        }
        Some(Overlay::Help(panel)) => help::write(panel, character),
        Some(Overlay::TokenEdit(panel)) => token_text::write(panel, character),
        Some(Overlay::Confirm(_)) => return confirm::write(state, character),
        Some(Overlay::Info(_)) | None => (),
    }
    Vec::new()
}

/// A paste into an overlay that [takes text](Overlay::takes_text).
pub(super) fn paste(state: &mut State, text: &str) {
    if let Some(Overlay::Settings(_)) = state.overlays.last() {
        return settings::write(state, text);
    }
    for character in clean_line(text).chars() {
        write(state, character);
    }
}

/// What the topmost overlay makes of a command; `None` if it leaves it to the chat.
pub(super) fn perform(state: &mut State, command: &Command) -> Option<Vec<Effect>> {
    match state.overlays.last_mut()? {
        Overlay::List(list) => {
            let commands = (list.kind.perform)(state, command)?;
            let carried_out = commands.into_iter().map(|it| super::carry_out(state, it));
            Some(carried_out.collect::<Vec<_>>().concat())
        }
        Overlay::Confirm(_) => confirm::perform(state, command),
        Overlay::Settings(_) => settings::perform(state, command),
        Overlay::Menu { .. } => from_menu(state, command),
        Overlay::Help(_) => help::perform(state, command),
        Overlay::Info(_) => info::perform(state, command),
        Overlay::TokenEdit(_) => token_text::perform(state, command),
    }
}

/// A letter of the menu: the menu goes, and what cannot be done now says why.
fn from_menu(state: &mut State, command: &Command) -> Option<Vec<Effect>> {
    if *command == Command::Back {
        return None;
    }
    state.overlays.pop();
    let why = availability::command(state, command).err()?;
    state.notify(capital(why));
    Some(Vec::new())
}
