use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use crate::action::Size;
use crate::theme::{Role, Theme};

/// From this width on panels stand in the middle; below they span the screen.
const WIDE: u16 = 100;

/// A panel of at most `columns` by `rows` cells, frame included: in the middle of a wide screen, else from edge to edge
/// below the header.
pub(super) fn place(size: Size, columns: u16, rows: u16) -> Rect {
    let width = match size.columns >= WIDE {
        true => columns.min(size.columns),
        false => size.columns,
    };
    let height = rows.min(size.rows.saturating_sub(4));
    Rect::new((size.columns - width) / 2, 2, width, height)
}

/// Clears `area` and frames it: a title above, what the keys do below. Returns what is inside.
pub(super) fn frame(
    area: Rect,
    theme: Theme,
    title: &str,
    keys: &str,
    role: Role,
    buffer: &mut Buffer,
) -> Rect {
    Clear.render(area, buffer);
    let mut block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.style(role))
        .title(format!("─ {title} "));
    if !keys.is_empty() {
        block = block.title_bottom(Line::from(format!(" {keys} ─")).right_aligned());
    }
    block.render(area, buffer);
    let right = area.width.saturating_sub(4);
    Rect::new(area.x + 2, area.y + 1, right, area.height.saturating_sub(2))
}
