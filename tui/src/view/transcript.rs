use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unmask_core::event::{FinishReason, Stats};
use unmask_core::params::Remasking;
use unmask_core::settings::approximation;

use super::{BAR, put, put_right, put_row};
use crate::action::{Command, Scroll};
use crate::amount::counted;
use crate::cells::cell_count;
use crate::clean::clean_line;
use crate::geometry::{Areas, INDENT, MARGIN, text_width};
use crate::keymap::Context;
use crate::number;
use crate::row::Row;
use crate::screen_layout::{Part, PartSource, ScreenLayout};
use crate::state::{Answer, BranchName, Entry, EntryVisibility, Focus, State, View};
use crate::theme::{Role, Theme};

/// What was said, from the first row that is seen.
pub(super) fn draw(state: &State, layout: &ScreenLayout, area: Rect, buffer: &mut Buffer) {
    let mut first = 0;
    let seen = layout.top()..layout.top() + usize::from(area.height);
    let selected = match state.focus {
        Focus::Composer => None,
        Focus::Canvas => state.selected(),
    };
    for (at, part) in layout.parts(state).into_iter().enumerate() {
        let rows = first.max(seen.start)..(first + part.height()).min(seen.end);
        let has_focus = selected == Some(at);
        for row in rows {
            let y = area.y + u16::try_from(row - seen.start).unwrap_or(u16::MAX);
            let line = Rect::new(area.x, y, area.width, 1);
            let least_sure = layout.least_sure(at);
            draw_row(
                state,
                (&part, has_focus, least_sure),
                row - first,
                line,
                buffer,
            );
            draw_selected(state, &part, (at, row - first), line, buffer);
        }
        first += part.height();
    }
    if state.transcript.view != View::Follow {
        // Below what is said, which it would hide else.
        let below = Areas::of(state).gap;
        let follow = Command::Scroll(Scroll::Follow);
        let key = state.keymap.label(&[Context::Anywhere], &follow);
        let follow = format!(" ↓ follow {} ", key.unwrap_or_default());
        put_right(buffer, state.look.theme, below, (&follow, Role::Accent));
    }
}

