use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unmask_core::plugin::Running;

use super::{put, put_right};
use crate::cells::cell_count;
use crate::clean::clean_line;
use crate::number;
use crate::row::cut;
use crate::state::{Activity, Cancellation, GetStep, Getting, Load, Stage, State, Turn};
use crate::theme::Role;

/// A load that has told nothing for this long says so.
const SILENT: Duration = Duration::from_secs(30);
/// Below this the model is not named.
const NARROW: u16 = 60;
/// Cells of the title that the model's name gives way to.
const TITLE: usize = 12;
/// Cells of `unmask` with the margins and gaps beside it and the title.
const AROUND: usize = 12;

/// Title left; model and state right.
pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.look.theme;
    let (what, role) = what_now(state);
    let room = usize::from(area.width);
    let title = clean_line(&state.title);
    let word = state.saved.word().unwrap_or_default();
    let word_with_gap = match word {
        "" => 0,
        word => cell_count(word) + 2,
    };
    let room = room.saturating_sub(AROUND + word_with_gap);
    let right = right_side(state, &what, room, cell_count(&title).min(TITLE));
    let start = put_right(buffer, theme, area, (&right, Role::Quiet));
    let sign = right.len() - what.len();
    let sign_at = start + cells(&right[..sign]);
    put(
        buffer,
        theme,
        (sign_at, area.y),
        area.right(),
        (&what, role),
    );
    let left = put(buffer, theme, (1, area.y), start, ("unmask", Role::Strong)) + 2;
    let left = match word {
        "" => left,
        word => put(buffer, theme, (left, area.y), start, (word, Role::Warn)) + 2,
    };
    let title = cut(&title, usize::from(start.saturating_sub(left + 2)));
    put(buffer, theme, (left, area.y), start, (&title, Role::Text));
}

fn cells(text: &str) -> u16 {
    u16::try_from(cell_count(text)).unwrap_or(u16::MAX)
}

/// As much of the model's identity as leaves room for the title, then what happens now.
fn right_side(state: &State, what: &str, room: usize, title: usize) -> String {
    let parts = identity(state);
    let most = if state.size.columns < NARROW {
        0
    } else {
        parts.len()
    };
    for kept in (1..=most).rev() {
        let right = format!("{}  {what}", parts[..kept].join(" · "));
        if cell_count(&right) + title <= room {
            return right;
        }
    }
    what.to_owned()
}

fn identity(state: &State) -> Vec<String> {
    if let Activity::Loading(load) = &state.activity {
        return vec![load.key.clone()];
    }
    let Some(loaded) = &state.model else {
        return Vec::new();
    };
    let backend = match loaded.running {
        Running::Here => loaded.backend.clone(),
        Running::Alone => format!("{} isolated", loaded.backend),
    };
    [&loaded.name, &backend, &loaded.facts.precision]
        .into_iter()
        .map(|part| clean_line(part))
        .collect()
}

/// What happens now: a sign and words.
pub(super) fn what_now(state: &State) -> (String, Role) {
    let getting = state.machine.getting.as_ref();
    if let (Activity::Idle, Some(getting)) = (&state.activity, getting) {
        return (way(getting), Role::Warn);
    }
    match &state.activity {
        Activity::Idle if state.model.is_none() => ("○ no model".to_owned(), Role::Warn),
        Activity::Idle => ("● ready".to_owned(), Role::Fine),
        Activity::Loading(load) => (loading(load, state.now.since_start), Role::Warn),
        Activity::Turn(turn) => running(turn, state.now.since_start),
    }
}

/// How far a model of the hub is on its way.
fn way(getting: &Getting) -> String {
    match (getting.cancellation, getting.step) {
        (Cancellation::Requested, _) => "◐ stopping the fetch".to_owned(),
        (Cancellation::NotRequested, GetStep::Fetching { done, total }) => {
            match done.saturating_mul(100).checked_div(total) {
                Some(percent) => format!("◐ fetching {percent}%"),
                None => "◐ fetching".to_owned(),
            }
        }
        (Cancellation::NotRequested, GetStep::Looking) => "◐ asking the hub".to_owned(),
    }
}

fn loading(load: &Load, now: Duration) -> String {
    let silence = now.saturating_sub(load.progress_at);
    match load.cancellation {
        Cancellation::Requested => return "◐ stopping the load".to_owned(),
        Cancellation::NotRequested if silence >= SILENT => {
            return format!("◐ {} · silent for {} s", load.stage, silence.as_secs());
        }
        Cancellation::NotRequested => (),
    }
    match load.done.saturating_mul(100).checked_div(load.total) {
        Some(percent) => format!("◐ {} {percent}%", load.stage),
        None => format!("◐ {}", load.stage),
    }
}

fn running(turn: &Turn, now: Duration) -> (String, Role) {
    match (turn.stage, turn.progress()) {
        (Stage::Denoising, _) if turn.steps == 0 => ("◐ starting".to_owned(), Role::Accent),
        (Stage::Denoising, Some(progress)) => (format!("◐ step {progress}"), Role::Accent),
        (Stage::Denoising, None) => ("◐ answering".to_owned(), Role::Accent),
        (Stage::Paused, progress) => {
            let progress = progress.map_or_else(String::new, |it| format!(" {it}"));
            (format!("‖ paused{progress}"), Role::Warn)
        }
        (Stage::Pausing { since } | Stage::Stopping { since }, progress) => {
            let waited = number::wait(now.saturating_sub(since));
            let step = progress.map_or_else(String::new, |_| format!(" step {}", turn.step + 1));
            (format!("◐ finishing{step} · {waited}"), Role::Warn)
        }
    }
}
