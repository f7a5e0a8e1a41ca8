use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{ABOVE, Steered, area, steer};
use crate::commands::Command;
use crate::geometry;
use crate::state::{ListArea, ListData, ListKind, ListPanel, Overlay, State};
use crate::theme::Role;
use crate::view::panel;

/// The themes; the chosen one is tried at once.
pub(crate) const KIND: ListKind = ListKind {
    name: "themes",
    context: None,
    area: rows,
    draw,
    write,
    step,
    perform,
};

/// Cells of a name.
const NAME: u16 = 16;

/// Opens the list at the theme in use.
pub(crate) fn open(state: &mut State) {
    let names = state.themes.names();
    let in_use = names
        .iter()
        .position(|(name, _)| *name == state.themes.chosen);
    super::open(state, &KIND, ListData::Theme(state.themes.chosen.clone()));
    if let Some(list) = state.list_mut() {
        list.pick.chosen = in_use.unwrap_or(0);
    }
}

/// Narrow, so that what the themes change can be seen.
fn place(state: &State) -> Rect {
    const COLUMNS: u16 = 64;
    let rows = state.themes.names().len() + 4;
    geometry::panel(state.size, COLUMNS, u16::try_from(rows).unwrap_or(u16::MAX))
}

fn names(state: &State) -> Vec<String> {
    let names = state.themes.names().into_iter();
    names.map(|(name, _)| name).collect()
}

fn rows(state: &State, list: &ListPanel) -> ListArea {
    let found = list.pick.matches(&names(state));
    area(place(state), ABOVE, list, found.len())
}

/// Chooses a row; the rest is the chat's.
fn perform(state: &mut State, command: &Command) -> Option<Vec<Command>> {
    match command {
        Command::Choose => keep(state),
        Command::Back => restore(state),
        Command::Other => (),
        other if steer(state, other) == Steered::Not => return None,
        // The list was steered.
        _ => try_chosen(state),
    }
    Some(Vec::new())
}

fn keep(state: &mut State) {
    state.overlays.pop();
    let name = &state.themes.chosen;
    state.notify(format!(
        "Theme {name}; `theme = \"{name}\"` under [ui] in config.toml keeps it"
    ));
}

fn restore(state: &mut State) {
    if let Some(Overlay::List(ListPanel {
        data: ListData::Theme(before),
        ..
    })) = state.overlays.pop()
    {
        apply(state, &before);
    }
}

/// A character typed into the list.
fn write(state: &mut State, character: char) {
    super::write(state, character);
    try_chosen(state);
}

/// Moves the choice by `rows`; negative is up.
fn step(state: &mut State, rows: isize) {
    super::step(state, rows);
    try_chosen(state);
}

/// Tries the row that is chosen now.
fn try_chosen(state: &mut State) {
    let names = names(state);
    if let Some(at) = state.list().and_then(|list| list.pick.choice(&names)) {
        apply(state, &names[at]);
    }
}

/// Draws in a theme from now on; one that is not there leaves everything as it is.
pub(crate) fn apply(state: &mut State, name: &str) {
    match state.themes.theme(name, state.look.colours) {
        Ok((theme, diagnostics)) => {
            state.look.theme = theme;
            state.themes.shown = name.to_owned();
            state.themes.chosen = name.to_owned();
            state.complain(
                &format!("Theme {name}: not all of it can be used"),
                &diagnostics,
            );
        }
        Err(why) => {
            state.themes.chosen = state.themes.shown.clone();
            state.notify(why);
        }
    }
}

/// The themes.
fn draw(state: &State, list: &ListPanel, buffer: &mut Buffer) -> Position {
    let theme = state.look.theme;
    let area = place(state);
    let keys = panel::list_keys(state, "keep", "try");
    let inner = panel::frame(area, theme, "Theme", &keys, Role::Quiet, buffer);
    let caret = panel::query(state, &list.pick.query, inner, 0, buffer);
    let names = state.themes.names();
    let only: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
    let found = list.pick.matches(&only).into_iter();
    let rows: Vec<_> = found.map(|index| (only[index], &*names[index].1)).collect();
    panel::named_rows(theme, &list.pick, &rows, NAME, inner, buffer);
    caret
}
