use ratatui::Frame;

use super::put;
use crate::hints;
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
    for (line, y) in lines.into_iter().zip(0..rows) {
        put(
            frame.buffer_mut(),
            theme,
            (1.min(columns), y),
            columns,
            line,
        );
    }
}

fn running(turn: &Turn) -> String {
    let (sign, doing) = match turn.stage {
        Stage::Denoising => ("◐", "still running"),
        Stage::Pausing { .. } => ("◐", "pausing"),
        Stage::Paused => ("‖", "paused"),
        Stage::Stopping { .. } => ("◐", "stopping"),
    };
    format!("{sign} {} {doing}", turn.progress())
}
