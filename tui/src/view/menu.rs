use ratatui::buffer::Buffer;

use super::{panel, put};
use crate::action::Command;
use crate::availability;
use crate::geometry::Menu;
use crate::keymap::{self, Context};
use crate::row::cut;
use crate::state::State;
use crate::theme::Role;

/// The letters that may follow, just above the composer; those that can do nothing now are faint.
pub(super) fn draw(state: &State, buffer: &mut Buffer) {
    let theme = state.look.theme;
    let Menu { area, columns } = Menu::of(state);
    let letters = keymap::letters(&state.keymap);
    let menu = state.keymap.chords(&[Context::Anywhere], &Command::Menu);
    let title = menu
        .first()
        .map_or_else(|| "menu".to_owned(), |chord| chord.label());
    let esc = state
        .keymap
        .footer(&[Context::Overlay], &[(&[Command::Back], "")]);
    let keys = format!("press a letter · {esc}");
    let inner = panel::frame(area, theme, &title, &keys, Role::Quiet, buffer);
    for (row, y) in letters.chunks(columns).zip(inner.y..inner.bottom()) {
        for ((command, letter, word), x) in
            row.iter().zip((inner.x..).step_by(usize::from(Menu::CELL)))
        {
            let role = match availability::command(state, command) {
                Ok(()) => Role::Text,
                Err(_) => Role::Muted,
            };
            let x = put(buffer, theme, (x, y), inner.right(), (letter, Role::Accent)) + 1;
            let word = cut(word, usize::from(Menu::CELL) - 3);
            put(buffer, theme, (x, y), inner.right(), (&word, role));
        }
    }
}
