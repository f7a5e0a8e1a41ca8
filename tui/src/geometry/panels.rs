//! Where the panels over the chat are.

use ratatui::layout::{Position, Rect};

use super::{Areas, models, panel, settings};
use crate::keymap;
use crate::layout::help_rows;
use crate::palette::{self, Item};
use crate::state::{FieldRow, Help, Overlay, Search, Sessions, State};

/// The panel of the help.
#[must_use]
pub fn help(state: &State) -> Rect {
    const COLUMNS: u16 = 96;
    let widest = panel(state.size, COLUMNS, u16::MAX);
    let inside = usize::from(widest.width.saturating_sub(4));
    let rows = help_rows(state, &Help::default(), inside).len() + 2;
    panel(state.size, COLUMNS, u16::try_from(rows).unwrap_or(u16::MAX))
}

/// The panel of the palette, as tall whatever is typed.
#[must_use]
pub fn palette(state: &State) -> Rect {
    const COLUMNS: u16 = 96;
    let rows = palette::items(state).len() + 4;
    panel(state.size, COLUMNS, u16::try_from(rows).unwrap_or(u16::MAX))
}

/// The panel of the themes: narrow, so that what they change can be seen.
#[must_use]
pub fn themes(state: &State) -> Rect {
    const COLUMNS: u16 = 64;
    let rows = state.themes.names().len() + 4;
    panel(state.size, COLUMNS, u16::try_from(rows).unwrap_or(u16::MAX))
}

/// The list of conversations.
#[must_use]
pub fn sessions(state: &State, list: &Sessions) -> Rect {
    const WIDTH: u16 = 100;
    const ROWS: usize = 20;
    let rows = list.shown().len().clamp(1, ROWS);
    // With the frame, what was typed and the heading.
    let height = u16::try_from(rows + 4).unwrap_or(u16::MAX);
    panel(state.size, WIDTH, height)
}

/// The search through earlier prompts: just above the draft, which stays in sight.
#[must_use]
pub fn search(state: &State, search: &Search) -> Rect {
    const ROWS: usize = 8;
    let bottom = Areas::of(state).gap.y;
    let rows = search.found().len().clamp(1, ROWS);
    // With the frame and what was typed.
    let height = u16::try_from(rows + 3).unwrap_or(u16::MAX).min(bottom);
    Rect::new(0, bottom - height, state.size.columns, height)
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
    /// Rows above a list: the frame, what was typed, and a heading or an empty one.
    const ABOVE: u16 = 3;
    let rows = |panel: Rect, above: u16| {
        let height = panel.height.saturating_sub(above + 1);
        let width = panel.width.saturating_sub(2);
        Rect::new(panel.x + 1, panel.y + above, width, height)
    };
    let overlay = state.overlays.last()?;
    let (area, length) = match overlay {
        Overlay::Palette(pick) => {
            let texts: Vec<String> = palette::items(state).iter().map(Item::text).collect();
            (rows(palette(state), ABOVE), pick.matches(&texts).len())
        }
        Overlay::Themes(it) => {
            let names = state.themes.names().into_iter().map(|(name, _)| name);
            let found = it.pick.matches(&names.collect::<Vec<_>>());
            (rows(themes(state), ABOVE), found.len())
        }
        Overlay::Models(pick) => {
            let parts = models(state);
            let height = parts.list;
            let area = rows(parts.area, ABOVE);
            let rows = crate::models::rows(state, pick);
            let chosen = rows.iter().position(|row| row.contains(&pick.chosen));
            let (length, chosen) = (rows.len(), chosen.unwrap_or(0));
            return Some(List {
                area: Rect { height, ..area },
                top: list_top(pick.top, chosen, usize::from(height)),
                chosen,
                length,
            });
        }
        Overlay::Sessions(it) => (rows(sessions(state, it), ABOVE), it.shown().len()),
        Overlay::Search(it) => (rows(search(state, it), ABOVE - 1), it.found().len()),
        Overlay::Settings(_) => (settings(state.size).fields, FieldRow::all().len()),
        _ => return None,
    };
    let (top, chosen) = match overlay {
        Overlay::Settings(panel) => {
            let chosen = FieldRow::Field(panel.chosen);
            let chosen = FieldRow::all().iter().position(|row| *row == chosen);
            (panel.top, chosen.unwrap_or(0))
        }
        list => list.pick().map(|pick| (pick.top, pick.chosen))?,
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
