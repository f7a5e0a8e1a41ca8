use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{ABOVE, Steered, area, steer, step, write};
use crate::commands::{Command, ExportFormat};
use crate::geometry;
use crate::state::{ListArea, ListData, ListKind, ListPanel, State};
use crate::theme::Role;
use crate::view::panel;

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
    let caret = panel::query(state, &list.pick.query, inner, 0, buffer);
    let found = matches(list).into_iter();
    let row = |(name, format): (&'static str, ExportFormat)| (name, format.about());
    let rows: Vec<_> = found.map(|index| row(ExportFormat::ALL[index])).collect();
    panel::named_rows(theme, &list.pick, &rows, NAME, inner, buffer);
    caret
}
