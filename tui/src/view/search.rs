use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use super::{panel, put};
use crate::action::Command;
use crate::clean::clean_line;
use crate::geometry;
use crate::keymap::Context;
use crate::row::cut;
use crate::state::{Search, State};
use crate::theme::Role;

/// Earlier prompts just above the draft, which stays as it is; returns where the caret is.
pub(super) fn draw(state: &State, search: &Search, buffer: &mut Buffer) -> Position {
    let theme = state.look.theme;
    let n = search.found().len();
    let area = geometry::search(state, search);
    let keys = state.keymap.footer(
        &[Context::Search, Context::List, Context::Overlay],
        &[
            (&[Command::Choose], "take"),
            (&[Command::Down], "older"),
            (&[Command::Back], ""),
        ],
    );
    let inner = panel::frame(area, theme, "Earlier prompts", &keys, Role::Quiet, buffer);
    let caret = panel::query(state, &search.pick.query, inner, panel::COUNT, buffer);
    let page = usize::from(inner.height.saturating_sub(1));
    let chosen = search.pick.chosen.min(n.saturating_sub(1));
    let top = geometry::list_top(search.pick.top, chosen, page);
    let shown = search.found().enumerate().skip(top).take(page);
    for ((index, prompt), y) in shown.zip(inner.y + 1..inner.bottom()) {
        let (mark, role) = match index == chosen {
            true => ("▸ ", Role::Strong),
            false => ("  ", Role::Text),
        };
        if index == chosen {
            panel::choose(theme, inner, y, buffer);
        }
        let x = put(buffer, theme, (inner.x, y), inner.right(), (mark, role));
        let cells = usize::from(inner.right().saturating_sub(x));
        let text = cut(&clean_line(prompt), cells);
        put(buffer, theme, (x, y), inner.right(), (&text, role));
    }
    if n == 0 {
        let none = match search.pick.query.is_empty() {
            true => "nothing was sent yet",
            false => "no earlier prompt holds these words",
        };
        let at = (inner.x + 2, inner.y + 1);
        put(buffer, theme, at, inner.right(), (none, Role::Quiet));
    }
    caret
}
