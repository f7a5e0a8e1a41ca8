use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;
use unmask_core::event::FinishReason;

use super::{number, put, put_right, put_row};
use crate::geometry::MARGIN;
use crate::state::{Answer, Entry, Part, Source, Stage, State, Turn, View};
use crate::theme::{Role, Theme};

/// What was said, from the first row that is seen.
pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let mut first = 0;
    let seen = state.transcript.top..state.transcript.top + usize::from(area.height);
    for part in state.parts() {
        let rows = first.max(seen.start)..(first + part.height()).min(seen.end);
        for row in rows {
            let y = area.y + u16::try_from(row - seen.start).unwrap_or(u16::MAX);
            let line = Rect::new(area.x, y, area.width, 1);
            draw_row(&part, row - first, state.look.theme, line, buffer);
        }
        first += part.height();
    }
    if state.transcript.view != View::Follow {
        let last = Rect::new(area.x, area.bottom().saturating_sub(1), area.width, 1);
        put_right(
            buffer,
            state.look.theme,
            last,
            (" ↓ follow ^End ", Role::Accent),
        );
    }
}

fn draw_row(part: &Part<'_>, row: usize, theme: Theme, line: Rect, buffer: &mut Buffer) {
    match row.checked_sub(part.above) {
        Some(body) => put_row(
            buffer,
            theme,
            (line.x + MARGIN, line.y),
            line.right(),
            &part.rows[body],
        ),
        None if row == 1 => draw_head(part, theme, line, buffer),
        None => (),
    }
}

fn draw_head(part: &Part<'_>, theme: Theme, line: Rect, buffer: &mut Buffer) {
    let (who, right) = match part.source {
        Source::Entry(Entry::You { at, .. }) => ("You".to_owned(), at.to_string()),
        Source::Entry(Entry::Answer(answer)) => (answer.name.clone(), totals(answer)),
        Source::Turn(turn) => (turn.speaker(), progress(turn)),
        Source::Entry(Entry::Failure(_) | Entry::Note(_)) | Source::Queue => return,
    };
    let room = usize::from(line.width.saturating_sub(2 * MARGIN + 2));
    let right = fit(&right, room.saturating_sub(who.width()));
    let start = put_right(buffer, theme, line, (right, Role::Quiet));
    let x = line.x + MARGIN;
    put(buffer, theme, (x, line.y), start, (&who, Role::Accent));
}

/// The last parts of `text` that fit.
fn fit(mut text: &str, cells: usize) -> &str {
    while text.width() > cells {
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
    if stats.nfe != stats.steps {
        parts.insert(2, format!("{} NFE", stats.nfe));
    }
    parts.extend(number::rate(stats.text_tokens, stats.elapsed));
    match answer.reason {
        FinishReason::Stopped => parts.insert(0, "stopped".to_owned()),
        FinishReason::Complete | FinishReason::EndToken => (),
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
    format!("block {}/{} · {doing}", turn.block + 1, turn.blocks)
}
