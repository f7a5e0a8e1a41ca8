use crate::action::{Command, Edit, Scroll};
use crate::effect::Effect;
use crate::geometry;
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
        Ok((theme, remarks)) => {
            state.look.theme = theme;
            state.themes.shown = name.to_owned();
            state.themes.chosen = name.to_owned();
            state.complain(
                &format!("Theme {name}: not all of it can be used"),
                &remarks,
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
        Command::Choose => keep(state),
        Command::Back => restore(state),
        Command::Other => (),
        _ => return None,
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

/// Changes what is typed or chosen, and tries the row that is chosen then.
pub(super) fn change(state: &mut State, change: impl FnOnce(&mut Pick)) {
    let Some(Overlay::Themes(list)) = state.overlays.last_mut() else {
        return;
    };
    change(&mut list.pick);
    let names: Vec<String> = state
        .themes
        .names()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    if let Some(at) = list.pick.choice(&names) {
        apply(state, &names[at]);
    }
}

/// Moves the choice by `rows`; negative is up.
pub(super) fn step(state: &mut State, rows: isize) {
    let names: Vec<String> = state
        .themes
        .names()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    change(state, |pick| {
        let n = pick.matches(&names).len();
        pick.step(rows, n);
    });
}
