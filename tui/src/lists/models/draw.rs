use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use unmask_core::catalogue::{Catalogue, ModelChoice};

use crate::action::Command;
use crate::amount;
use crate::cells::cell_count;
use crate::clean::clean_line;
use crate::geometry::{self, ModelsArea, SIGN, paragraphs};
use crate::keymap::{CommandGroup, Context};
use crate::models;
use crate::row::{cut, cut_middle};
use crate::state::{ListPanel, Pick, Scan, State};
use crate::theme::Role;
use crate::view::{panel, put, put_right, put_row};

/// A column: its heading, its cells, and whether it is worth its room; the least useful one goes first.
struct Column {
    heading: &'static str,
    width: u16,
    worth: u8,
}

const COLUMNS: [Column; 5] = [
    column("model", 20, 6),
    column("backend", 10, 4),
    column("precision", 22, 5),
    column("needs", 9, 1),
    column("state", 12, 2),
];
const MODEL: usize = 0;
const PRECISIONS: usize = 2;
const NEEDS: usize = 3;
/// Cells of a column that is cut at the least.
const LEAST: u16 = 9;

const fn column(heading: &'static str, width: u16, worth: u8) -> Column {
    Column {
        heading,
        width,
        worth,
    }
}

/// Models and backends; returns where the caret is.
pub(super) fn draw(state: &State, list: &ListPanel, buffer: &mut Buffer) -> Position {
    let pick = &list.pick;
    let theme = state.look.theme;
    let parts = geometry::models(state);
    let title = "Model and backend";
    let keys = keys(state, usize::from(parts.area.width));
    let inner = panel::frame(parts.area, theme, title, &keys, Role::Quiet, buffer);
    let shown = models::rows(state, pick);
    let caret = draw_query(state, pick, shown.len(), inner, buffer);
    let Some(catalogue) = state.machine.catalogue.as_deref() else {
        let text = state.machine.trouble.clone();
        let text = text.unwrap_or_else(|| "looking at this machine…".to_owned());
        draw_text(state, &text, Role::Quiet, below(inner, 2), buffer);
        return caret;
    };
    let list = Rect {
        height: parts.list,
        ..below(inner, 2)
    };
    draw_list(state, pick, catalogue, &shown, list, buffer);
    let rest = below(inner, 2 + parts.list);
    draw_unavailable(state, catalogue, &parts, rest, buffer);
    let foot = below(rest, parts.unavailable);
    draw_foot(state, catalogue, parts.foot, foot, buffer);
    caret
}

/// What the keys do; where there is no room for all, how to take a row and how to leave.
fn keys(state: &State, columns: usize) -> String {
    let places = [Context::Models, Context::List, Context::Overlay];
    let load: CommandGroup<'_> = (&[Command::Choose], "load");
    let back: CommandGroup<'_> = (&[Command::Back], "");
    let all = [
        load,
        (&[Command::Less, Command::More], "precision"),
        (&[Command::Other], "backend"),
        (&[Command::Rescan], "rescan"),
        back,
    ];
    let keys = state.keymap.footer(&places, &all);
    match cell_count(&keys) + 4 > columns {
        true => state.keymap.footer(&places, &[load, back]),
        false => keys,
    }
}

/// `area` without its first rows.
fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect {
        y: area.y + rows,
        height: area.height - rows,
        ..area
    }
}

fn draw_query(
    state: &State,
    pick: &Pick,
    shown: usize,
    inner: Rect,
    buffer: &mut Buffer,
) -> Position {
    let theme = state.look.theme;
    let listed = state.machine.catalogue.as_ref();
    let all = models::rows(state, &Pick::default()).len();
    let count = listed.map(|_| format!("{shown} of {all} shown"));
    let looking = (state.machine.scan == Scan::Running).then(|| "looking…".to_owned());
    let right: Vec<String> = looking.into_iter().chain(count).collect();
    let line = Rect {
        width: inner.width + 1,
        height: 1,
        ..inner
    };
    let end = put_right(buffer, theme, line, (&right.join(" · "), Role::Quiet));
    panel::query(
        state,
        &pick.query,
        inner,
        inner.right().saturating_sub(end),
        buffer,
    )
}

