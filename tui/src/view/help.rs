use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthStr;

use super::{panel, put};
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
    let height = u16::try_from(keymap::help_height() + 2).unwrap_or(u16::MAX);
    let area = panel::place(state.size, WIDE, height);
    panel::frame(
        area,
        theme,
        "Help · keys",
        "↑↓ scroll · Esc",
        Role::Quiet,
        buffer,
    );
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
