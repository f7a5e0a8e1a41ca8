use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::put_row;
use crate::action::Command;
use crate::cells::cell_count;
use crate::clean::clean_line;
use crate::geometry::{Areas, INDENT};
use crate::keymap::Context;
use crate::layout::{LayoutOptions, moment_rows};
use crate::row::{Row, Span, cut};
use crate::state::{Ghosts, Motion, PROMPTS, State, Welcome};
use crate::theme::Role;

/// Cells of it at the most.
const WIDTH: u16 = 72;

/// Cells between the ways on.
const BETWEEN: &str = "     ";

/// A recorded answer that is unmasked, what may be asked, and what answers.
pub(super) fn draw(state: &State, welcome: &Welcome, buffer: &mut Buffer) {
    let area = Areas::of(state).transcript;
    let width = area.width.saturating_sub(2 * INDENT).min(WIDTH);
    let canvas = canvas(state, welcome, width);
    let words = words(state, usize::from(width));
    let height = canvas.len() + words.len() + 2;
    // What may be asked is worth more than what is seen.
    let rows: Vec<Row> = match height <= usize::from(area.height) {
        true => canvas
            .into_iter()
            .chain([Row::default(), Row::default()])
            .chain(words)
            .collect(),
        false => words,
    };
    let height = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    let x = area.x + (area.width - width) / 2;
    let y = area.y + area.height.saturating_sub(height) / 3;
    let place = Rect::new(x, y, width, height).intersection(area);
    for (row, y) in rows.iter().zip(place.y..place.bottom()) {
        put_row(buffer, state.look.theme, (place.x, y), place.right(), row);
    }
}

/// The answer as it is now, as tall as it will be.
fn canvas(state: &State, welcome: &Welcome, width: u16) -> Vec<Row> {
    let options = LayoutOptions {
        ghosts: Ghosts::Hidden,
        ..LayoutOptions::of(state, width)
    };
    let turn = &welcome.turn;
    let all = turn.log().entries.len();
    let shown = match state.motion {
        Motion::Full => welcome.shown(state.now.since_start),
        Motion::Reduced => all,
    };
    let tallest = (0..=all).map(|at| moment_rows(turn, at, options).len());
    let height = tallest.max().unwrap_or(0);
    let mut rows = moment_rows(turn, shown, options);
    rows.resize(height, Row::default());
    rows
}

fn words(state: &State, cells: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = PROMPTS
        .iter()
        .enumerate()
        .map(|(at, prompt)| {
            spans(&[
                (&format!("{}", at + 1), Role::Accent),
                ("  ", Role::Text),
                (prompt, Role::Text),
            ])
        })
        .collect();
    let places = [Context::Welcome, Context::Empty, Context::Composer];
    let edit = state.keymap.label(&places, &Command::Choose);
    let edit = edit.map_or_else(String::new, |key| format!(" · {key} edits first"));
    rows.push(quiet(format!("   a number asks{edit}")));
    rows.push(Row::default());
    rows.extend(who_answers(state).map(|who| quiet(cut(&who, cells))));
    let models = state.keymap.menu_keys(&Command::Models);
    let help = state.keymap.label(&places, &Command::Help);
    let carried = state.model.as_ref().map(|it| it.provenance.is_carried);
    let what = match carried {
        // The list fetches them too.
        Some(true) => "get a real one",
        Some(false) | None => "all models",
    };
    let mut ways = vec![format!("{what}  {models}")];
    ways.extend(help.map(|key| format!("keys  {key}")));
    if !state.settings.delay.is_zero() {
        let keys = state.keymap.menu_keys(&Command::FullSpeed);
        ways.push(format!("full speed  {keys}"));
    }
    while ways.len() > 1 && cell_count(&ways.join(BETWEEN)) > cells {
        ways.pop();
    }
    rows.push(quiet(ways.join(BETWEEN)));
    rows
}

/// What answers, in a line.
fn who_answers(state: &State) -> Option<String> {
    let loaded = state.model.as_ref()?;
    if loaded.provenance.is_carried {
        return Some("7 million parameters, carried by this program".to_owned());
    }
    let device = match loaded.device_name.is_empty() {
        true => &loaded.device,
        false => &loaded.device_name,
    };
    let parts = [
        &loaded.name,
        &loaded.backend,
        &loaded.facts.precision,
        device,
    ];
    Some(parts.map(|part| clean_line(part)).join(" · "))
}

fn quiet(text: String) -> Row {
    Row::of(text, Role::Quiet)
}

fn spans(spans: &[(&str, Role)]) -> Row {
    let span = |&(text, role): &(&str, Role)| Span {
        text: text.to_owned(),
        role,
    };
    Row {
        spans: spans.iter().map(span).collect(),
        ..Row::default()
    }
}
