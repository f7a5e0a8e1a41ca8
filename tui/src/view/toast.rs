use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{panel, put_row};
use crate::action::Command;
use crate::clean::clean_line;
use crate::geometry;
use crate::keymap::{CommandGroup, Context};
use crate::layout::{Flow, wrap};
use crate::row::cut;
use crate::state::{State, Toast};
use crate::theme::Role;

/// Cells of the frame with what is in it.
const WIDTH: u16 = 60;

/// A failure in the upper right corner.
pub(super) fn draw(state: &State, toast: &Toast, buffer: &mut Buffer) {
    let theme = state.look.theme;
    let width = WIDTH.min(state.size.columns);
    let inside = usize::from(width.saturating_sub(4));
    let rows: Vec<_> = (toast.lines.iter())
        .flat_map(|line| wrap(&Flow::plain(line, Role::Text), inside))
        .collect();
    let height = u16::try_from(rows.len() + 3).unwrap_or(u16::MAX);
    let height = height.min(state.size.rows.saturating_sub(2));
    let x = state.size.columns - width - u16::from(width < state.size.columns);
    // Over a list it leaves what is chosen there in sight: above it if it can, else below.
    let y = match geometry::list(state) {
        Some(list) => {
            let row = u16::try_from(list.chosen.saturating_sub(list.top)).unwrap_or(0);
            let chosen = list.area.y + row;
            match chosen > height {
                true => 1.min(chosen - height),
                false => (chosen + 1).min(state.size.rows.saturating_sub(height)),
            }
        }
        None => 1,
    };
    let area = Rect::new(x, y, width, height);
    let title = cut(&format!("✗ {}", clean_line(&toast.title)), inside);
    let back: &[CommandGroup<'_>] = &[(&[Command::Back], "dismiss")];
    let keys = state.keymap.footer(&[Context::Anywhere], back);
    let inner = panel::frame(area, theme, &title, &keys, Role::Error, buffer);
    for (row, y) in rows.iter().zip(inner.y..inner.bottom()) {
        put_row(buffer, theme, (inner.x, y), inner.right(), row);
    }
}
