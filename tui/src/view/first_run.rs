use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;
use unmask_core::catalogue::Catalogue;
use unmask_core::checkpoint::{Found, Place, Searched};
use unmask_core::plugin::{BackendRow, State as BackendState};

use super::put_row;
use crate::clean::clean_line;
use crate::row::{Row, Span, cut};
use crate::state::State;
use crate::theme::Role;

/// Cells of the text.
const WIDTH: u16 = 78;
const OPTIONS: [(&str, &str); 3] = [
    ("Choose a folder that holds a model", "/models add PATH"),
    ("Show how to get one (sizes, commands)", "/models get"),
    ("Chat with the demo model (7 M, carried)", "/models demo"),
];

/// What to do without a model, where models were looked for, and which backends there are.
pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let width = WIDTH.min(area.width.saturating_sub(2));
    let x = area.x + (area.width - width) / 2;
    let queued: u16 = match state.queue.len() {
        0 => 0,
        n => u16::try_from(n + 1).unwrap_or(u16::MAX).min(5),
    };
    let room = area.height.saturating_sub(queued);
    let rows = rows(state, usize::from(room), usize::from(width));
    let height = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    // In the middle, a little above it, as far as the queue leaves room.
    let top = area.y + queued + room.saturating_sub(height).div_ceil(3);
    for (row, y) in rows.iter().zip(top..area.bottom()) {
        put_row(buffer, state.look.theme, (x, y), x + width, row);
    }
}

/// As much as fits: what to do comes first.
fn rows(state: &State, room: usize, width: usize) -> Vec<Row> {
    let catalogue = state.machine.catalogue.as_deref();
    let mut head = vec![
        Row::of(" Diffusion chat in your terminal", Role::Accent),
        Row::default(),
    ];
    let searched: Vec<Row> = match catalogue {
        Some(catalogue) => searched(catalogue),
        None => vec![Row::of(looking(state), Role::Quiet), Row::default()],
    };
    let options = options(state, width);
    let backends = catalogue.map_or_else(Vec::new, backends);
    let mut rest = room.saturating_sub(options.len());
    if head.len() > rest {
        return options;
    }
    rest -= head.len();
    if searched.len() <= rest {
        rest -= searched.len();
        head.extend(searched);
    }
    head.extend(options);
    head.extend(backends.into_iter().take(rest));
    head
}

fn looking(state: &State) -> String {
    match &state.machine.trouble {
        Some(why) => format!(" {}", clean_line(why)),
        None => " Looking at this machine…".to_owned(),
    }
}

fn searched(catalogue: &Catalogue) -> Vec<Row> {
    let is_on_disk = |place: &Place| matches!(place, Place::OnDisk { .. });
    let mut surveyed = catalogue.surveyed.iter();
    let title = match surveyed.any(|it| is_on_disk(&it.place)) {
        true => " No model is loaded. unmask looked in:",
        false => " No model on this machine yet. unmask looked in:",
    };
    let mut rows = vec![Row::of(title, Role::Text)];
    let places = catalogue.searched.iter();
    let widest = places.clone().map(|it| clean_line(&it.place).width()).max();
    let widest = widest.unwrap_or(0).min(50);
    rows.extend(places.map(|it| place(it, widest)));
    rows.push(Row::default());
    rows
}

fn place(searched: &Searched, width: usize) -> Row {
    let place = cut(&clean_line(&searched.place), width);
    let gap = " ".repeat(width - place.width() + 3);
    let found = match searched.found {
        Found::NotSet => "not set".to_owned(),
        Found::NoFolder => "no such folder".to_owned(),
        Found::Models(0) => "no model".to_owned(),
        Found::Models(1) => "1 model".to_owned(),
        Found::Models(n) => format!("{n} models"),
    };
    Row::of(format!("   {place}{gap}{found}"), Role::Quiet)
}

fn options(state: &State, width: usize) -> Vec<Row> {
    /// Cells of an option with its sign and of its command.
    const WHOLE: usize = 68;
    let span = |text: String, role| Span { text, role };
    let row = |(at, (what, slash)): (usize, (&str, &str))| {
        let is_chosen = at == state.machine.option;
        let (sign, role) = match is_chosen {
            true => ("▸", Role::Accent),
            false => (" ", Role::Text),
        };
        Row {
            spans: vec![
                span(format!(" {sign} {}  {what:45}", at + 1), role),
                span(
                    if width < WHOLE { "" } else { slash }.to_owned(),
                    Role::Quiet,
                ),
            ],
            from: 0,
        }
    };
    let mut rows: Vec<Row> = OPTIONS.into_iter().enumerate().map(row).collect();
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
    }
}
