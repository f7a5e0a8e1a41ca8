use ratatui::Frame;

use super::put_row;
use crate::hints;
use crate::layout::{Flow, wrap};
use crate::row::Row;
use crate::state::{Activity, SMALLEST, Stage, State, Turn};
use crate::theme::Role;

/// Says how large the terminal must be; the engine goes on.
pub(super) fn draw(state: &State, frame: &mut Frame<'_>) {
    let (columns, rows) = (state.size.columns, state.size.rows);
    let needs = format!("unmask needs {} × {}", SMALLEST.columns, SMALLEST.rows);
    let now = format!("now {columns} × {rows}");
    let doing = match &state.activity {
        Activity::Idle => String::new(),
        Activity::Loading(load) => format!("◐ {}", load.stage),
        Activity::Turn(turn) => running(turn),
    };
    let hints = hints::hints(state).into_iter().take(2);
    let keys: Vec<String> = hints.map(|(key, word)| format!("{key} {word}")).collect();
    let keys = keys.join("  ");
    let lines = [
        (needs.as_str(), Role::Text),
        (&now, Role::Quiet),
        ("", Role::Quiet),
        (&doing, Role::Accent),
        (&keys, Role::Quiet),
    ];
    let theme = state.look.theme;
    // The size that is needed is worth more than an edge.
    let x = u16::from(columns > SMALLEST.columns / 2);
    let width = usize::from(columns - x).max(1);
    let rows_of = |(text, role): (&str, Role)| match text.is_empty() {
        true => vec![Row::default()],
        false => wrap(&Flow::plain(text, role), width),
    };
    for (row, y) in lines.into_iter().flat_map(rows_of).zip(0..rows) {
        put_row(frame.buffer_mut(), theme, (x, y), columns, &row);
    }
}

fn running(turn: &Turn) -> String {
    let (sign, doing) = match turn.stage {
        Stage::Denoising => ("◐", "still running"),
        Stage::Pausing { .. } => ("◐", "pausing"),
        Stage::Paused => ("‖", "paused"),
        Stage::Stopping { .. } => ("◐", "stopping"),
    };
    let progress = turn
        .progress()
        .map_or_else(String::new, |it| format!("{it} "));
    format!("{sign} {progress}{doing}")
}
