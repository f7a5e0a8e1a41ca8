use ratatui::buffer::Buffer;

use super::{panel, put_row};
use crate::action::Command;
use crate::clean::clean_line;
use crate::geometry::paragraphs;
use crate::keymap::Context;
use crate::row::cut;
use crate::state::{Confirm, State};
use crate::theme::Role;

/// Cells of the frame with what is in it.
const WIDTH: u16 = 76;

/// A question and how to answer it.
pub(super) fn draw(state: &State, confirm: &Confirm, buffer: &mut Buffer) {
    let theme = state.look.theme;
    let width = panel::place(state.size, WIDTH, 3).width;
    let inside = usize::from(width.saturating_sub(4));
    let rows = paragraphs(&confirm.lines, inside);
    let height = u16::try_from(rows.len() + 2).unwrap_or(u16::MAX);
    let area = panel::place(state.size, WIDTH, height);
    let title = cut(&clean_line(&confirm.title), inside);
    let keys = cut(&keys(state, confirm), inside);
    let inner = panel::frame(area, theme, &title, &keys, Role::Warn, buffer);
    for (row, y) in rows.iter().zip(inner.y..inner.bottom()) {
        put_row(buffer, theme, (inner.x, y), inner.right(), row);
    }
}

/// `Enter or d delete it · Esc no`.
fn keys(state: &State, confirm: &Confirm) -> String {
    let label = |command| {
        let places = [Context::Confirm, Context::Overlay];
        state.keymap.label(&places, &command)
    };
    let letter = confirm.letter;
    let choose = label(Command::Choose).filter(|_| confirm.takes_enter());
    let yes = choose.map_or_else(
        || letter.to_string(),
        |choose| format!("{choose} or {letter}"),
    );
    let no = label(Command::Back).unwrap_or_else(|| "n".to_owned());
    format!("{yes} {} · {no} no", confirm.yes)
}
