use super::list::{Steered, steer};
use crate::action::{Action, Command};
use crate::effect::Effect;
use crate::palette::{PaletteChoice, items};
use crate::state::{Focus, Overlay, State};

/// Chooses a row and runs it; the rest is the chat's.
pub(super) fn perform(state: &mut State, command: Command) -> Option<Vec<Effect>> {
    match command {
        Command::Choose => return Some(choose(state)),
        Command::Other => (),
        other if steer(state, other) == Steered::Not => return None,
        // The list was steered.
        _ => (),
    }
    Some(Vec::new())
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
        PaletteChoice::Command(command) => super::apply(state, Action::Do(command)),
        PaletteChoice::Slash(name) => {
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
