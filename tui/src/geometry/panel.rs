use ratatui::layout::Rect;

use crate::size::Size;

/// From this width on panels stand in the middle; below they span the screen.
const WIDE: u16 = 100;

/// A panel of at most `columns` by `rows` cells, frame included: in the middle of a wide screen, else from edge to edge
/// below the header.
#[must_use]
pub fn panel(size: Size, columns: u16, rows: u16) -> Rect {
    let height = rows.min(size.rows.saturating_sub(4));
    if size.columns < WIDE {
        return Rect::new(0, 2.min(size.rows), size.columns, height);
    }
    let width = columns.min(size.columns);
    Rect::new(
        (size.columns - width) / 2,
        (size.rows - height) / 2,
        width,
        height,
    )
}
