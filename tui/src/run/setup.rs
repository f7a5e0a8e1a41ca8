//! What the screen begins with.

use std::path::PathBuf;
use std::sync::Arc;

use unmask_core::config::ConfigReader;
use unmask_core::engine::LoadRequest;

use super::{Keep, Log, themes};
use crate::action::{Action, Size};
use crate::diagnostic::Diagnostic;
use crate::preferences::Preferences;
use crate::state::{State, TracesKept, Turn};
use crate::terminal::{Replies, look};
use crate::update::{show_recorded, update};

/// What the screen is told before it opens.
#[derive(Debug, Default)]
pub struct Setup {
    /// A model to load at once.
    pub load: Option<LoadRequest>,
    /// Reads the configuration whose models can be chosen; none can be if there is none.
    pub reader: Option<ConfigReader>,
    /// Where standard output and error go while the screen is up; nowhere if there is none.
    pub log: Option<Log>,
    /// Where `/copy file` writes to if no path is named.
    pub copies: Option<PathBuf>,
    /// What is kept on disk.
    pub keep: Keep,
    /// How it looks, and what its keys do.
    pub preferences: Preferences,
    /// What is wrong with the file that says so.
    pub diagnostics: Vec<Diagnostic>,
    /// Where the user's themes lie.
    pub themes_folder: Option<PathBuf>,
    /// A recorded answer to show step by step.
    pub replay: Option<Arc<Turn>>,
}

/// The state before anything has happened.
pub(super) fn first_state(size: Size, setup: &Setup, replies: &Replies) -> State {
    let Preferences {
        theme,
        color,
        motion,
        mouse,
        mask_width,
        width,
        copy_on_select,
        exit_print: _,
        notify,
        stop_keep,
        traces,
        keymap,
    } = setup.preferences.clone();
    let mut state = State::new(size);
    state.look = look(color, replies, |name| std::env::var(name).ok());
    state.look.mask_width = mask_width;
    state.look.emoji = width;
    state.composer.emoji = width;
    state.copy_on_select = copy_on_select;
    state.keymap = keymap;
    state.motion = motion;
    state.stop_keep = stop_keep;
    state.saved.traces = match traces.keep {
        true => TracesKept::Yes,
        false => TracesKept::No,
    };
    state.mouse = mouse;
    state.alerts.method = notify;
    state.complain(
        "Not all of the configuration can be used",
        &setup.diagnostics,
    );
    state.themes.chosen = theme;
    let folder = setup.themes_folder.as_ref();
    let files = folder.map(|folder| themes::read(folder));
    update(&mut state, Action::Themes(files.unwrap_or_default()));
    if let Some(turn) = &setup.replay {
        show_recorded(&mut state, Arc::clone(turn));
    }
    state
}
