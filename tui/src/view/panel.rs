use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use crate::action::{Command, Size};
use crate::geometry;
use crate::keymap::Context;
use crate::state::State;
use crate::theme::{Role, Theme};

/// A panel of at most `columns` by `rows` cells, frame included; see [`geometry::panel`].
pub(super) fn place(size: Size, columns: u16, rows: u16) -> Rect {
    geometry::panel(size, columns, rows)
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

/// What the keys of a list do: `Enter run · ↑↓ choose · Esc`.
pub(super) fn list_keys(state: &State, choose: &str, step: &str) -> String {
    state.keymap.footer(
        &[Context::List, Context::Overlay],
        &[
            (&[Command::Choose], choose),
            (&[Command::Up, Command::Down], step),
            (&[Command::Back], ""),
        ],
    )
}
