use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, BorderType, Clear, Widget};
use unicode_width::UnicodeWidthStr;

use super::put;
use crate::keymap;
use crate::row::{Row, Span};
use crate::state::State;
use crate::theme::Role;

/// Cells of the frame where there is room for more.
const WIDE: u16 = 80;
/// Cells of the keys.
const KEYS: usize = 28;

/// The keys, drawn from the key map.
pub(super) fn draw(state: &State, top: usize, buffer: &mut Buffer) {
    let theme = state.look.theme;
    let area = frame_area(state);
    Clear.render(area, buffer);
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.style(Role::Quiet))
        .title("─ Help · keys ")
        .title_bottom(ratatui::text::Line::from(" ↑↓ scroll · Esc ─").right_aligned())
        .render(area, buffer);
    let rows = rows();
    let inside = usize::from(area.height.saturating_sub(2));
    let top = top.min(rows.len().saturating_sub(inside));
    for (row, y) in rows.iter().skip(top).take(inside).zip(area.y + 1..) {
        super::put_row(buffer, theme, (area.x + 2, y), area.right() - 1, row);
    }
    if top + inside < rows.len() {
        let more = (area.x + 2, area.bottom() - 1);
        put(
            buffer,
            theme,
            more,
            area.right() - 1,
            (" ↓ more ", Role::Accent),
        );
    }
}

fn frame_area(state: &State) -> Rect {
    let (columns, rows) = (state.size.columns, state.size.rows);
    let width = if columns >= 100 { WIDE } else { columns };
    let height = rows
        .saturating_sub(4)
        .min(u16::try_from(keymap::help_height() + 2).unwrap_or(u16::MAX));
    Rect::new((columns - width) / 2, 2, width, height)
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (title, keys) in keymap::sections() {
        if !rows.is_empty() {
            rows.push(Row::default());
        }
        rows.push(Row::of(title, Role::Accent));
        for (label, what) in keys {
            rows.push(row(label, what));
        }
    }
    rows
}

fn row(label: String, what: &str) -> Row {
    let gap = KEYS.saturating_sub(label.width()).max(2);
    let span = |text, role| Span { text, role };
    Row {
        spans: vec![
            span(label, Role::Text),
            span(" ".repeat(gap) + what, Role::Quiet),
        ],
        from: 0,
    }
}