fn draw_list(
    state: &State,
    pick: &Pick,
    catalogue: &Catalogue,
    rows: &[Range<usize>],
    area: Rect,
    buffer: &mut Buffer,
) {
    let theme = state.look.theme;
    let widths = widths(state, catalogue, area.width);
    let mut x = area.x + SIGN;
    for (column, width) in COLUMNS.iter().zip(widths).filter(|(_, width)| *width > 0) {
        let heading = cut(column.heading, usize::from(width.saturating_sub(1)));
        put(
            buffer,
            theme,
            (x, area.y - 1),
            area.right(),
            (&heading, Role::Quiet),
        );
        x += width;
    }
    let shown = models::matches(state, pick);
    let chosen = rows.iter().position(|row| row.contains(&pick.chosen));
    let chosen = chosen.unwrap_or(0);
    let top = geometry::list_top(pick.top, chosen, usize::from(area.height));
    let lines = (area.y..area.bottom()).zip(rows.iter().enumerate().skip(top));
    for (y, (at, range)) in lines {
        let is_chosen = at == chosen;
        if is_chosen {
            panel::choose(theme, area, y, buffer);
            let sign = ("▸", Role::Accent);
            put(buffer, theme, (area.x, y), area.right(), sign);
        }
        let choices: Vec<&ModelChoice> = shown[range.clone()]
            .iter()
            .map(|&index| &catalogue.choices[index])
            .collect();
        let meant = match is_chosen {
            true => pick.chosen.clamp(range.start, range.end - 1) - range.start,
            false => best(state, &choices),
        };
        let row = ModelRow {
            choices: &choices,
            meant,
            is_chosen,
        };
        row.draw(state, catalogue, &widths, (area.x + SIGN, y), buffer);
    }
    if rows.is_empty() {
        let none = "nothing here is like this";
        let at = (area.x + SIGN, area.y);
        put(buffer, theme, at, area.right(), (none, Role::Quiet));
    }
}

/// The precision of a row that is loaded, else the first that can be.
fn best(state: &State, choices: &[&ModelChoice]) -> usize {
    let loaded = state.model.as_deref();
    let is_loaded = |it: &&ModelChoice| loaded.is_some_and(|loaded| it.is(loaded));
    let at = choices.iter().position(is_loaded);
    at.or_else(|| choices.iter().position(|it| it.obstacle().is_none()))
        .unwrap_or(0)
}

/// A model on a device, with its precisions.
struct ModelRow<'a> {
    choices: &'a [&'a ModelChoice],
    /// The precision that is meant, by its place.
    meant: usize,
    is_chosen: bool,
}

impl ModelRow<'_> {
    fn draw(
        &self,
        state: &State,
        catalogue: &Catalogue,
        widths: &[u16; 5],
        (x, y): (u16, u16),
        buffer: &mut Buffer,
    ) {
        let theme = state.look.theme;
        let choice = self.choices[self.meant];
        let role = match (choice.obstacle(), self.is_chosen) {
            (_, true) => Role::Strong,
            (Some(_), false) => Role::Quiet,
            (None, false) => Role::Text,
        };
        let word = models::word(state, choice);
        let needs = choice.needs_bytes.map_or("?".to_owned(), amount::needed);
        let mut x = x;
        for (at, &width) in widths.iter().enumerate().filter(|(_, width)| **width > 0) {
            let room = usize::from(width.saturating_sub(1));
            let (text, role) = match at {
                MODEL => (clean_line(&choice.name), role),
                1 => (place(catalogue, choice), role),
                PRECISIONS => {
                    self.draw_chips(state, (x, y), x + width, buffer);
                    x += width;
                    continue;
                }
                NEEDS => (needs.clone(), Role::Quiet),
                _ => (word.0.to_owned(), word.1),
            };
            let text = match at {
                MODEL => cut_middle(&text, room),
                _ => cut(&text, room),
            };
            put(buffer, theme, (x, y), x + width, (&text, role));
            x += width;
        }
    }

    /// `f32  bf16  int8`, as many as fit around the one that is meant.
    fn draw_chips(&self, state: &State, (x, y): (u16, u16), right: u16, buffer: &mut Buffer) {
        let theme = state.look.theme;
        let text = |at: usize| {
            let choice = self.choices[at];
            let is_loaded = state.model.as_ref().is_some_and(|it| choice.is(it));
            let sign = if is_loaded { "●" } else { "" };
            format!("{sign}{}", clean_line(&choice.precision))
        };
        let room = usize::from(right.saturating_sub(x + 1));
        let cells = |range: &Range<usize>| {
            range
                .clone()
                .map(|at| cell_count(&text(at)) + 2)
                .sum::<usize>()
        };
        let mut seen = 0..self.choices.len();
        while seen.len() > 1 && cells(&seen) > room + 1 {
            match self.meant - seen.start > seen.end - 1 - self.meant {
                true => seen.start += 1,
                false => seen.end -= 1,
            }
        }
        let mut x = x;
        for at in seen {
            let role = match (at == self.meant, self.is_chosen) {
                (true, true) => Role::Accent,
                (true, false) => Role::Text,
                (false, _) => Role::Quiet,
            };
            let text = cut(&text(at), usize::from(right.saturating_sub(x + 1)));
            let end = put(buffer, theme, (x, y), right, (&text, role));
            if at == self.meant && self.is_chosen && self.choices.len() > 1 {
                let chip = Rect::new(x, y, end - x, 1);
                buffer.set_style(chip, Style::new().add_modifier(Modifier::REVERSED));
            }
            x = end + 2;
        }
    }
}

