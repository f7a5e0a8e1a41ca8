use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{ABOVE, Steered, area, steer, step};
use crate::cells::cell_count;
use crate::clean::clean_line;
use crate::commands::{Command, LineEdit};
use crate::geometry;
use crate::keymap::{CommandGroup, Context};
use crate::row::cut;
use crate::state::{ListArea, ListData, ListKind, ListPanel, Pick, Sessions, State};
use crate::theme::{Role, Theme};
use crate::view::{panel, put, put_right};
use unmask_core::conversations::{Condition, Summary};

/// Every conversation.
pub(crate) const KIND: ListKind = ListKind {
    name: "sessions",
    context: Some(Context::Sessions),
    area: rows,
    draw,
    write,
    step,
    perform,
};

/// Cells of the columns behind the title.
const AGE: usize = 7;
const MESSAGES: usize = 4;
const MODEL: usize = 16;
const STATE: usize = 6;
/// From this width on the model is shown.
const ROOMY: u16 = 70;

fn sessions(list: &ListPanel) -> Option<&Sessions> {
    match &list.data {
        ListData::Sessions(sessions) => Some(sessions),
        ListData::Nothing | ListData::Theme(_) | ListData::Prompts(_) => None,
    }
}

/// The topmost list, if it is this one, to change it.
fn open_list(state: &mut State) -> Option<(&mut Sessions, &mut Pick)> {
    let list = state.list_mut()?;
    match &mut list.data {
        ListData::Sessions(sessions) => Some((sessions, &mut list.pick)),
        ListData::Nothing | ListData::Theme(_) | ListData::Prompts(_) => None,
    }
}

fn place(state: &State, shown: usize) -> Rect {
    const WIDTH: u16 = 100;
    const ROWS: usize = 20;
    // With the frame, what was typed and the heading.
    let height = u16::try_from(shown.clamp(1, ROWS) + 4).unwrap_or(u16::MAX);
    geometry::panel(state.size, WIDTH, height)
}

fn rows(state: &State, list: &ListPanel) -> ListArea {
    let shown = sessions(list).map_or(0, |it| it.shown(&list.pick).len());
    area(place(state, shown), ABOVE, list, shown)
}

/// A character typed into the list, or into the new name of a conversation.
fn write(state: &mut State, character: char) {
    match open_list(state) {
        Some((
            Sessions {
                naming: Some(name), ..
            },
            _,
        )) => name.push(character),
        Some(_) | None => super::write(state, character),
    }
}

fn perform(state: &mut State, command: &Command) -> Option<Vec<Command>> {
    let (list, pick) = open_list(state)?;
    if list.naming.is_some() {
        return perform_naming(state, command);
    }
    match command {
        Command::Choose => {
            let id = list.chosen(pick).map(|row| row.id);
            return Some(id.map(Command::OpenSession).into_iter().collect());
        }
        Command::Other => list.naming = list.chosen(pick).map(|row| row.title.clone()),
        Command::Delete => return Some(delete_chosen(state)),
        other if steer(state, other) == Steered::Not => return None,
        // The list was steered.
        _ => (),
    }
    Some(Vec::new())
}

fn perform_naming(state: &mut State, command: &Command) -> Option<Vec<Command>> {
    let (list, pick) = open_list(state)?;
    let name = list.naming.as_mut()?;
    match command {
        Command::Back => list.naming = None,
        Command::Choose => {
            let name = clean_line(list.naming.take().unwrap_or_default().trim());
            let row = list.chosen(pick).filter(|_| !name.is_empty());
            let named = row.map(|row| Command::RenameSession(row.id, name));
            return Some(named.into_iter().collect());
        }
        Command::Edit(LineEdit::Backspace) => drop(name.pop()),
        Command::Edit(LineEdit::KillToStart) => name.clear(),
        Command::Up | Command::Down | Command::Scroll(_) | Command::Other | Command::Delete => (),
        _ => return None,
    }
    Some(Vec::new())
}

fn delete_chosen(state: &mut State) -> Vec<Command> {
    let chosen = open_list(state).and_then(|(list, pick)| list.chosen(pick).cloned());
    let Some(row) = chosen else {
        return Vec::new();
    };
    match row.condition {
        Condition::InUse => {
            state.notify("It is open in another unmask; close it there first");
            Vec::new()
        }
        Condition::Free | Condition::Here | Condition::Unreadable => {
            vec![Command::AskToDelete {
                id: row.id,
                title: row.title,
                messages: row.messages,
            }]
        }
    }
}

/// The conversations, the latest first.
fn draw(state: &State, open: &ListPanel, buffer: &mut Buffer) -> Position {
    let theme = state.look.theme;
    let nothing = Sessions::default();
    let list = sessions(open).unwrap_or(&nothing);
    let pick = &open.pick;
    let shown = list.shown(pick);
    let n = list.rows.as_ref().map_or(0, Vec::len);
    let area = place(state, shown.len());
    let keys = keys(state, list);
    let inner = panel::frame(area, theme, "Conversations", &keys, Role::Quiet, buffer);
    let first = Rect::new(area.x, inner.y, area.width.saturating_sub(1), 1);
    let count = format!("{} of {n} shown", shown.len());
    put_right(buffer, theme, first, (&count, Role::Quiet));
    let typed = list.naming.as_ref().unwrap_or(&pick.query);
    let caret = panel::query(state, typed, inner, panel::COUNT, buffer);
    let page = usize::from(inner.height.saturating_sub(2));
    let chosen = pick.chosen.min(shown.len().saturating_sub(1));
    let top = geometry::list_top(pick.top, chosen, page);
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
