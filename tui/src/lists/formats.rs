use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{ABOVE, Steered, area, steer, step, write};
use crate::commands::{Command, ExportFormat};
use crate::geometry;
use crate::row::cut;
use crate::state::{ListArea, ListData, ListKind, ListPanel, State};
use crate::theme::Role;
use crate::view::{panel, put};

/// What an answer may be written as.
pub(crate) const KIND: ListKind = ListKind {
    name: "formats",
    context: None,
    area: rows,
    draw,
    write,
    step,
    perform,
};

/// Cells of a name.
const NAME: u16 = 10;

/// Opens the list.
pub(crate) fn open(state: &mut State) {
    super::open(state, &KIND, ListData::Nothing);
}

fn place(state: &State) -> Rect {
    const COLUMNS: u16 = 64;
    let rows = ExportFormat::ALL.len() + 4;
    geometry::panel(state.size, COLUMNS, u16::try_from(rows).unwrap_or(u16::MAX))
}

fn matches(list: &ListPanel) -> Vec<usize> {
    let text = |(name, format): (&str, ExportFormat)| format!("{name} {}", format.about());
    list.pick.matches(&ExportFormat::ALL.map(text))
}

fn rows(state: &State, list: &ListPanel) -> ListArea {
    area(place(state), ABOVE, list, matches(list).len())
}

fn perform(state: &mut State, command: &Command) -> Option<Vec<Command>> {
    match command {
        Command::Choose => {
            let list = state.list()?;
            let found = matches(list);
            let last = found.len().checked_sub(1);
            let chosen = last.map(|last| ExportFormat::ALL[found[list.pick.chosen.min(last)]].1);
            if chosen.is_some() {
                state.overlays.pop();
            }
            let export = chosen.map(|format| Command::Export(format, None));
            return Some(export.into_iter().collect());
        }
        Command::Other => (),
        other if steer(state, other) == Steered::Not => return None,
        // The list was steered.
        _ => (),
    }
    Some(Vec::new())
}

fn draw(state: &State, list: &ListPanel, buffer: &mut Buffer) -> Position {
    let theme = state.look.theme;
    let keys = panel::list_keys(state, "write", "choose");
    let title = "Export this answer";
    let inner = panel::frame(place(state), theme, title, &keys, Role::Quiet, buffer);
    let right = inner.right();
    let caret = panel::query(state, &list.pick.query, inner, 0, buffer);
    let found = matches(list);
    let chosen = list.pick.chosen.min(found.len().saturating_sub(1));
    let page = usize::from(inner.height.saturating_sub(2));
    let top = geometry::list_top(list.pick.top, chosen, page);
    let lines = (inner.y + 2..inner.bottom()).zip(found.iter().enumerate().skip(top));
    for (y, (at, &index)) in lines {
        let (name, format) = ExportFormat::ALL[index];
        let (sign, role) = match at == chosen {
            true => ("▸", Role::Strong),
            false => (" ", Role::Text),
        };
        if at == chosen {
            panel::choose(theme, inner, y, buffer);
        }
        put(buffer, theme, (inner.x, y), right, (sign, Role::Accent));
        put(buffer, theme, (inner.x + 2, y), right, (name, role));
        let about_at = inner.x + 2 + NAME;
        let about = cut(format.about(), usize::from(right.saturating_sub(about_at)));
        put(buffer, theme, (about_at, y), right, (&about, Role::Quiet));
    }
    caret
}
