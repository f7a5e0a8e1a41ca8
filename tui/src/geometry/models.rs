//! The picker of models, and panels of text.

use ratatui::layout::Rect;

use super::panel;
use crate::action::Size;
use crate::layout::{Flow, wrap};
use crate::models;
use crate::row::Row;
use crate::state::{Info, Pick, State};
use crate::theme::Role;

/// Cells of the sign before a row.
pub const SIGN: u16 = 2;

/// The parts of the picker of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelsArea {
    /// With its frame.
    pub area: Rect,
    /// Rows of the list.
    pub list: u16,
    /// Rows of what is unavailable, with its heading and the empty row before it; none if there is no room.
    pub unavailable: u16,
    /// Rows below: an empty one, the memory, and two for what Enter would do, as far as there is room.
    pub foot: u16,
}

/// The picker of models: as tall whatever is typed. What is unavailable gives way to the list, and then the foot.
#[must_use]
pub fn models(state: &State) -> ModelsArea {
    const COLUMNS: u16 = 100;
    /// The frame, what was typed, and the heading.
    const FIXED: u16 = 4;
    const FOOT: u16 = 4;
    /// Rows of the list that nothing takes.
    const LEAST: u16 = 4;
    let catalogue = state.machine.catalogue.as_deref();
    let rows = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let choices = rows(models::rows(state, &Pick::default()).len()).max(1);
    let width = panel(state.size, COLUMNS, 4).width;
    let inside = usize::from(width.saturating_sub(4 + SIGN));
    let unavailable = match catalogue.map_or(0, |it| models::unavailable_rows(it, inside).len()) {
        0 => 0,
        n => rows(n).saturating_add(2),
    };
    let wanted = [FIXED, choices, unavailable, FOOT];
    let wanted = wanted.into_iter().fold(0, u16::saturating_add);
    let area = panel(state.size, COLUMNS, wanted);
    let room = area.height.saturating_sub(FIXED);
    let room = room.saturating_sub(choices.min(LEAST));
    let foot = FOOT.min(room);
    let unavailable = match unavailable.min(room - foot) {
        // A heading without anything below it.
        0..=2 => 0,
        rows => rows,
    };
    let rest = FIXED + foot + unavailable;
    ModelsArea {
        area,
        list: area.height.saturating_sub(rest),
        unavailable,
        foot,
    }
}

/// The panel of a text, and the rows that the text has in it.
#[must_use]
pub fn info(size: Size, info: &Info) -> (Rect, usize) {
    const COLUMNS: u16 = 100;
    let width = panel(size, COLUMNS, 3).width.saturating_sub(4);
    let height = info_rows(info, usize::from(width)).len();
    let rows = u16::try_from(height + 2).unwrap_or(u16::MAX);
    (panel(size, COLUMNS, rows), height)
}

/// The text of a panel in rows.
#[must_use]
pub fn info_rows(info: &Info, width: usize) -> Vec<Row> {
    paragraphs(&info.lines, width)
}

/// Lines wrapped, the empty ones kept.
#[must_use]
pub fn paragraphs(lines: &[String], width: usize) -> Vec<Row> {
    let rows = |line: &String| match line.is_empty() {
        true => vec![Row::default()],
        false => wrap(&Flow::plain(line, Role::Text), width),
    };
    lines.iter().flat_map(rows).collect()
}
