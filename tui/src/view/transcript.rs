use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unmask_core::event::FinishReason;
use unmask_core::params::Remasking;
use unmask_core::settings::approximation;

use super::{put, put_right, put_row};
use crate::action::{Command, Scroll};
use crate::cells::cell_count;
use crate::geometry::MARGIN;
use crate::keymap::Context;
use crate::number;
use crate::row::Row;
use crate::state::{
    Answer, Entry, EntryVisibility, Focus, Part, PartSource, Stage, State, Turn, View,
};
use crate::theme::{Role, Theme};

/// Stands in the margin of the selected message.
const SELECTED: (&str, Role) = ("▎", Role::Accent);

/// What was said, from the first row that is seen.
pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let mut first = 0;
    let seen = state.transcript.top..state.transcript.top + usize::from(area.height);
    let selected = match state.focus {
        Focus::Composer => None,
        Focus::Canvas => state.selected(),
    };
    for (at, part) in state.parts().into_iter().enumerate() {
        let rows = first.max(seen.start)..(first + part.height()).min(seen.end);
        for row in rows {
            let y = area.y + u16::try_from(row - seen.start).unwrap_or(u16::MAX);
            let line = Rect::new(area.x, y, area.width, 1);
            draw_row(&part, row - first, state.look.theme, line, buffer);
            draw_selected(state, &part, (at, row - first), line, buffer);
            // The empty row above belongs to no message.
            if selected == Some(at) && row > first {
                let edge = (line.x, line.y);
                put(buffer, state.look.theme, edge, line.x + MARGIN, SELECTED);
            }
        }
        first += part.height();
    }
    if state.transcript.view != View::Follow {
        let last = Rect::new(area.x, area.bottom().saturating_sub(1), area.width, 1);
        let follow = Command::Scroll(Scroll::Follow);
        let key = state.keymap.label(&[Context::Anywhere], follow);
        let follow = format!(" ↓ follow {} ", key.unwrap_or_default());
        put_right(buffer, state.look.theme, last, (&follow, Role::Accent));
    }
}

fn draw_row(part: &Part<'_>, row: usize, theme: Theme, line: Rect, buffer: &mut Buffer) {
    match row.checked_sub(part.above) {
        Some(body) => draw_body(part, &part.rows[body], theme, line, buffer),
        None if row + 1 == part.above => draw_head(part, theme, line, buffer),
        None if row == 1 => draw_horizon(part.left_out, theme, line, buffer),
        None => (),
    }
}

/// What the mouse has selected of a row; only text can be.
fn draw_selected(
    state: &State,
    part: &Part<'_>,
    (at, row): (usize, usize),
    line: Rect,
    buffer: &mut Buffer,
) {
    let cells = state
        .text_selection
        .and_then(|text_selection| text_selection.cells(at, row));
    let body = row.checked_sub(part.above);
    let (Some(cells), Some(body)) = (cells, body) else {
        return;
    };
    let (cells, _) = part.rows[body].cut_out(&cells);
    let short = |value: usize| u16::try_from(value).unwrap_or(u16::MAX);
    let x = line.x.saturating_add(MARGIN + short(cells.start));
    let area = Rect::new(x, line.y, short(cells.len()), 1).intersection(line);
    buffer.set_style(area, state.look.theme.style(Role::Selected));
}

/// What the model no longer sees, between that and the rest.
fn draw_horizon(left_out: usize, theme: Theme, line: Rect, buffer: &mut Buffer) {
    let text = format!("── ↑ the model no longer sees these {left_out} messages ");
    let end = put(
        buffer,
        theme,
        (line.x + MARGIN, line.y),
        line.right(),
        (&text, Role::Quiet),
    );
    let right = line.right().saturating_sub(MARGIN);
    let rule = "─".repeat(usize::from(right.saturating_sub(end)));
    put(buffer, theme, (end, line.y), right, (&rule, Role::Quiet));
}

