use crate::action::{Command, LineEdit, Scroll};
use crate::geometry;
use crate::state::{Overlay, Pick, State};

/// What a command did to a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Steered {
    /// Another row is chosen.
    Moved,
    /// Something else is typed now, so other rows match.
    Typed,
    /// Nothing: it is no command of lists.
    Not,
}

/// Moves the choice in the topmost list by `rows`; negative is up.
pub(super) fn step(state: &mut State, rows: isize) {
    let n = geometry::list(state).map_or(0, |list| list.length);
    if let Some(pick) = state.overlays.last_mut().and_then(Overlay::pick_mut) {
        pick.step(rows, n);
    }
}

/// Carries out the commands that every list has in the topmost one.
pub(super) fn steer(state: &mut State, command: Command) -> Steered {
    let list = geometry::list(state);
    let pick = state.overlays.last_mut().and_then(Overlay::pick_mut);
    let (Some(list), Some(pick)) = (list, pick) else {
        return Steered::Not;
    };
    let all = list.length as isize;
    let page = usize::from(list.area.height).max(1) as isize;
    let rows = match command {
        Command::Up => -1,
        Command::Down => 1,
        Command::Scroll(Scroll::PageUp) => -page,
        Command::Scroll(Scroll::PageDown) => page,
        Command::Scroll(Scroll::First) => -all,
        Command::Scroll(Scroll::Follow) => all,
        Command::Edit(LineEdit::Backspace) => {
            pick.backspace();
            return Steered::Typed;
        }
        Command::Edit(LineEdit::KillToStart) => {
            *pick = Pick::default();
            return Steered::Typed;
        }
        _ => return Steered::Not,
    };
    pick.step(rows, list.length);
    Steered::Moved
}
