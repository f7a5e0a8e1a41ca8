use crate::effect::Effect;
use crate::lists::themes;
use crate::state::State;
use crate::themes::ThemeFile;

/// Opens the list at the theme in use, and has the files read again meanwhile.
pub(super) fn open(state: &mut State) -> Vec<Effect> {
    themes::open(state);
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
    themes::apply(state, &name);
}
