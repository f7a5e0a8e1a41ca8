use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{panel, put};
use crate::geometry::Areas;
use crate::keymap;
use crate::state::State;
use crate::theme::Role;

/// Rows of the frame.
const HEIGHT: u16 = 3;

/// The letters that may follow, just above the composer.
pub(super) fn draw(state: &State, buffer: &mut Buffer) {
    let theme = state.look.theme;
    let bottom = Areas::of(state).rule.y;
    let area = Rect::new(
        0,
        bottom.saturating_sub(HEIGHT),
        state.size.columns,
        HEIGHT.min(bottom),
    );
    panel::frame(
        area,
        theme,
        "^X",
        "press a letter · Esc",
        Role::Quiet,
        buffer,
    );
    let right = area.right().saturating_sub(1);
    let (mut x, y) = (area.x + 2, area.y + 1);
    for (letter, word) in keymap::letters() {
        let cells = letter.width() + 1 + word.width();
        if usize::from(x) + cells > usize::from(right) {
            return;
        }
        x = put(buffer, theme, (x, y), right, (&letter, Role::Accent)) + 1;
        x = put(buffer, theme, (x, y), right, (word, Role::Quiet)) + 2;
    }
}
