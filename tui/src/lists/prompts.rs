use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{ABOVE, Steered, area, steer, step};
use crate::clean::clean_line;
use crate::commands::Command;
use crate::geometry::{self, Areas};
use crate::keymap::Context;
use crate::row::cut;
use crate::state::{ListArea, ListData, ListKind, ListPanel, Search, State};
use crate::theme::Role;
use crate::view::{panel, put};

/// Earlier prompts.
pub(crate) const KIND: ListKind = ListKind {
    name: "prompts",
    context: Some(Context::Search),
    area: rows,
    draw,
    write,
    step,
    perform,
};

/// Opens the search; the draft stays as it is until a prompt is taken.
pub(crate) fn open(state: &mut State) {
    let search = Search::of(&state.history);
    super::open(state, &KIND, ListData::Prompts(search));
}

fn search(list: &ListPanel) -> Option<&Search> {
    match &list.data {
        ListData::Prompts(search) => Some(search),
        ListData::Nothing | ListData::Theme(_) | ListData::Sessions(_) => None,
    }
}

/// Just above the draft, which stays in sight.
fn place(state: &State, found: usize) -> Rect {
    const ROWS: usize = 8;
    let bottom = Areas::of(state).gap.y;
    // With the frame and what was typed.
    let height = u16::try_from(found.clamp(1, ROWS) + 3).unwrap_or(u16::MAX);
    let height = height.min(bottom);
    Rect::new(0, bottom - height, state.size.columns, height)
}

fn rows(state: &State, list: &ListPanel) -> ListArea {
    let found = search(list).map_or(0, |search| search.found().len());
    area(place(state, found), ABOVE - 1, list, found)
}

/// A typed character.
fn write(state: &mut State, character: char) {
    super::write(state, character);
    look(state);
}

fn look(state: &mut State) {
    if let Some(list) = state.list_mut()
        && let ListData::Prompts(search) = &mut list.data
    {
        search.look(&list.pick.query);
    }
}

fn perform(state: &mut State, command: &Command) -> Option<Vec<Command>> {
    if *command == Command::Choose {
        let list = state.list()?;
        let prompt = search(list)?.chosen(&list.pick).map(str::to_owned);
        if let Some(prompt) = prompt {
            state.overlays.pop();
            state.history.touch();
            state.composer.replace(&prompt);
        }
        return Some(Vec::new());
    }
    let steered = steer(state, command);
    if steered == Steered::Typed {
        look(state);
    }
    (steered != Steered::Not).then(Vec::new)
}

fn draw(state: &State, list: &ListPanel, buffer: &mut Buffer) -> Position {
    let theme = state.look.theme;
    let found: Vec<&str> = search(list).map_or_else(Vec::new, |it| it.found().collect());
    let n = found.len();
    let area = place(state, n);
    let keys = state.keymap.footer(
        &[Context::Search, Context::List, Context::Overlay],
        &[
            (&[Command::Choose], "take"),
            (&[Command::Down], "older"),
            (&[Command::Back], ""),
        ],
    );
    let inner = panel::frame(area, theme, "Earlier prompts", &keys, Role::Quiet, buffer);
    let caret = panel::query(state, &list.pick.query, inner, panel::COUNT, buffer);
    let page = usize::from(inner.height.saturating_sub(1));
    let chosen = list.pick.chosen.min(n.saturating_sub(1));
    let top = geometry::list_top(list.pick.top, chosen, page);
    let shown = found.into_iter().enumerate().skip(top).take(page);
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
        let none = match list.pick.query.is_empty() {
            true => "nothing was sent yet",
            false => "no earlier prompt holds these words",
        };
        let at = (inner.x + 2, inner.y + 1);
        put(buffer, theme, at, inner.right(), (none, Role::Quiet));
    }
    caret
}
