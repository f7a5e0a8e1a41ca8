use crate::action::{Command, Edit, Scroll};
use crate::state::Pick;

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

/// Carries out the commands that every list has, of `n` rows of which `page` are seen at once.
pub(super) fn steer(pick: &mut Pick, (n, page): (usize, usize), command: Command) -> Steered {
    let all = n as isize;
    let page = page as isize;
    let rows = match command {
        Command::Up => -1,
        Command::Down => 1,
        Command::Scroll(Scroll::PageUp) => -page,
        Command::Scroll(Scroll::PageDown) => page,
        Command::Scroll(Scroll::First) => -all,
        Command::Scroll(Scroll::Follow) => all,
        Command::Edit(Edit::Backspace) => {
            pick.backspace();
            return Steered::Typed;
        }
        Command::Edit(Edit::KillToStart) => {
            *pick = Pick::default();
            return Steered::Typed;
        }
        _ => return Steered::Not,
    };
    pick.step(rows, n);
    Steered::Moved
}
