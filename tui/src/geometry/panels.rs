//! Where the panels over the chat are.

use ratatui::layout::{Position, Rect};

use super::{Areas, panel, settings};
use crate::keymap;
use crate::layout::help_rows;
use crate::state::{FieldRow, Help, Overlay, State};

/// The panel of the help.
#[must_use]
pub fn help(state: &State) -> Rect {
    const COLUMNS: u16 = 96;
    let widest = panel(state.size, COLUMNS, u16::MAX);
    let inside = usize::from(widest.width.saturating_sub(4));
    let rows = help_rows(state, &Help::default(), inside).len() + 2;
    panel(state.size, COLUMNS, u16::try_from(rows).unwrap_or(u16::MAX))
}

/// The first row of a list that is seen, if `page` rows are and the chosen one must be among them: that of the frame
/// before as long as it can be, so that rows stay where they are pointed at.
#[must_use]
pub fn list_top(before: usize, chosen: usize, page: usize) -> usize {
    before.clamp((chosen + 1).saturating_sub(page.max(1)), chosen)
}

/// The list in a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List {
    /// Where its rows are.
    pub area: Rect,
    /// The first of them that is seen.
    pub top: usize,
    /// The chosen one.
    pub chosen: usize,
    /// How many there are.
    pub length: usize,
}

/// The list of the topmost overlay, if it is one in which rows are chosen.
#[must_use]
pub fn list(state: &State) -> Option<List> {
    let (area, length, top, chosen) = match state.overlays.last()? {
        Overlay::List(list) => {
            let it = (list.kind.area)(state, list);
            (it.rows, it.length, list.pick.top, it.chosen)
        }
        Overlay::Settings(panel) => {
            let rows = FieldRow::all();
            let chosen = FieldRow::Field(panel.chosen);
            let chosen = rows.iter().position(|row| *row == chosen);
            let fields = settings(state.size).fields;
            (fields, rows.len(), panel.top, chosen.unwrap_or(0))
        }
        Overlay::Help(_)
        | Overlay::Menu { .. }
        | Overlay::Confirm(_)
        | Overlay::Info(_)
        | Overlay::TokenEdit(_) => return None,
    };
    let chosen = chosen.min(length.saturating_sub(1));
    Some(List {
        area,
        top: list_top(top, chosen, usize::from(area.height)),
        chosen,
        length,
    })
}

/// The commands that fit what is typed, just above the composer.
#[must_use]
pub fn completions(state: &State, n: usize) -> Rect {
    const TALLEST: u16 = 8;
    let areas = Areas::of(state);
    let room = areas.gap.y.saturating_sub(areas.transcript.y);
    let height = u16::try_from(n).unwrap_or(u16::MAX).min(TALLEST).min(room);
    Rect::new(0, areas.gap.y - height, areas.gap.width, height)
}

/// The menu: letters in a grid, just above the composer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Menu {
    /// Its frame.
    pub area: Rect,
    /// Letters in a row.
    pub columns: usize,
}

impl Menu {
    /// Cells of a letter with its word.
    pub const CELL: u16 = 13;

    /// The menu for a state.
    #[must_use]
    pub fn of(state: &State) -> Self {
        const COLUMNS: usize = 6;
        let bottom = Areas::of(state).gap.y;
        let letters = keymap::letters(&state.keymap).len();
        // The last cell of a row needs no gap behind it.
        let inside = usize::from(state.size.columns.saturating_sub(2) / Self::CELL);
        let columns = inside.clamp(1, COLUMNS);
        let rows = u16::try_from(letters.div_ceil(columns)).unwrap_or(u16::MAX);
        let height = rows.saturating_add(3).min(bottom);
        Self {
            area: Rect::new(0, bottom - height, state.size.columns, height),
            columns,
        }
    }

    /// Which letter's cell is here, in the order of the grid.
    #[must_use]
    pub fn cell(&self, place: Position) -> Option<usize> {
        let column = usize::from(place.x.checked_sub(self.area.x + 2)? / Self::CELL);
        let row = usize::from(place.y.checked_sub(self.area.y + 1)?);
        (column < self.columns && self.area.contains(place)).then_some(row * self.columns + column)
    }
}