/// The backend, with the device where the model is on several of one backend.
fn place(catalogue: &Catalogue, choice: &ModelChoice) -> String {
    let mut others = catalogue.choices.iter();
    let is_other = |it: &ModelChoice| {
        (&it.key, &it.framework) == (&choice.key, &choice.framework) && it.device != choice.device
    };
    match others.any(is_other) {
        true => format!(
            "{} {}",
            clean_line(&choice.framework),
            clean_line(&choice.device)
        ),
        false => clean_line(&choice.framework),
    }
}

/// The cells of each column: dropped or cut where there is no room, wider for long names where there is.
fn widths(state: &State, catalogue: &Catalogue, room: u16) -> [u16; 5] {
    let mut widths = COLUMNS.map(|column| column.width);
    let room = room.saturating_sub(SIGN);
    let total = |widths: &[u16; 5]| widths.iter().sum::<u16>();
    while total(&widths) > room {
        let over = total(&widths) - room;
        let kept = (0..widths.len()).filter(|&at| widths[at] > 0);
        match kept.min_by_key(|&at| COLUMNS[at].worth) {
            Some(at) if COLUMNS[at].worth < 4 => widths[at] = 0,
            // What is left tells rows apart: each gives some of its cells.
            Some(_) | None => {
                let wide = [PRECISIONS, MODEL].map(|at| widths[at].saturating_sub(LEAST));
                let cut = over.min(wide[0]);
                widths[PRECISIONS] -= cut;
                widths[MODEL] -= (over - cut).min(wide[1]);
                break;
            }
        }
    }
    let mut spare = room.saturating_sub(total(&widths));
    let short = |cells: usize| u16::try_from(cells).unwrap_or(u16::MAX);
    let choices = catalogue.choices.iter();
    let longest = choices.map(|it| cell_count(&it.name)).max().unwrap_or(0);
    let all = models::rows(state, &Pick::default());
    let most = all.iter().map(Range::len).max().unwrap_or(1);
    for (at, wanted) in [(MODEL, short(longest + 2)), (PRECISIONS, short(most * 8))] {
        let more = wanted.saturating_sub(widths[at]).min(spare);
        widths[at] += more;
        spare -= more;
    }
    widths
}

fn draw_unavailable(
    state: &State,
    catalogue: &Catalogue,
    parts: &ModelsArea,
    area: Rect,
    buffer: &mut Buffer,
) {
    let Some(rows) = parts.unavailable.checked_sub(2).map(usize::from) else {
        return;
    };
    let theme = state.look.theme;
    let (x, right) = (area.x + SIGN, area.right());
    let title = "unavailable here";
    put(buffer, theme, (x, area.y + 1), right, (title, Role::Quiet));
    let all = models::unavailable_rows(catalogue, usize::from(right.saturating_sub(x)));
    for (at, (y, (name, why))) in (area.y + 2..area.bottom()).zip(&all).take(rows).enumerate() {
        let line = match at + 1 == rows && rows < all.len() {
            true => "… and more: /doctor".to_owned(),
            false => format!("{name}{why}"),
        };
        put(buffer, theme, (x, y), right, (&line, Role::Quiet));
    }
}

/// The memory, and what Enter would do: the last is worth the most.
fn draw_foot(state: &State, catalogue: &Catalogue, rows: u16, area: Rect, buffer: &mut Buffer) {
    let (memory_at, remark_at) = match rows {
        0 => return,
        1 | 2 => (None, rows - 1),
        _ => (Some(1), 2),
    };
    if let Some(at) = memory_at {
        let memory = models::memory(catalogue);
        let device = models::chosen(state).map(|it| match it.device_name.is_empty() {
            true => clean_line(&it.device),
            false => clean_line(&it.device_name),
        });
        let line: Vec<String> = device.into_iter().chain([memory]).collect();
        let line = line.join(" · ");
        draw_text(state, &line, Role::Quiet, below(area, at), buffer);
    }
    let area = below(area, remark_at);
    if let Some(why) = &state.machine.trouble {
        return draw_text(state, why, Role::Error, area, buffer);
    }
    if let Some(choice) = models::chosen(state) {
        let (remark, role) = models::remark(state, choice);
        draw_text(state, &remark, role, area, buffer);
    }
}

fn draw_text(state: &State, text: &str, role: Role, area: Rect, buffer: &mut Buffer) {
    let rows = paragraphs(&[text.to_owned()], usize::from(area.width));
    for (mut row, y) in rows.into_iter().zip(area.y..area.bottom()) {
        row.spans.iter_mut().for_each(|span| span.role = role);
        let at = (area.x, y);
        put_row(buffer, state.look.theme, at, area.right(), &row);
    }
}
