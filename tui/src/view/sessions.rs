use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{panel, put, put_right};
use crate::action::Command;
use crate::cells::cell_count;
use crate::clean::clean_line;
use crate::geometry;
use crate::keymap::{CommandGroup, Context};
use crate::row::cut;
use crate::state::{Sessions, State};
use crate::theme::{Role, Theme};
use unmask_core::conversations::{Condition, Summary};

/// Cells of the columns behind the title.
const AGE: usize = 7;
const MESSAGES: usize = 4;
const MODEL: usize = 16;
const STATE: usize = 6;
/// From this width on the model is shown.
const ROOMY: u16 = 70;

/// The conversations, the latest first; returns where the caret is.
pub(super) fn draw(state: &State, list: &Sessions, buffer: &mut Buffer) -> Position {
    let theme = state.look.theme;
    let shown = list.shown();
    let n = list.rows.as_ref().map_or(0, Vec::len);
    let area = geometry::sessions(state, list);
    let keys = keys(state, list);
    let inner = panel::frame(area, theme, "Conversations", &keys, Role::Quiet, buffer);
    let first = Rect::new(area.x, inner.y, area.width.saturating_sub(1), 1);
    let count = format!("{} of {n} shown", shown.len());
    put_right(buffer, theme, first, (&count, Role::Quiet));
    let typed = list.naming.as_ref().unwrap_or(&list.pick.query);
    let caret = panel::query(state, typed, inner, panel::COUNT, buffer);
    let page = usize::from(inner.height.saturating_sub(2));
    let chosen = list.pick.chosen.min(shown.len().saturating_sub(1));
    let top = geometry::list_top(list.pick.top, chosen, page);
    draw_row(heading(), Role::Quiet, line(inner, 1), theme, buffer);
    for ((index, row), y) in shown.iter().enumerate().skip(top).take(page).zip(2..) {
        let (mark, role) = match index == chosen {
            true => ("▸ ", Role::Strong),
            false => ("  ", Role::Text),
        };
        let line = line(inner, y);
        if index == chosen {
            panel::choose(theme, line, line.y, buffer);
        }
        draw_row(cells(mark, row), role, line, theme, buffer);
    }
    if let Some(word) = empty(list, shown.len()) {
        let at = (inner.x + 2, inner.y + 2);
        put(buffer, theme, at, inner.right(), (word, Role::Quiet));
    }
    caret
}

fn keys(state: &State, list: &Sessions) -> String {
    let places = [Context::Sessions, Context::List, Context::Overlay];
    let wanted: &[CommandGroup<'_>] = match list.naming {
        Some(_) => &[
            (&[Command::Choose], "rename"),
            (&[Command::Back], "keep the name"),
        ],
        None => &[
            (&[Command::Choose], "open"),
            (&[Command::Other], "rename"),
            (&[Command::Delete], "delete"),
            (&[Command::Back], ""),
        ],
    };
    state.keymap.footer(&places, wanted)
}

fn empty(list: &Sessions, shown: usize) -> Option<&'static str> {
    match &list.rows {
        None => Some("looking …"),
        Some(rows) if rows.is_empty() => Some("none is saved yet"),
        Some(_) if shown == 0 => Some("no conversation is like this"),
        Some(_) => None,
    }
}

fn line(inner: Rect, row: u16) -> Rect {
    Rect::new(inner.x, inner.y + row, inner.width, 1)
}

/// Title, age, messages, model and state.
type Cells = [String; 5];

fn heading() -> Cells {
    ["  title", "age", "msgs", "model", "state"].map(str::to_owned)
}

fn cells(mark: &str, row: &Summary) -> Cells {
    let title = match row.title.as_str() {
        "" => "(nothing can be read)".to_owned(),
        title => clean_line(title),
    };
    let condition = match row.condition {
        Condition::Free => "",
        Condition::Here => "● here",
        Condition::InUse => "in use",
        Condition::Unreadable => "unread",
    };
    [
        format!("{mark}{title}"),
        age(row.age),
        row.messages.to_string(),
        clean_line(&row.model),
        condition.to_owned(),
    ]
}

fn draw_row(cells: Cells, role: Role, line: Rect, theme: Theme, buffer: &mut Buffer) {
    let model = if line.width < ROOMY { 0 } else { MODEL };
    let widths = [AGE, MESSAGES, model, STATE];
    let behind: usize = widths.iter().filter(|&&it| it > 0).map(|it| it + 2).sum();
    let title = usize::from(line.width).saturating_sub(behind);
    let [text, rest @ ..] = cells;
    let mut row = padded(&text, title);
    for (cell, width) in rest.iter().zip(widths).filter(|(_, width)| *width > 0) {
        row += "  ";
        row += &padded(cell, width);
    }
    put(buffer, theme, (line.x, line.y), line.right(), (&row, role));
}

fn padded(text: &str, cells: usize) -> String {
    let text = cut(text, cells);
    let gap = " ".repeat(cells.saturating_sub(cell_count(&text)));
    text + &gap
}

/// `now`, `5 min`, `3 h`, `12 days`.
fn age(age: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    match age.as_secs() {
        seconds if seconds < MINUTE => "now".to_owned(),
        seconds if seconds < HOUR => format!("{} min", seconds / MINUTE),
        seconds if seconds < DAY => format!("{} h", seconds / HOUR),
        seconds if seconds < 2 * DAY => "1 day".to_owned(),
        seconds => format!("{} days", seconds / DAY),
    }
}
