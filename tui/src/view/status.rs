use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unmask_core::engine::Loaded;
use unmask_core::params::Growth;
use unmask_core::settings::approximation;

use super::plan::Expected;
use super::{put, put_right};
use crate::action::Command;
use crate::amount::counted;
use crate::cells::cell_count;
use crate::clean::clean_line;
use crate::geometry::INDENT;
use crate::hints;
use crate::keymap::Context;
use crate::number;
use crate::row::cut;
use crate::state::{Activity, State, Turn};
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
    let x = area.x + INDENT;
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
        let key = state
            .keymap
            .label(&[Context::Anywhere], &Command::Interrupt);
        return Some(format!("{} again quits", key.unwrap_or_default()));
    }
    match &state.notice {
        Some(notice) => Some(clean_line(&notice.text)),
        None => awaited(state),
    }
}

/// What the user has asked for and nobody has done yet.
fn awaited(state: &State) -> Option<String> {
    match (&state.machine.wanted, state.exporting) {
        (Some(_), _) => Some("Looking at this machine…".to_owned()),
        (None, 0) => None,
        (None, 1) => Some("Writing a file…".to_owned()),
        (None, n) => Some(format!("Writing {n} files…")),
    }
}

/// Hints, or a word for the user, and nothing else.
pub(super) fn draw_hints_alone(state: &State, area: Rect, buffer: &mut Buffer) {
    let at = (area.x + INDENT, area.y);
    match word(state) {
        Some(word) => {
            let word = cut(&word, usize::from(area.width.saturating_sub(INDENT)));
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
    let most = match state.replay.is_some() || state.compare.is_some() {
        true => OF_REPLAY,
        false => OF_CHAT,
    };
    let theme = state.look.theme;
    let mut hints = hints::hints(state);
    hints.truncate(most);
    let cells = |hints: &[(String, &str)]| {
        let each = hints
            .iter()
            .map(|(key, word)| cell_count(key) + cell_count(word) + 3);
        each.sum::<usize>().saturating_sub(2)
    };
    // The way to the menu leads to everything else: it goes last.
    let menu = hints::menu(state);
    while cells(&hints) > usize::from(right.saturating_sub(x)) && hints.len() > 1 {
        let last = hints.iter().rposition(|hint| Some(hint) != menu.as_ref());
        hints.remove(last.unwrap_or(0));
    }
    for (key, word) in hints {
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
        Activity::Idle => state
            .machine
            .fetched()
            .unwrap_or_else(|| match &state.model {
                Some(loaded) => planned(state, loaded),
                None => String::new(),
            }),
        Activity::Loading(load) if load.done == 0 && load.total == 0 => String::new(),
        Activity::Loading(load) => number::share(load.done, load.total),
        Activity::Turn(turn) => running(turn),
    }
}

/// What will run: `fast · about 12 forwards ≈ 0.3 s`, with what is approximate and how many pins there are. How long the most
/// that there can be would take is left out: it is many times what an answer takes.
fn planned(state: &State, loaded: &Loaded) -> String {
    let settings = &state.settings;
    let fit = settings.fit();
    let params = &fit.params;
    let mut parts = Vec::new();
    // How another server denoises, and at what cost, is not known.
    let is_known = !loaded.text_alone;
    match settings.speed().filter(|_| is_known) {
        Some(speed) => parts.push(speed.name().to_owned()),
        None if is_known => parts.extend(approximation(params)),
        None => parts.push(format!("≤ {}", counted(settings.length, "token"))),
    }
    if is_known && params.growth == Growth::Fixed {
        let takes = |n: usize| {
            let forward = state.forward?;
            // Guidance is two rows in one forward.
            let rows = if params.cfg_scale > 0.0 { 2 } else { 1 };
            let all = u32::try_from(n).unwrap_or(u32::MAX).saturating_mul(rows);
            Some(format!(" ≈ {}", number::wait(forward.saturating_mul(all))))
        };
        parts.push(match Expected::of(settings, &fit) {
            Expected::Planned(n) => counted(n, "forward") + &takes(n).unwrap_or_default(),
            Expected::About(n) => {
                format!("about {}", counted(n, "forward")) + &takes(n).unwrap_or_default()
            }
            Expected::AtMost(n) => format!("≤ {}", counted(n, "forward")),
        });
    }
    if params.temperature > 0.0 {
        parts.push(format!("T {:?}", params.temperature));
    }
    match settings.pins.len() {
        0 => (),
        _ if !is_known => (),
        1 => parts.push("1 pin".to_owned()),
        n => parts.push(format!("{n} pins")),
    }
    parts.join(" · ")
}

/// `14.3 tok/s · 140 ms/step`, if there are steps and tokens to be counted.
fn running(turn: &Turn) -> String {
    let pace = turn.time_per_step();
    let Some(pace) = pace.filter(|_| !turn.loaded.text_alone) else {
        return String::new();
    };
    let rate = number::rate(turn.unmasked(), turn.elapsed);
    let parts = rate.into_iter().chain([number::pace(pace)]);
    parts.collect::<Vec<_>>().join(" · ")
}