fn draw_row(
    state: &State,
    (part, has_focus, least_sure): (&Part<'_>, bool, Option<&(String, f32)>),
    row: usize,
    line: Rect,
    buffer: &mut Buffer,
) {
    let theme = state.look.theme;
    let Some(body) = row.checked_sub(part.above) else {
        if row == 1 {
            draw_horizon(part.left_out, theme, column(state, line), buffer);
        }
        return;
    };
    draw_voice(state, part, has_focus, line, buffer);
    match part.rows.get(body) {
        Some(row) => draw_body(state, part, row, line, buffer),
        None => draw_figures(state, (part, has_focus, least_sure), line, buffer),
    }
}

/// The text's column with the cells beside it that belong to it.
fn column(state: &State, line: Rect) -> Rect {
    let width = text_width(state.size) + 2 * (INDENT - MARGIN);
    Rect {
        x: line.x + MARGIN,
        width: width.min(line.width.saturating_sub(MARGIN)),
        ..line
    }
}

/// A person's words lie on a ground of their own behind a bar; what the keys mean has the bar in the accent.
fn draw_voice(state: &State, part: &Part<'_>, has_focus: bool, line: Rect, buffer: &mut Buffer) {
    let theme = state.look.theme;
    let is_person = matches!(part.source, PartSource::Entry(Entry::You { .. }));
    if is_person {
        buffer.set_style(column(state, line), theme.style(Role::Surface));
    }
    let role = match (has_focus, is_person) {
        (true, _) => Role::Accent,
        (false, true) => Role::Quiet,
        (false, false) => return,
    };
    let at = (line.x + MARGIN, line.y);
    put(buffer, theme, at, line.x + INDENT, (BAR, role));
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
    let (Some(cells), Some(row)) = (cells, body.and_then(|body| part.rows.get(body))) else {
        return;
    };
    let (cells, _) = row.cut_out(&cells);
    let short = |value: usize| u16::try_from(value).unwrap_or(u16::MAX);
    let x = line.x.saturating_add(INDENT + short(cells.start));
    let area = Rect::new(x, line.y, short(cells.len()), 1).intersection(line);
    buffer.set_style(area, state.look.theme.style(Role::Selected));
}

/// What the model no longer sees, between that and the rest.
fn draw_horizon(left_out: usize, theme: Theme, line: Rect, buffer: &mut Buffer) {
    let what = match left_out {
        1 => "this message".to_owned(),
        n => format!("these {}", counted(n, "message")),
    };
    let text = format!("↑ the model no longer sees {what} ");
    let x = line.x + INDENT - MARGIN;
    let end = put(
        buffer,
        theme,
        (x, line.y),
        line.right(),
        (&text, Role::Quiet),
    );
    let right = line.right().saturating_sub(MARGIN);
    let rule = "─".repeat(usize::from(right.saturating_sub(end)));
    put(buffer, theme, (end, line.y), right, (&rule, Role::Quiet));
}

/// A row of text; dimmed if the model does not see it.
fn draw_body(state: &State, part: &Part<'_>, row: &Row, line: Rect, buffer: &mut Buffer) {
    let theme = state.look.theme;
    let at = (line.x + INDENT, line.y);
    if let Some(ground) = row.ground {
        let from = u16::try_from(row.ground_from()).unwrap_or(0);
        let column = column(state, line);
        let x = (at.0 + from).min(column.right());
        let width = column.right() - x;
        buffer.set_style(Rect { x, width, ..column }, theme.style(ground));
    }
    match part.visibility {
        EntryVisibility::Seen => put_row(buffer, theme, at, line.right(), row),
        EntryVisibility::RolledOff | EntryVisibility::Replaced | EntryVisibility::Undone => {
            put(buffer, theme, at, line.right(), (&row.text(), Role::Muted));
        }
    }
}

/// `19 tok · 0.5 s`, and the word that the model was least sure of; all that is known if the keys mean the answer.
fn draw_figures(
    state: &State,
    (part, has_focus, least_sure): (&Part<'_>, bool, Option<&(String, f32)>),
    line: Rect,
    buffer: &mut Buffer,
) {
    let PartSource::Entry(Entry::Answer(answer)) = part.source else {
        return;
    };
    let theme = state.look.theme;
    let column = column(state, line);
    let word = match part.visibility {
        EntryVisibility::Seen | EntryVisibility::RolledOff => "",
        EntryVisibility::Replaced => "earlier answer · ",
        EntryVisibility::Undone => "undone · ",
    };
    let figures = match has_focus {
        true => format!("{} · {}", answer.name, totals(answer)),
        false => figures(answer),
    };
    let figures = format!("{word}{}{figures}", branch(part.branch));
    let room = usize::from(text_width(state.size));
    let x = line.x + INDENT;
    let figures = clean_line(&figures);
    let figures = fit(&figures, room);
    let end = put(
        buffer,
        theme,
        (x, line.y),
        column.right(),
        (figures, Role::Quiet),
    );
    let Some((word, confidence)) = least_sure else {
        return;
    };
    let least = format!("least sure: {} {confidence:.2}", clean_line(word));
    if cell_count(&least) + 3 <= usize::from(column.right().saturating_sub(end)) {
        put_right(buffer, theme, column, (&least, Role::Quiet));
    }
}

/// The name of a branch: `1b · `.
fn branch(name: Option<BranchName>) -> String {
    name.map_or_else(String::new, |name| format!("{name} · "))
}

/// What matters of an answer that is done: how it ended if that was early, whether it is exact, tokens and seconds.
fn figures(answer: &Answer) -> String {
    let mut parts: Vec<String> = match answer.reason {
        FinishReason::Stopped => vec!["stopped".to_owned()],
        FinishReason::MasksLeft => vec!["masks left".to_owned()],
        FinishReason::Complete | FinishReason::EndToken => Vec::new(),
    };
    parts.extend(tokens(&answer.stats));
    parts.push(match answer.stats.elapsed < Duration::from_millis(100) {
        true => number::short(answer.stats.elapsed),
        false => number::wait(answer.stats.elapsed),
    });
    if approximation(&answer.params).is_some() {
        parts.push("≈".to_owned());
    }
    parts.join(" · ")
}

/// The last parts of `text` that fit.
fn fit(mut text: &str, cells: usize) -> &str {
    while cell_count(text) > cells {
        text = text.split_once(" · ").map_or("", |(_, rest)| rest);
    }
    text
}

/// `61 tok`; nothing of a server that does not say.
fn tokens(stats: &Stats) -> Option<String> {
    let is_known = stats.text_tokens > 0 || !stats.text_alone;
    is_known.then(|| format!("{} tok", stats.text_tokens))
}

/// `61 tok · 64 steps · 9.0 s · 6.8 tok/s`, as far as that is known.
fn totals(answer: &Answer) -> String {
    let stats = &answer.stats;
    let mut parts: Vec<String> = tokens(stats).into_iter().collect();
    if !stats.text_alone {
        parts.push(counted(stats.steps, "step"));
        if stats.nfe != stats.steps || stats.nfe_saved >= 1.0 {
            parts.push(number::nfe(stats.nfe, stats.nfe_saved));
        }
    }
    parts.push(number::wait(stats.elapsed));
    let rate = tokens(stats).and_then(|_| number::rate(stats.text_tokens, stats.elapsed));
    parts.extend(rate);
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
