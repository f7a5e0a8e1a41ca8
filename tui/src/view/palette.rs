use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{panel, put, put_right};
use crate::geometry;
use crate::palette::{Item, items};
use crate::row::cut;
use crate::state::{Pick, State};
use crate::theme::Role;

/// Cells of the keys and of the slash command.
const KEYS: u16 = 8;
const SLASH: u16 = 28;

/// Every command that is like what was typed; returns where the caret is.
pub(super) fn draw(state: &State, pick: &Pick, buffer: &mut Buffer) -> Position {
    let theme = state.look.theme;
    let items = items(state);
    let texts: Vec<String> = items.iter().map(Item::text).collect();
    let matches = pick.matches(&texts);
    let area = geometry::palette(state);
    let keys = panel::list_keys(state, "run", "choose");
    let inner = panel::frame(area, theme, "Commands", &keys, Role::Quiet, buffer);
    let caret = panel::query(state, &pick.query, inner, panel::COUNT, buffer);
    let count = format!("{} of {}", matches.len(), items.len());
    let first = Rect::new(area.x, inner.y, area.width.saturating_sub(1), 1);
    put_right(buffer, theme, first, (&count, Role::Quiet));
    let chosen = pick.chosen.min(matches.len().saturating_sub(1));
    let page = usize::from(inner.height.saturating_sub(2));
    let top = geometry::list_top(pick.top, chosen, page);
    let lines = (inner.y + 2..inner.bottom()).zip(matches.iter().enumerate().skip(top));
    for (y, (at, &index)) in lines {
        let line = Rect::new(inner.x, y, inner.width, 1);
        row(state, &items[index], at == chosen, line, buffer);
    }
    if matches.is_empty() {
        let none = "no command is like this";
        put(
            buffer,
            theme,
            (inner.x + 2, inner.y + 2),
            inner.right(),
            (none, Role::Quiet),
        );
    }
    caret
}

/// `▸ choose a theme    ^X t    /theme [NAME]`, or why it cannot be done.
fn row(state: &State, item: &Item, is_chosen: bool, line: Rect, buffer: &mut Buffer) {
    let theme = state.look.theme;
    let role = match (item.refusal, is_chosen) {
        (Some(_), _) => Role::Muted,
        (None, true) => Role::Accent,
        (None, false) => Role::Text,
    };
    let sign = if is_chosen { "▸" } else { " " };
    put(
        buffer,
        theme,
        (line.x, line.y),
        line.right(),
        (sign, Role::Accent),
    );
    let right = line.right();
    let slash_at = right.saturating_sub(SLASH);
    let keys_at = slash_at.saturating_sub(KEYS + 2);
    let room = usize::from(keys_at.saturating_sub(line.x + 3));
    let about = cut(item.about, room);
    put(buffer, theme, (line.x + 2, line.y), right, (&about, role));
    // The reason is worth more than keys that would do nothing.
    if let Some(why) = item.refusal {
        let name = item.slash.split(' ').next().unwrap_or_default();
        let why = cut(&format!("{name} · {why}"), usize::from(SLASH + KEYS + 2));
        put(buffer, theme, (keys_at, line.y), right, (&why, Role::Muted));
        return;
    }
    put(
        buffer,
        theme,
        (keys_at, line.y),
        slash_at,
        (&item.keys, Role::Quiet),
    );
    let slash = cut(&item.slash, usize::from(SLASH));
    put(
        buffer,
        theme,
        (slash_at, line.y),
        right,
        (&slash, Role::Quiet),
    );
}
