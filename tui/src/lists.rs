//! The lists over the chat, a file each: its rows, its keys, where it is and how it is drawn, as one [`ListKind`].

pub(crate) mod formats;
pub(crate) mod models;
pub(crate) mod palette;
pub(crate) mod prompts;
pub(crate) mod sessions;
pub(crate) mod themes;

use ratatui::layout::Rect;

use crate::commands::{Command, LineEdit, Scroll};
use crate::geometry;
use crate::state::{ListArea, ListData, ListKind, ListPanel, Overlay, Pick, State};

/// Rows above those of a list: the frame, what was typed, and a heading or an empty one.
const ABOVE: u16 = 3;

/// Opens a list.
pub(crate) fn open(state: &mut State, kind: &'static ListKind, data: ListData) {
    let list = ListPanel::new(kind, data);
    state.overlays.push(Overlay::List(list));
}

/// The rows of a list in its panel, as many of which match what was typed.
fn area(panel: Rect, above: u16, list: &ListPanel, length: usize) -> ListArea {
    let rows = Rect::new(
        panel.x + 1,
        panel.y + above,
        panel.width.saturating_sub(2),
        panel.height.saturating_sub(above + 1),
    );
    ListArea {
        rows,
        length,
        chosen: list.pick.chosen,
    }
}

/// A typed character filters.
fn write(state: &mut State, character: char) {
    if let Some(list) = state.list_mut() {
        list.pick.write(character.encode_utf8(&mut [0; 4]));
    }
}

/// Moves the choice.
fn step(state: &mut State, rows: isize) {
    let n = geometry::list(state).map_or(0, |list| list.length);
    if let Some(list) = state.list_mut() {
        list.pick.step(rows, n);
    }
}

/// What a command did to a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Steered {
    /// Another row is chosen.
    Moved,
    /// Something else is typed now, so other rows match.
    Typed,
    /// Nothing: it is no command of lists.
    Not,
}

/// Carries out the commands that every list has in the topmost one.
fn steer(state: &mut State, command: &Command) -> Steered {
    let Some(area) = geometry::list(state) else {
        return Steered::Not;
    };
    let Some(list) = state.list_mut() else {
        return Steered::Not;
    };
    let all = area.length as isize;
    let page = usize::from(area.area.height).max(1) as isize;
    let rows = match command {
        Command::Up => -1,
        Command::Down => 1,
        Command::Scroll(Scroll::PageUp) => -page,
        Command::Scroll(Scroll::PageDown) => page,
        Command::Scroll(Scroll::First) => -all,
        Command::Scroll(Scroll::Follow) => all,
        Command::Edit(LineEdit::Backspace) => {
            list.pick.backspace();
            return Steered::Typed;
        }
        Command::Edit(LineEdit::KillToStart) => {
            list.pick = Pick::default();
            return Steered::Typed;
        }
        _ => return Steered::Not,
    };
    list.pick.step(rows, area.length);
    Steered::Moved
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_list_has_a_name_of_its_own() {
        let kinds = [
            formats::KIND,
            models::KIND,
            palette::KIND,
            prompts::KIND,
            sessions::KIND,
            themes::KIND,
        ];
        let names: HashSet<&str> = kinds.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), kinds.len());
    }
}
