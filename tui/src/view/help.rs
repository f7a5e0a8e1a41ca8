use ratatui::buffer::Buffer;

use super::{panel, put, put_row};
use crate::action::Command;
use crate::geometry;
use crate::keymap::Context;
use crate::layout::help_rows;
use crate::state::{Help, State};
use crate::theme::Role;

/// The keys, drawn from the key map.
pub(super) fn draw(state: &State, help: &Help, buffer: &mut Buffer) {
    let theme = state.look.theme;
    let area = geometry::help(state);
    let title = match &help.filter {
        Some(pick) => format!("Help · › {}▏", pick.query),
        None => "Help · keys in this place first".to_owned(),
    };
    let inner = panel::frame(area, theme, &title, &keys(state, help), Role::Quiet, buffer);
    let rows = help_rows(state, help, usize::from(inner.width));
    let seen = usize::from(inner.height);
    let top = help.top.min(rows.len().saturating_sub(seen));
    for (row, y) in rows.iter().skip(top).zip(inner.y..inner.bottom()) {
        put_row(buffer, theme, (inner.x, y), inner.right(), row);
    }
    if top + seen < rows.len() {
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

fn keys(state: &State, help: &Help) -> String {
    let scroll: &[Command] = &[Command::Up, Command::Down];
    match &help.filter {
        Some(_) => state.keymap.footer(
            &[Context::List, Context::Overlay],
            &[(scroll, "scroll"), (&[Command::Back], "all")],
        ),
        None => state.keymap.footer(
            &[Context::Overlay, Context::Help],
            &[
                (&[Command::Filter], "filter"),
                (scroll, "scroll"),
                (&[Command::Back], ""),
            ],
        ),
    }
}