/// A row of text; dimmed if the model does not see it.
fn draw_body(part: &Part<'_>, row: &Row, theme: Theme, line: Rect, buffer: &mut Buffer) {
    let at = (line.x + MARGIN, line.y);
    match part.visibility {
        EntryVisibility::Seen => put_row(buffer, theme, at, line.right(), row),
        EntryVisibility::RolledOff | EntryVisibility::Replaced | EntryVisibility::Undone => {
            put(buffer, theme, at, line.right(), (&row.text(), Role::Muted));
        }
    }
}

fn draw_head(part: &Part<'_>, theme: Theme, line: Rect, buffer: &mut Buffer) {
    let (mut who, right) = match part.source {
        PartSource::Entry(Entry::You { at, .. }) => ("You".to_owned(), at.to_string()),
        PartSource::Entry(Entry::Answer(answer)) => {
            let turn = answer.trace.as_deref();
            (named(&answer.name, turn), totals(answer))
        }
        PartSource::Turn(turn) => (named(&turn.speaker(), Some(turn)), progress(turn)),
        PartSource::Entry(Entry::Failure(_) | Entry::Note(_)) | PartSource::Queue => return,
    };
    let (role, word) = match part.visibility {
        EntryVisibility::Seen | EntryVisibility::RolledOff => (Role::Accent, ""),
        EntryVisibility::Replaced => (Role::Quiet, " · earlier answer"),
        EntryVisibility::Undone => (Role::Quiet, " · undone"),
    };
    who.push_str(word);
    let room = usize::from(line.width.saturating_sub(2 * MARGIN + 2));
    let right = fit(&right, room.saturating_sub(cell_count(&who)));
    let start = put_right(buffer, theme, line, (right, Role::Quiet));
    let x = line.x + MARGIN;
    put(buffer, theme, (x, line.y), start, (&who, role));
}

/// Who speaks; of a branch with its name: `LLaDA · 1b`.
fn named(name: &str, turn: Option<&Turn>) -> String {
    match turn.and_then(|turn| turn.branch.as_ref()) {
        Some(branch) => format!("{name} · {}{}", branch.name.0, branch.name.1),
        None => name.to_owned(),
    }
}

/// The last parts of `text` that fit.
fn fit(mut text: &str, cells: usize) -> &str {
    while cell_count(text) > cells {
        text = text.split_once(" · ").map_or("", |(_, rest)| rest);
    }
    text
}

/// `61 tok · 64 steps · 9.0 s · 6.8 tok/s`.
fn totals(answer: &Answer) -> String {
    let stats = &answer.stats;
    let mut parts = vec![
        format!("{} tok", stats.text_tokens),
        format!("{} steps", stats.steps),
        number::wait(stats.elapsed),
    ];
    if stats.nfe != stats.steps || stats.nfe_saved >= 1.0 {
        parts.insert(2, number::nfe(stats.nfe, stats.nfe_saved));
    }
    parts.extend(number::rate(stats.text_tokens, stats.elapsed));
    match answer.reason {
        FinishReason::Stopped => parts.insert(0, "stopped".to_owned()),
        FinishReason::MasksLeft => parts.insert(0, "masks left".to_owned()),
        FinishReason::Complete | FinishReason::EndToken => (),
    }
    let params = &answer.params;
    if params.temperature > 0.0 || params.remasking == Remasking::Random {
        parts.insert(0, format!("seed {}", params.seed));
    }
    if let Some(what) = approximation(params) {
        parts.insert(0, format!("≈ {what}"));
    }
    parts.join(" · ")
}

/// `block 2/4 · denoising`.
fn progress(turn: &Turn) -> String {
    let doing = match turn.stage {
        Stage::Denoising => "denoising",
        Stage::Pausing { .. } => "pausing",
        Stage::Paused => "paused",
        Stage::Stopping { .. } => "stopping",
    };
    if turn.blocks == 0 {
        return doing.to_owned();
    }
    if let Some(what) = approximation(&turn.params) {
        return format!(
            "≈ {what} · block {}/{} · {doing}",
            turn.block + 1,
            turn.blocks
        );
    }
    format!("block {}/{} · {doing}", turn.block + 1, turn.blocks)
}
