//! Where the panels over the chat are.

use ratatui::layout::{Position, Rect};

use super::{Areas, info, models, panel, settings};
use crate::keymap;
use crate::layout::help_rows;
use crate::palette::{self, Item};
use crate::state::{Field, Help, Overlay, Pick, Search, Sessions, State};

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
    let bottom = Areas::of(state).rule.y;
    let rows = search.found().len().clamp(1, ROWS);
    // With the frame and what was typed.
    let height = u16::try_from(rows + 3).unwrap_or(u16::MAX).min(bottom);
    Rect::new(0, bottom - height, state.size.columns, height)
}

/// Rows of the list in the topmost overlay that are seen at once.
#[must_use]
pub fn list_page(state: &State) -> usize {
    let area = match state.overlays.last() {
        Some(Overlay::Palette(_)) => palette(state),
        Some(Overlay::Help(_)) => help(state),
        Some(Overlay::Themes(_)) => themes(state),
        Some(Overlay::Sessions(list)) => sessions(state, list),
        Some(Overlay::Search(it)) => {
            return usize::from(search(state, it).height.saturating_sub(3)).max(1);
        }
        Some(Overlay::Models(_)) => return usize::from(models(state).list),
        Some(Overlay::Info(text)) => {
            let (area, _) = info(state.size, text);
            return usize::from(area.height.saturating_sub(2)).max(1);
        }
        Some(Overlay::Settings(_)) => {
            return usize::from(settings(state.size).fields.height).max(1);
        }
        Some(Overlay::Menu { .. } | Overlay::Confirm(_)) | None => return 1,
    };
    usize::from(area.height.saturating_sub(4)).max(1)
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

impl List {
    fn new(area: Rect, top: usize, (chosen, length, page): (usize, usize, usize)) -> Self {
        let chosen = chosen.min(length.saturating_sub(1));
        Self {
            area,
            top: list_top(top, chosen, page),
            chosen,
            length,
        }
    }
}

/// The list of the topmost overlay, if it is one in which rows are chosen.
#[must_use]
pub fn list(state: &State) -> Option<List> {
    /// Rows above a list: the frame, what was typed, and a heading or an empty one.
    const ABOVE: u16 = 3;
    let page = list_page(state);
    let rows = |panel: Rect, above: u16| {
        let height = u16::try_from(page).unwrap_or(u16::MAX);
        let height = height.min(panel.height.saturating_sub(above + 1));
        let width = panel.width.saturating_sub(2);
        Rect::new(panel.x + 1, panel.y + above, width, height)
    };
    let of = |panel: Rect, pick: &Pick, texts: Vec<String>| {
        let length = pick.matches(&texts).len();
        List::new(rows(panel, ABOVE), pick.top, (pick.chosen, length, page))
    };
    match state.overlays.last()? {
        Overlay::Palette(pick) => {
            let texts = palette::items(state).iter().map(Item::text).collect();
            Some(of(palette(state), pick, texts))
        }
        Overlay::Themes(list) => {
            let names = state.themes.names().into_iter().map(|(name, _)| name);
            Some(of(themes(state), &list.pick, names.collect()))
        }
        Overlay::Models(pick) => {
            let texts = crate::models::texts(state.machine.catalogue.as_deref()?);
            Some(of(models(state).area, pick, texts))
        }
        Overlay::Sessions(list) => Some(of(sessions(state, list), &list.pick, list.texts())),
        Overlay::Search(it) => {
            let area = rows(search(state, it), ABOVE - 1);
            let chosen = (it.pick.chosen, it.found().len(), page);
            Some(List::new(area, it.pick.top, chosen))
        }
        Overlay::Settings(panel) => {
            let mut fields = Field::ALL.into_iter();
            let chosen = fields.position(|field| field == panel.chosen).unwrap_or(0);
            let chosen = (chosen, Field::ALL.len(), page);
            let area = settings(state.size).fields;
            Some(List::new(area, panel.top, chosen))
        }
        Overlay::Help(_) | Overlay::Menu { .. } | Overlay::Confirm(_) | Overlay::Info(_) => None,
    }
}

/// The commands that fit what is typed, just above the composer.
#[must_use]
pub fn completions(state: &State, n: usize) -> Rect {
    const TALLEST: u16 = 8;
    let areas = Areas::of(state);
    let room = areas.rule.y.saturating_sub(areas.transcript.y);
    let height = u16::try_from(n).unwrap_or(u16::MAX).min(TALLEST).min(room);
    Rect::new(0, areas.rule.y - height, areas.rule.width, height)
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
        let bottom = Areas::of(state).rule.y;
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
