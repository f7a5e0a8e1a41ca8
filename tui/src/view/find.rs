//! The places of the words that are looked for, marked where they are seen.

use ratatui::buffer::{Buffer, CellWidth as _};
use ratatui::layout::Rect;

use crate::state::State;
use crate::theme::Role;

/// Marks them; what a row's end cuts is not.
pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let Some(pattern) = state.find.as_ref().and_then(|find| find.pattern()) else {
        return;
    };
    let style = state.look.theme.style(Role::Selected);
    for y in area.y..area.bottom() {
        let mut row = String::new();
        // The cell of each byte.
        let mut cells = Vec::new();
        let mut x = area.x;
        while x < area.right() {
            let symbol = buffer[(x, y)].symbol();
            cells.extend(std::iter::repeat_n(x, symbol.len()));
            row.push_str(symbol);
            x += symbol.cell_width().max(1);
        }
        for found in pattern.find_iter(&row) {
            let first = cells.get(found.start()).copied();
            let end = cells.get(found.end()).copied().unwrap_or(area.right());
            if let Some(first) = first {
                buffer.set_style(Rect::new(first, y, end.saturating_sub(first), 1), style);
            }
        }
    }
}
