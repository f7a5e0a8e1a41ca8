use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{ABOVE, Steered, area, steer, step, write};
use crate::commands::Command;
use crate::geometry;
use crate::palette::{Item, PaletteChoice, items};
use crate::row::cut;
use crate::state::{Focus, ListArea, ListKind, ListPanel, State};
use crate::theme::Role;
use crate::view::{panel, put, put_right};

/// Every command.
pub(crate) const KIND: ListKind = ListKind {
    name: "palette",
    context: None,
    area: rows,
    draw,
    write,
    step,
    perform,
};

/// Cells of the keys and of the slash command.
const KEYS: u16 = 8;
const SLASH: u16 = 28;

/// As tall whatever is typed.
fn place(state: &State) -> Rect {
    const COLUMNS: u16 = 96;
    let rows = items(state).len() + 4;
    geometry::panel(state.size, COLUMNS, u16::try_from(rows).unwrap_or(u16::MAX))
}

fn rows(state: &State, list: &ListPanel) -> ListArea {
    let texts: Vec<String> = items(state).iter().map(Item::text).collect();
    area(place(state), ABOVE, list, list.pick.matches(&texts).len())
}

/// Chooses a row and runs it; the rest is the chat's.
fn perform(state: &mut State, command: &Command) -> Option<Vec<Command>> {
    match command {
        Command::Choose => return Some(choose(state)),
        Command::Other => (),
        other if steer(state, other) == Steered::Not => return None,
        // The list was steered.
        _ => (),
    }
    Some(Vec::new())
}

/// Runs the chosen row, or puts its slash command in the composer; the palette stays if it cannot be done now.
fn choose(state: &mut State) -> Vec<Command> {
    let Some(list) = state.list() else {
        return Vec::new();
    };
    let items = items(state);
    let texts: Vec<String> = items.iter().map(|item| item.text()).collect();
    let Some(item) = list.pick.choice(&texts).map(|index| &items[index]) else {
        return Vec::new();
    };
    if let Some(why) = item.refusal {
        state.notify(why);
        return Vec::new();
    }
    let run = item.run.clone();
    state.overlays.pop();
    match run {
        PaletteChoice::Command(command) => vec![command],
        PaletteChoice::Slash(name) => {
            begin(state, name);
            Vec::new()
        }
    }
}

/// Puts `/name ` in the composer; what was there is in the history.
pub(crate) fn begin(state: &mut State, name: &str) {
    let draft = state.composer.take();
    if !draft.trim().is_empty() {
        state.history.add(&draft);
    }
    state.focus = Focus::Composer;
    state.editing = None;
    state.composer.replace(&format!("/{name} "));
}

/// Every command that is like what was typed.
fn draw(state: &State, list: &ListPanel, buffer: &mut Buffer) -> Position {
    let pick = &list.pick;
    let theme = state.look.theme;
    let items = items(state);
    let texts: Vec<String> = items.iter().map(Item::text).collect();
    let matches = pick.matches(&texts);
    let area = place(state);
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

/// `▸ choose a theme    ^X t    /theme [NAME]`, or why it cannot be done; where there is little room, as much as there is.
fn row(state: &State, item: &Item, is_chosen: bool, line: Rect, buffer: &mut Buffer) {
    /// Below so many cells the keys go, and below so many the slash command too.
    const WITH_KEYS: u16 = 66;
    const WITH_SLASH: u16 = 50;
    let theme = state.look.theme;
    let role = match (item.refusal, is_chosen) {
        (Some(_), _) => Role::Muted,
        (None, true) => Role::Strong,
        (None, false) => Role::Text,
    };
    if is_chosen {
        panel::choose(theme, line, line.y, buffer);
        let sign = ("▸", Role::Accent);
        put(buffer, theme, (line.x, line.y), line.right(), sign);
    }
    let right = line.right();
    let name = item.slash.split(' ').next().unwrap_or_default();
    let beside = match (line.width, item.refusal) {
        (..WITH_SLASH, _) => 0,
        (..WITH_KEYS, None) => SLASH / 2,
        (_, Some(_)) | (WITH_KEYS.., None) => KEYS + 2 + SLASH,
    };
    let beside_at = right.saturating_sub(beside.min(line.width / 2 + 4));
    let room = usize::from(beside_at.saturating_sub(line.x + 3));
    let about = cut(item.about, room);
    put(buffer, theme, (line.x + 2, line.y), right, (&about, role));
    let room = usize::from(right.saturating_sub(beside_at));
    let at = (beside_at, line.y);
    match (line.width, item.refusal) {
        (..WITH_SLASH, _) => (),
        // The reason is worth more than keys that would do nothing.
        (_, Some(why)) => {
            let why = cut(&format!("{name} · {why}"), room);
            put(buffer, theme, at, right, (&why, Role::Muted));
        }
        (..WITH_KEYS, None) => {
            put(buffer, theme, at, right, (&cut(name, room), Role::Quiet));
        }
        (WITH_KEYS.., None) => {
            let slash_at = right.saturating_sub(SLASH);
            put(buffer, theme, at, slash_at, (&item.keys, Role::Quiet));
            let slash = cut(&item.slash, usize::from(SLASH));
            put(
                buffer,
                theme,
                (slash_at, line.y),
                right,
                (&slash, Role::Quiet),
            );
        }
    }
}
