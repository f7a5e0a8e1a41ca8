use super::{load, scan};
use crate::action::AfterScan;
use crate::effect::Effect;
use crate::geometry::OPTIONS;
use crate::state::{Focus, State};

/// Moves the choice, if the first screen is shown and nothing is written; false if it is not.
pub(super) fn step(state: &mut State, rows: isize) -> bool {
    let is_shown = state.is_first_run() && state.composer.is_empty() && state.queue.is_empty();
    if is_shown {
        let option = state.machine.option.saturating_add_signed(rows);
        state.machine.option = option.min(OPTIONS - 1);
    }
    is_shown
}

/// A click on an option chooses it; a second one does what it says.
pub(super) fn click(state: &mut State, option: usize) -> Vec<Effect> {
    if state.machine.option == option {
        return choose(state);
    }
    state.machine.option = option;
    Vec::new()
}

/// Does what the chosen option says.
pub(super) fn choose(state: &mut State) -> Vec<Effect> {
    take(state, state.machine.option)
}

/// Does what an option says; they are counted from 0.
pub(super) fn take(state: &mut State, option: usize) -> Vec<Effect> {
    if !state.is_first_run() {
        return Vec::new();
    }
    state.machine.option = option.min(OPTIONS - 1);
    match option {
        0 => {
            state.focus = Focus::Composer;
            state.composer.replace("/models add ");
            state.notify("Write the folder's path behind it; ~ is your home");
            Vec::new()
        }
        1 => scan::look(state, AfterScan::Get),
        _ => load::load_carried(state),
    }
}
