use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use super::{panel, put};
use crate::geometry;
use crate::row::cut;
use crate::state::{State, ThemePick};
use crate::theme::Role;

/// Cells of a name.
const NAME: u16 = 16;

/// The themes; returns where the caret is.
pub(super) fn draw(state: &State, list: &ThemePick, buffer: &mut Buffer) -> Position {
    let theme = state.look.theme;
    let area = geometry::themes(state);
    let keys = panel::list_keys(state, "keep", "try");
    let inner = panel::frame(area, theme, "Theme", &keys, Role::Quiet, buffer);
    let right = inner.right();
    let caret = panel::query(state, &list.pick.query, inner, 0, buffer);
    let names = state.themes.names();
    let only: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
    let matches = list.pick.matches(&only);
    let chosen = list.pick.chosen.min(matches.len().saturating_sub(1));
    let top = geometry::list_top(
        list.pick.top,
        chosen,
        usize::from(inner.height.saturating_sub(2)),
    );
    let lines = (inner.y + 2..inner.bottom()).zip(matches.iter().enumerate().skip(top));
    for (y, (at, &index)) in lines {
        let (name, about) = &names[index];
        let (sign, role) = match at == chosen {
            true => ("▸", Role::Strong),
            false => (" ", Role::Text),
        };
        if at == chosen {
            panel::choose(theme, inner, y, buffer);
        }
        put(buffer, theme, (inner.x, y), right, (sign, Role::Accent));
        let name = cut(name, usize::from(NAME) - 1);
        put(buffer, theme, (inner.x + 2, y), right, (&name, role));
        let about_at = inner.x + 2 + NAME;
        let about = cut(about, usize::from(right.saturating_sub(about_at)));
        put(buffer, theme, (about_at, y), right, (&about, Role::Quiet));
    }
    caret
}
