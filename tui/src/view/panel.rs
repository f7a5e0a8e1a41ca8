use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Clear, Widget};
use unicode_segmentation::UnicodeSegmentation;

use super::put;
use crate::action::{Command, Size};
use crate::cells::cell_count;
use crate::clean::clean;
use crate::geometry;
use crate::keymap::Context;
use crate::row::cut;
use crate::state::{Pick, State};
use crate::theme::{Role, Theme};

/// Cells that `4 of 9 shown` takes at the end of a row.
pub(crate) const COUNT: u16 = 18;

/// A panel of at most `columns` by `rows` cells, frame included; see [`geometry::panel`].
pub(crate) fn place(size: Size, columns: u16, rows: u16) -> Rect {
    geometry::panel(size, columns, rows)
}

/// Clears `area` and frames it: a title above, what the keys do below. Returns what is inside.
pub(crate) fn frame(
    area: Rect,
    theme: Theme,
    title: &str,
    keys: &str,
    role: Role,
    buffer: &mut Buffer,
) -> Rect {
    Clear.render(area, buffer);
    buffer.set_style(area, ground(theme, Role::Raised));
    let mut block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.style(role))
        .title(format!("─ {title} "));
    // Beside the keys are both corners, the line's end and two spaces.
    let keys = fitting(keys, usize::from(area.width.saturating_sub(5)));
    if !keys.is_empty() {
        block = block.title_bottom(Line::from(format!(" {keys} ─")).right_aligned());
    }
    block.render(area, buffer);
    let right = area.width.saturating_sub(4);
    Rect::new(area.x + 2, area.y + 1, right, area.height.saturating_sub(2))
}

/// Keys from the first one on with which they fit: the last, which leads out, are left.
fn fitting(keys: &str, cells: usize) -> &str {
    let mut rest = keys;
    while cell_count(rest) > cells {
        match rest.split_once(" · ") {
            Some((_, behind)) => rest = behind,
            None => break,
        }
    }
    rest
}

/// A ground with the colour that text has on it.
pub(crate) fn ground(theme: Theme, ground: Role) -> Style {
    theme.style(Role::Text).patch(theme.style(ground))
}

/// Marks the chosen row of a list, from edge to edge of its panel.
pub(crate) fn choose(theme: Theme, inner: Rect, y: u16, buffer: &mut Buffer) {
    let row = Rect::new(inner.x - 1, y, inner.width + 2, 1);
    buffer.set_style(row, theme.style(Role::Chosen));
}

/// What the keys of a list do: `Enter run · ↑↓ choose · Esc`.
pub(crate) fn list_keys(state: &State, choose: &str, step: &str) -> String {
    state.keymap.footer(
        &[Context::List, Context::Overlay],
        &[
            (&[Command::Choose], choose),
            (&[Command::Up, Command::Down], step),
            (&[Command::Back], ""),
        ],
    )
}

/// Writes what was typed into a panel in its first row, the end of it if it is long; the last `reserved` cells are left for
/// what is said of the list. Returns where the caret is.
pub(crate) fn query(
    state: &State,
    text: &str,
    inner: Rect,
    reserved: u16,
    buffer: &mut Buffer,
) -> Position {
    let theme = state.look.theme;
    let right = inner.right().saturating_sub(reserved);
    let x = put(
        buffer,
        theme,
        (inner.x, inner.y),
        right,
        ("› ", Role::Accent),
    );
    let text = clean(text);
    let mut shown = text.as_ref();
    while cell_count(shown) >= usize::from(right.saturating_sub(x)) && !shown.is_empty() {
        let first = shown.graphemes(true).next().map_or(0, str::len);
        shown = &shown[first..];
    }
    let x = put(buffer, theme, (x, inner.y), right, (shown, Role::Text));
    Position::new(x.min(inner.right()), inner.y)
}

/// Writes the rows of a list below what was typed and an empty row: a name, and what it is `name_cells` behind the name's
/// beginning. `rows` are those that match.
pub(crate) fn named_rows(
    theme: Theme,
    pick: &Pick,
    rows: &[(&str, &str)],
    name_cells: u16,
    inner: Rect,
    buffer: &mut Buffer,
) {
    let right = inner.right();
    let chosen = pick.chosen.min(rows.len().saturating_sub(1));
    let page = usize::from(inner.height.saturating_sub(2));
    let top = geometry::list_top(pick.top, chosen, page);
    let lines = (inner.y + 2..inner.bottom()).zip(rows.iter().enumerate().skip(top));
    for (y, (at, (name, about))) in lines {
        let (sign, role) = match at == chosen {
            true => ("▸", Role::Strong),
            false => (" ", Role::Text),
        };
        if at == chosen {
            choose(theme, inner, y, buffer);
        }
        put(buffer, theme, (inner.x, y), right, (sign, Role::Accent));
        let name = cut(name, usize::from(name_cells) - 1);
        put(buffer, theme, (inner.x + 2, y), right, (&name, role));
        let about_at = inner.x + 2 + name_cells;
        let about = cut(about, usize::from(right.saturating_sub(about_at)));
        put(buffer, theme, (about_at, y), right, (&about, Role::Quiet));
    }
}
