use ratatui::buffer::Buffer;

use super::{panel, put, put_row};
use crate::action::Command;
use crate::clean::clean_line;
use crate::geometry;
use crate::keymap::Context;
use crate::state::{Info, State};
use crate::theme::Role;

/// Text to be read.
pub(super) fn draw(state: &State, info: &Info, buffer: &mut Buffer) {
    let theme = state.look.theme;
    let (area, height) = geometry::info(state.size, info);
    let title = clean_line(&info.title);
    let keys = state.keymap.footer(
        &[Context::Overlay, Context::Help],
        &[
            (&[Command::Up, Command::Down], "scroll"),
            (&[Command::Back], ""),
        ],
    );
    let inner = panel::frame(area, theme, &title, &keys, Role::Quiet, buffer);
    let seen = usize::from(inner.height);
    let top = info.top.min(height.saturating_sub(seen));
    let rows = geometry::info_rows(info, usize::from(inner.width));
    for (row, y) in rows.iter().skip(top).zip(inner.y..inner.bottom()) {
        put_row(buffer, theme, (inner.x, y), inner.right(), row);
    }
    if top + seen < height {
        let more = (area.x + 2, area.bottom().saturating_sub(1));
        put(
            buffer,
            theme,
            more,
            area.right(),
            (" ↓ more ", Role::Accent),
        );
    }
}
