use ratatui::buffer::Buffer;

use super::{panel, put_row};
use crate::clean::clean_line;
use crate::geometry::paragraphs;
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
    let enter = match confirm.takes_enter() {
        true => "Enter or ",
        false => "",
    };
    let keys = format!("{enter}{} {} · Esc no", confirm.letter, confirm.yes);
    let keys = cut(&keys, inside);
    let inner = panel::frame(area, theme, &title, &keys, Role::Warn, buffer);
    for (row, y) in rows.iter().zip(inner.y..inner.bottom()) {
        put_row(buffer, theme, (inner.x, y), inner.right(), row);
    }
}
