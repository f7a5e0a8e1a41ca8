use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use unmask_core::catalogue::{Catalogue, ModelChoice};

use super::{panel, put, put_right, put_row};
use crate::action::Command;
use crate::amount;
use crate::cells::cell_count;
use crate::clean::clean_line;
use crate::geometry::{self, ModelsArea, paragraphs};
use crate::keymap::{CommandGroup, Context};
use crate::models;
use crate::row::cut;
use crate::state::{Pick, Scan, State};
use crate::theme::Role;

/// Cells of the sign before a row.
const SIGN: u16 = 2;

/// A column: its heading, its cells, and whether it is worth its room; the least useful one goes first.
struct Column {
    heading: &'static str,
    width: u16,
    worth: u8,
}

const COLUMNS: [Column; 6] = [
    column("model", 21, 6),
    column("backend", 11, 4),
    column("device", 12, 1),
    column("precision", 11, 3),
    column("needs", 7, 2),
    column("state", 12, 5),
];
const NEEDS: usize = 4;

const fn column(heading: &'static str, width: u16, worth: u8) -> Column {
    Column {
        heading,
        width,
        worth,
    }
}

/// Models and backends; returns where the caret is.
pub(super) fn draw(state: &State, pick: &Pick, buffer: &mut Buffer) -> Position {
    let theme = state.look.theme;
    let parts = geometry::models(state);
    let title = "Model and backend";
    let keys = keys(state, usize::from(parts.area.width));
    let inner = panel::frame(parts.area, theme, title, &keys, Role::Quiet, buffer);
    let shown = models::matches(state, pick);
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
    let count = listed.map(|it| format!("{shown} of {} shown", it.choices.len()));
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
    shown: &[usize],
    area: Rect,
    buffer: &mut Buffer,
) {
    let theme = state.look.theme;
    let widths = widths(catalogue, area.width);
    let heading = COLUMNS.map(|column| (column.heading.to_owned(), Role::Quiet));
    draw_cells(state, &widths, &heading, (area.x, area.y - 1), buffer);
    let chosen = pick.chosen.min(shown.len().saturating_sub(1));
    let top = geometry::list_top(pick.top, chosen, usize::from(area.height));
    let rows = (area.y..area.bottom()).zip(shown.iter().enumerate().skip(top));
    for (y, (at, &index)) in rows {
        let is_chosen = at == chosen;
        if is_chosen {
            put(
                buffer,
                theme,
                (area.x, y),
                area.right(),
                ("▸", Role::Accent),
            );
        }
        let cells = cells(state, &catalogue.choices[index], is_chosen);
        draw_cells(state, &widths, &cells, (area.x, y), buffer);
    }
    if shown.is_empty() {
        let none = "nothing here is like this";
        let at = (area.x + SIGN, area.y);
        put(buffer, theme, at, area.right(), (none, Role::Quiet));
    }
}

/// The cells of each column: dropped where there is no room, wider for long names where there is.
fn widths(catalogue: &Catalogue, room: u16) -> [u16; 6] {
    let mut widths = COLUMNS.map(|column| column.width);
    let total = |widths: &[u16; 6]| SIGN + widths.iter().sum::<u16>();
    while total(&widths) > room {
        let kept = (0..widths.len()).filter(|&at| widths[at] > 0);
        match kept.min_by_key(|&at| COLUMNS[at].worth) {
            Some(at) if COLUMNS[at].worth < 5 => widths[at] = 0,
            Some(_) | None => return widths,
        }
    }
    let mut spare = room - total(&widths);
    let choices = &catalogue.choices;
    let longest = |text: fn(&ModelChoice) -> &String| {
        let longest = choices
            .iter()
            .map(|it| cell_count(text(it)))
            .max()
            .unwrap_or(0);
        u16::try_from(longest + 2).unwrap_or(u16::MAX)
    };
    for (at, wanted) in [
        (0, longest(|it| &it.name)),
        (2, longest(|it| &it.device_name)),
    ] {
        let more = match widths[at] {
            0 => 0,
            width => wanted.saturating_sub(width).min(spare),
        };
        widths[at] += more;
        spare -= more;
    }
    widths
}

fn cells(state: &State, choice: &ModelChoice, is_chosen: bool) -> [(String, Role); 6] {
    let role = match (choice.obstacle(), is_chosen) {
        (_, true) => Role::Accent,
        (Some(_), false) => Role::Quiet,
        (None, false) => Role::Text,
    };
    let word = models::word(state, choice);
    let device = match choice.device_name.is_empty() {
        true => &choice.device,
        false => &choice.device_name,
    };
    let needs = choice.needs_bytes.map_or("?".to_owned(), amount::needed);
    [
        (clean_line(&choice.name), role),
        (clean_line(&choice.framework), role),
        (clean_line(device), role),
        (clean_line(&choice.precision), role),
        (needs, role),
        (word.0.to_owned(), word.1),
    ]
}

fn draw_cells(
    state: &State,
    widths: &[u16; 6],
    cells: &[(String, Role); 6],
    (x, y): (u16, u16),
    buffer: &mut Buffer,
) {
    let theme = state.look.theme;
    let mut x = x + SIGN;
    for (at, ((text, role), &width)) in cells.iter().zip(widths).enumerate() {
        let gap = match at {
            NEEDS => 2,
            _ => 1,
        };
        let room = usize::from(width.saturating_sub(gap));
        let text = cut(text, room);
        let indent = match at {
            NEEDS => room.saturating_sub(cell_count(&text)),
            _ => 0,
        };
        let from = x + u16::try_from(indent).unwrap_or(0);
        put(buffer, theme, (from, y), x + width, (&text, *role));
        x += width;
    }
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
    let all = models::unavailable(catalogue);
    for (at, (y, (name, why))) in (area.y + 2..area.bottom()).zip(&all).take(rows).enumerate() {
        let line = match at + 1 == rows && rows < all.len() {
            true => format!("… and {} more: /doctor", all.len() - at),
            false => format!("{:10} {}", clean_line(name), clean_line(why)),
        };
        let line = cut(&line, usize::from(right.saturating_sub(x)));
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
        draw_text(state, &memory, Role::Quiet, below(area, at), buffer);
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
