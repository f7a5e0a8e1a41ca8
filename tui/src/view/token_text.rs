use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use super::panel;
use crate::action::Command;
use crate::geometry;
use crate::keymap::Context;
use crate::state::{State, TokenEdit};
use crate::theme::Role;

/// Where other text for tokens is typed; returns where the caret is.
pub(super) fn draw(state: &State, typed: &TokenEdit, buffer: &mut Buffer) -> Position {
    const COLUMNS: u16 = 60;
    let area = geometry::panel(state.size, COLUMNS, 3);
    let keys = state.keymap.footer(
        &[Context::List, Context::Overlay],
        &[(&[Command::Choose], "pin it"), (&[Command::Back], "")],
    );
    let (first, last) = (typed.span.start(), typed.span.end());
    let title = match first == last {
        true => format!("Text for token {first}"),
        false => format!("Text for tokens {first} to {last}"),
    };
    let theme = state.look.theme;
    let inner = panel::frame(area, theme, &title, &keys, Role::Quiet, buffer);
    panel::query(state, &typed.text, inner, 0, buffer)
}
