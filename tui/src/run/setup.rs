//! What the screen begins with.

use std::path::PathBuf;
use std::sync::Arc;

use unmask_core::config::ConfigReader;
use unmask_core::engine::LoadRequest;

use super::{Keep, Log, themes};
use crate::action::{Action, Size};
use crate::diagnostic::Diagnostic;
use crate::preferences::Preferences;
use crate::session::recorded_turn;
use crate::state::{ReplayStart, State, Turn, Welcome};
use crate::terminal::{Replies, look};
use crate::update::{show_both, show_recorded_from, update};

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
    /// What to show of recorded answers.
    pub replay: Option<RecordedAnswers>,
}

/// Recorded answers on the screen.
#[derive(Debug)]
pub enum RecordedAnswers {
    /// One, step by step.
    One(Arc<Turn>, ReplayStart),
    /// Two, side by side.
    Two(Arc<Turn>, Arc<Turn>),
}

/// The answer that an empty conversation shows.
fn carried() -> Option<Welcome> {
    const TRACE: &str = include_str!("welcome.trace.jsonl");
    let recording = unmask_core::wire::read(TRACE.as_bytes());
    let turn = recording.map_err(|error| error.to_string());
    let turn = turn.and_then(|recording| recorded_turn(&recording));
    match turn {
        Ok(turn) => Some(Welcome {
            turn: Arc::new(turn),
            began: None,
        }),
        Err(error) => {
            tracing::error!(error, "the carried trace cannot be shown");
            None
        }
    }
}

/// The state before anything has happened.
/// `entropy` is what nobody foresees, `log` where the log is.
pub(super) fn first_state(
    size: Size,
    setup: &Setup,
    replies: &Replies,
    (entropy, log): (u64, Option<String>),
) -> State {
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
    state.entropy = entropy;
    state.machine.log = log;
    state.machine.system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    state.saved.keeping = setup.keep.keeping;
    state.saved.opening = setup.keep.resume;
    state.look = look(color, replies, |name| std::env::var(name).ok());
    state.look.mask_width = mask_width;
    state.look.emoji = width;
    state.composer.emoji = width;
    state.copy_on_select = copy_on_select;
    state.keymap = keymap;
    state.motion = motion;
    state.stop_keep = stop_keep;
    state.saved.traces = traces.keep;
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
    state.welcome = carried();
    match &setup.replay {
        Some(RecordedAnswers::One(turn, start)) => {
            show_recorded_from(&mut state, Arc::clone(turn), *start);
        }
        Some(RecordedAnswers::Two(first, second)) => {
            show_both(&mut state, Arc::clone(first), Arc::clone(second));
        }
        None => (),
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_carried_trace_is_a_whole_answer_with_its_guesses() {
        let welcome = carried().expect("it can be read");
        let steps = || welcome.turn.log().steps();
        assert!(steps().count() >= 12);
        assert!(steps().filter(|step| !step.guesses.is_empty()).count() >= 6);
        assert!(!welcome.turn.answer().contains(&welcome.turn.mask()));
    }
}
