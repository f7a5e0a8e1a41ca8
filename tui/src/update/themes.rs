use super::list::{self, Steered, steer};
use crate::action::Command;
use crate::effect::Effect;
use crate::state::{Overlay, Pick, State, ThemePick};
use crate::themes::ThemeFile;

/// Opens the list at the theme in use, and has the files read again meanwhile.
pub(super) fn open(state: &mut State) -> Vec<Effect> {
    let names = state.themes.names();
    let in_use = names
        .iter()
        .position(|(name, _)| *name == state.themes.chosen);
    state.overlays.push(Overlay::Themes(ThemePick {
        pick: Pick {
            query: String::new(),
            chosen: in_use.unwrap_or(0),
            top: 0,
        },
        before: state.themes.chosen.clone(),
    }));
    vec![Effect::ReadThemes]
}

/// A theme asked for by its name: its file may be new, so that only the files that are read now tell.
pub(super) fn ask(state: &mut State, name: String) -> Vec<Effect> {
    state.themes.chosen = name;
    vec![Effect::ReadThemes]
}

/// The files as they are now: the theme in use may have changed, or gone.
pub(super) fn take(state: &mut State, files: Vec<ThemeFile>) {
    state.themes.files = files;
    let name = state.themes.chosen.clone();
    apply(state, &name);
}

/// Draws in a theme from now on; one that is not there leaves everything as it is.
fn apply(state: &mut State, name: &str) {
    match state.themes.theme(name, state.look.colours) {
        Ok((theme, diagnostics)) => {
            state.look.theme = theme;
            state.themes.shown = name.to_owned();
            state.themes.chosen = name.to_owned();
            state.complain(
                &format!("Theme {name}: not all of it can be used"),
                &diagnostics,
            );
        }
        Err(why) => {
            state.themes.chosen = state.themes.shown.clone();
            state.notify(why);
        }
    }
}

/// Chooses a row; the rest is the chat's.
pub(super) fn perform(state: &mut State, command: Command) -> Option<Vec<Effect>> {
    match command {
        Command::Choose => keep(state),
        Command::Back => restore(state),
        Command::Other => (),
        other if steer(state, other) == Steered::Not => return None,
        // The list was steered.
        _ => try_chosen(state),
    }
    Some(Vec::new())
}

fn keep(state: &mut State) {
    state.overlays.pop();
    let name = &state.themes.chosen;
    state.notify(format!(
        "Theme {name}; `theme = \"{name}\"` under [ui] in config.toml keeps it"
    ));
}

fn restore(state: &mut State) {
    if let Some(Overlay::Themes(list)) = state.overlays.pop() {
        apply(state, &list.before);
    }
}

/// A character typed into the list.
pub(super) fn write(state: &mut State, character: char) {
    if let Some(Overlay::Themes(list)) = state.overlays.last_mut() {
        list.pick.write(character.encode_utf8(&mut [0; 4]));
        try_chosen(state);
    }
}

/// Moves the choice by `rows`; negative is up.
pub(super) fn step(state: &mut State, rows: isize) {
    list::step(state, rows);
    try_chosen(state);
}

/// Tries the row that is chosen now.
fn try_chosen(state: &mut State) {
    let names: Vec<String> = (state.themes.names().into_iter())
        .map(|(name, _)| name)
        .collect();
    let pick = state.overlays.last().and_then(Overlay::pick);
    if let Some(at) = pick.and_then(|pick| pick.choice(&names)) {
        apply(state, &names[at]);
    }
}
