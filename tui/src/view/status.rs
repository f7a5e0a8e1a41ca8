use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unmask_core::settings::approximation;

use super::{put, put_right};
use crate::action::Command;
use crate::cells::cell_count;
use crate::clean::clean_line;
use crate::geometry::MARGIN;
use crate::hints;
use crate::keymap::Context;
use crate::number;
use crate::row::cut;
use crate::state::{Activity, Settings, State, Turn};
use crate::theme::Role;

/// Hints left, or a word for the user; numbers right.
pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.look.theme;
    let numbers = numbers(state);
    let is_room = usize::from(area.width) > cell_count(&numbers) + 24;
    let word = word(state);
    let right = if is_room && word.as_ref().is_none_or(|word| fits(word, &numbers, area)) {
        put_right(buffer, theme, area, (&numbers, Role::Quiet)).saturating_sub(2)
    } else {
        area.right()
    };
    let x = area.x + MARGIN;
    let cells = usize::from(right.saturating_sub(x));
    match word {
        Some(word) => {
            let word = cut(&word, cells);
            put(buffer, theme, (x, area.y), right, (&word, Role::Warn));
        }
        None => draw_hints(state, (x, area.y), right, buffer),
    }
}

fn fits(word: &str, numbers: &str, area: Rect) -> bool {
    cell_count(word) + cell_count(numbers) + 4 <= usize::from(area.width)
}

fn word(state: &State) -> Option<String> {
    if state.quit_until.is_some() {
        let key = state.keymap.label(&[Context::Anywhere], Command::Interrupt);
        return Some(format!("{} again quits", key.unwrap_or_default()));
    }
    state.notice.as_ref().map(|notice| clean_line(&notice.text))
}

/// Hints, or a word for the user, and nothing else.
pub(super) fn draw_hints_alone(state: &State, area: Rect, buffer: &mut Buffer) {
    let at = (area.x + MARGIN, area.y);
    match word(state) {
        Some(word) => {
            let word = cut(&word, usize::from(area.width.saturating_sub(MARGIN)));
            put(
                buffer,
                state.look.theme,
                at,
                area.right(),
                (&word, Role::Warn),
            );
        }
        None => draw_hints(state, at, area.right(), buffer),
    }
}

/// As many hints as fit, the least useful dropped first.
fn draw_hints(state: &State, (mut x, y): (u16, u16), right: u16, buffer: &mut Buffer) {
    /// A replay has no numbers beside them.
    const OF_REPLAY: usize = 10;
    const OF_CHAT: usize = 5;
    let most = match state.replay {
        Some(_) => OF_REPLAY,
        None => OF_CHAT,
    };
    let theme = state.look.theme;
    for (key, word) in hints::hints(state).into_iter().take(most) {
        let cells = cell_count(&key) + 1 + cell_count(word);
        if usize::from(x) + cells > usize::from(right) {
            return;
        }
        x = put(buffer, theme, (x, y), right, (&key, Role::Text)) + 1;
        x = put(buffer, theme, (x, y), right, (word, Role::Quiet)) + 2;
    }
}

fn numbers(state: &State) -> String {
    match &state.activity {
        Activity::Idle if state.model.is_none() => String::new(),
        Activity::Idle => planned(&state.settings),
        Activity::Loading(load) if load.done == 0 && load.total == 0 => String::new(),
        Activity::Loading(load) => number::share(load.done, load.total),
        Activity::Turn(turn) => running(turn),
    }
}

/// What will run: `128 tok · 64 steps · T 0.0`, with what is approximate and how many pins there are.
fn planned(settings: &Settings) -> String {
    let fit = settings.fit();
    let params = &fit.params;
    let mut parts = vec![format!("{} tok", fit.length)];
    if params.transfer.is_scheduled() {
        parts.push(format!("{} steps", params.steps));
    }
    parts.extend(approximation(params).map(|what| format!("≈ {what}")));
    parts.push(format!("T {:?}", params.temperature));
    match settings.pins.len() {
        0 => (),
        1 => parts.push("1 pin".to_owned()),
        n => parts.push(format!("{n} pins")),
    }
    parts.join(" · ")
}

/// `140 ms/step · 22 NFE · ETA 5.9 s`.
fn running(turn: &Turn) -> String {
    let Some(pace) = turn.time_per_step() else {
        return String::new();
    };
    let left = turn.steps_expected().saturating_sub(turn.step);
    let left = u32::try_from(left).unwrap_or(u32::MAX);
    let eta = number::wait(pace.saturating_mul(left));
    let nfe = number::nfe(turn.nfe, turn.nfe_saved);
    format!("{} · {nfe} · ETA {eta}", number::pace(pace))
}
