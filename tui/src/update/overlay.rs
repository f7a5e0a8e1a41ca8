use super::{confirm, help, info, models, palette, search, sessions, settings, themes};
use crate::action::Command;
use crate::availability;
use crate::clean::clean_line;
use crate::effect::Effect;
use crate::state::{Overlay, State};

/// A character typed while an overlay is open.
pub(super) fn write(state: &mut State, character: char) -> Vec<Effect> {
    match state.overlays.last_mut() {
        Some(Overlay::Menu { .. }) => {
            state.overlays.pop();
        }
        Some(Overlay::Sessions(list)) => sessions::write(list, character),
        Some(Overlay::Search(it)) => search::write(it, character),
        Some(Overlay::Settings(_)) => {
            settings::write(state, character.encode_utf8(&mut [0; 4]));
        }
        Some(Overlay::Help(panel)) => help::write(panel, character),
        Some(Overlay::Palette(pick) | Overlay::Models(pick)) => {
            pick.write(character.encode_utf8(&mut [0; 4]));
        }
        Some(Overlay::Themes(_)) => {
            themes::change(state, |pick| pick.write(character.encode_utf8(&mut [0; 4])));
        }
        Some(Overlay::Confirm(_)) => return confirm::write(state, character),
        Some(Overlay::Info(_)) | None => (),
    }
    Vec::new()
}

/// A paste while an overlay is open: it goes where typing goes. False if nothing is typed there.
pub(super) fn paste(state: &mut State, text: &str) -> bool {
    if let Some(Overlay::Settings(_)) = state.overlays.last() {
        settings::write(state, text);
        return true;
    }
    let takes_text = match state.overlays.last() {
        Some(Overlay::Help(help)) => help.filter.is_some(),
        Some(
            Overlay::Models(_)
            | Overlay::Palette(_)
            | Overlay::Themes(_)
            | Overlay::Sessions(_)
            | Overlay::Search(_),
        ) => true,
        Some(
            Overlay::Menu { .. } | Overlay::Confirm(_) | Overlay::Info(_) | Overlay::Settings(_),
        )
        | None => false,
    };
    if takes_text {
        for character in clean_line(text).chars() {
            write(state, character);
        }
    }
    takes_text
}

/// What the topmost overlay makes of a command; `None` if it leaves it to the chat.
pub(super) fn perform(state: &mut State, command: Command) -> Option<Vec<Effect>> {
    match state.overlays.last_mut()? {
        Overlay::Sessions(_) => sessions::perform(state, command),
        Overlay::Search(_) => search::perform(state, command),
        Overlay::Confirm(_) => confirm::perform(state, command),
        Overlay::Settings(_) => settings::perform(state, command),
        Overlay::Menu { .. } => from_menu(state, command),
        Overlay::Help(_) => help::perform(state, command),
        Overlay::Palette(_) => palette::perform(state, command),
        Overlay::Models(_) => models::perform(state, command),
        Overlay::Info(_) => info::perform(state, command),
        Overlay::Themes(_) => themes::perform(state, command),
    }
}

/// A letter of the menu: the menu goes, and what cannot be done now says why.
fn from_menu(state: &mut State, command: Command) -> Option<Vec<Effect>> {
    if command == Command::Back {
        return None;
    }
    state.overlays.pop();
    let why = availability::command(state, command).err()?;
    state.notify(why);
    Some(Vec::new())
}
