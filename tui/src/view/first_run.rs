use ratatui::buffer::Buffer;
use unmask_core::catalogue::Catalogue;
use unmask_core::checkpoint::{ModelLocation, SearchOutcome, Searched};
use unmask_core::plugin::{BackendRow, BackendState};

use super::put_row;
use crate::amount::counted;
use crate::cells::cell_count;
use crate::clean::clean_line;
use crate::geometry::{self, FirstRun, OPTIONS};
use crate::row::{Row, Span, cut};
use crate::state::State;
use crate::theme::Role;

const WORDS: [(&str, &str); OPTIONS] = [
    ("Choose a folder that holds a model", "/models add PATH"),
    ("Show how to get one (sizes, commands)", "/models get"),
    ("Chat with the demo model (7 M, carried)", "/models demo"),
];

/// What to do without a model, where models were looked for, and which backends there are.
pub(super) fn draw(state: &State, buffer: &mut Buffer) {
    let parts = geometry::first_run(state);
    let area = parts.area;
    let rows = rows(state, &parts);
    for (row, y) in rows.iter().zip(area.y..area.bottom()) {
        put_row(buffer, state.look.theme, (area.x, y), area.right(), row);
    }
}

fn rows(state: &State, parts: &FirstRun) -> Vec<Row> {
    let catalogue = state.machine.catalogue.as_deref();
    let mut rows = Vec::new();
    if parts.heading {
        rows.push(Row::of(" Diffusion chat in your terminal", Role::Accent));
        rows.push(Row::default());
    }
    match catalogue.filter(|_| parts.searched) {
        Some(catalogue) => rows.extend(searched(catalogue)),
        None if parts.searched => {
            rows.extend([Row::of(looking(state), Role::Quiet), Row::default()]);
        }
        None => (),
    }
    rows.extend(options(state, usize::from(parts.area.width)));
    let backends = catalogue.map_or_else(Vec::new, backends);
    rows.extend(backends.into_iter().take(usize::from(parts.backends)));
    rows
}

fn looking(state: &State) -> String {
    match &state.machine.trouble {
        Some(why) => format!(" {}", clean_line(why)),
        None => " Looking at this machine…".to_owned(),
    }
}

fn searched(catalogue: &Catalogue) -> Vec<Row> {
    let is_on_disk = |location: &ModelLocation| matches!(location, ModelLocation::OnDisk { .. });
    let mut surveyed = catalogue.surveyed.iter();
    let title = match surveyed.any(|it| is_on_disk(&it.location)) {
        true => " No model is loaded. unmask looked in:",
        false => " No model on this machine yet. unmask looked in:",
    };
    let mut rows = vec![Row::of(title, Role::Text)];
    let places = catalogue.searched.iter();
    let widest = places
        .clone()
        .map(|it| cell_count(&clean_line(&it.place)))
        .max();
    let widest = widest.unwrap_or(0).min(50);
    rows.extend(places.map(|it| place(it, widest)));
    rows.push(Row::default());
    rows
}

fn place(searched: &Searched, width: usize) -> Row {
    let place = cut(&clean_line(&searched.place), width);
    let gap = " ".repeat(width - cell_count(&place) + 3);
    let found = match searched.found {
        SearchOutcome::NotSet => "not set".to_owned(),
        SearchOutcome::NoFolder => "no such folder".to_owned(),
        SearchOutcome::Models(0) => "no model".to_owned(),
        SearchOutcome::Models(n) => counted(n, "model"),
    };
    Row::of(format!("   {place}{gap}{found}"), Role::Quiet)
}

fn options(state: &State, width: usize) -> Vec<Row> {
    /// Cells of an option with its sign and of its command.
    const WHOLE: usize = 68;
    /// Cells of its sign and number.
    const SIGN: usize = 6;
    let span = |text: String, role| Span { text, role };
    let row = |(at, (what, slash)): (usize, (&str, &str))| {
        let is_chosen = at == state.machine.option;
        let (sign, role) = match is_chosen {
            true => ("▸", Role::Accent),
            false => (" ", Role::Text),
        };
        let what = cut(what, width.saturating_sub(SIGN));
        Row {
            spans: vec![
                span(format!(" {sign} {}  {what:45}", at + 1), role),
                span(
                    if width < WHOLE { "" } else { slash }.to_owned(),
                    Role::Quiet,
                ),
            ],
            from: 0,
            ..Row::default()
        }
    };
    let mut rows: Vec<Row> = WORDS.into_iter().enumerate().map(row).collect();
    rows.push(Row::default());
    rows
}

fn backends(catalogue: &Catalogue) -> Vec<Row> {
    let title = match catalogue.backends.is_empty() {
        true => " No backend was found: they lie beside the program, or where backend_paths says",
        false => " Backends found on this machine",
    };
    let rows = catalogue.backends.iter().map(backend);
    std::iter::once(Row::of(title, Role::Text))
        .chain(rows)
        .collect()
}

fn backend(row: &BackendRow) -> Row {
    let (sign, words, role) = match &row.state {
        BackendState::Usable { .. } => {
            let devices = row.devices.iter().map(|device| device.name.as_str());
            ("●", devices.collect::<Vec<_>>().join(", "), Role::Fine)
        }
        BackendState::Unusable { reason, .. } => ("○", reason.clone(), Role::Quiet),
        BackendState::Broken(reason) => ("✗", reason.clone(), Role::Quiet),
        BackendState::Unapproved { since, .. } => ("○", since.reason().to_owned(), Role::Quiet),
    };
    let span = |text: String, role| Span { text, role };
    Row {
        spans: vec![
            span(format!("   {sign} "), role),
            span(format!("{:12} ", clean_line(&row.name)), Role::Text),
            span(clean_line(&words), Role::Quiet),
        ],
        from: 0,
        ..Row::default()
    }
}
