use std::collections::HashMap;

use unmask_core::catalogue::ModelChoice;
use unmask_core::checkpoint::{ModelLocation, Surveyed};
use unmask_core::plugin::{BackendRow, BackendState};

use crate::action::{Command, Scroll};
use crate::amount;
use crate::effect::Effect;
use crate::geometry;
use crate::keymap::Context;
use crate::precision::with_reason;
use crate::state::{Info, Overlay, State};

/// Scrolls; the rest is the chat's.
pub(super) fn perform(state: &mut State, command: &Command) -> Option<Vec<Effect>> {
    let page = page(state) as isize;
    match command {
        Command::Up => by(state, -1),
        Command::Down => by(state, 1),
        Command::Scroll(Scroll::PageUp) => by(state, -page),
        Command::Scroll(Scroll::PageDown) => by(state, page),
        Command::Scroll(Scroll::First) => by(state, isize::MIN),
        Command::Scroll(Scroll::Follow) => by(state, isize::MAX),
        _ => return None,
    }
    Some(Vec::new())
}

/// Rows that are seen at once.
fn page(state: &State) -> usize {
    let Some(Overlay::Info(info)) = state.overlays.last() else {
        return 1;
    };
    let (area, _) = geometry::info(state.size, info);
    usize::from(area.height.saturating_sub(2)).max(1)
}

/// Scrolls by `rows`; negative is up.
pub(super) fn by(state: &mut State, rows: isize) {
    let size = state.size;
    if let Some(Overlay::Info(info)) = state.overlays.last_mut() {
        let (area, height) = geometry::info(size, info);
        let last = height.saturating_sub(usize::from(area.height.saturating_sub(2)));
        info.top = info.top.saturating_add_signed(rows).min(last);
    }
}

/// Shows a text under its title.
pub(super) fn open(state: &mut State, title: &str, lines: Vec<String>) {
    state.overlays.push(Overlay::Info(Info {
        title: title.to_owned(),
        lines,
        top: 0,
    }));
}

/// How to get the models that are not on disk.
pub(super) fn get(state: &mut State) {
    let Some(catalogue) = state.machine.catalogue.clone() else {
        return;
    };
    let mut choices: HashMap<&str, Vec<&ModelChoice>> = HashMap::new();
    for choice in &catalogue.choices {
        choices.entry(&choice.key).or_default().push(choice);
    }
    let mut lines = Vec::new();
    for it in catalogue.surveyed.iter().filter(|it| !it.is_ready()) {
        let of_model = choices.get(&*it.key).map_or(&[][..], Vec::as_slice);
        lines.push(format!("{} · {}", it.id, size(it, of_model)));
        lines.push(format!("    {}", it.advice));
        lines.push(String::new());
    }
    if lines.is_empty() {
        lines.push("Every model of the configuration is on this machine.".to_owned());
    } else {
        let places = [Context::Models, Context::List, Context::Overlay];
        let rescan = state.keymap.label(&places, &Command::Rescan);
        let rescan = rescan.map_or_else(String::new, |key| format!("{key} in "));
        lines.push(format!(
            "Then {rescan}the list of models looks again; nothing needs a restart."
        ));
    }
    lines.push("/models add PATH takes a folder that holds another model.".to_owned());
    open(state, "How to get a model", lines);
}

/// `16.0 GB to download; in memory 5.6 GB as q4k`.
fn size(it: &Surveyed, choices: &[&ModelChoice]) -> String {
    let location = match &it.location {
        ModelLocation::Absent { bytes: Some(bytes) } => {
            format!("{} to download", amount::bytes(*bytes))
        }
        ModelLocation::Absent { bytes: None } => "size not known".to_owned(),
        ModelLocation::Damaged { folder } => format!("damaged, in {}", folder.display()),
        ModelLocation::Builtin { .. } | ModelLocation::OnDisk { .. } => "here".to_owned(),
        ModelLocation::Elsewhere => "on another server".to_owned(),
    };
    let needs: Vec<String> = (choices.iter())
        .filter_map(|choice| {
            let bytes = amount::bytes(choice.needs_bytes?);
            Some(format!("{bytes} as {}", choice.precision))
        })
        .collect();
    match needs.is_empty() {
        true => location,
        false => format!("{location}; in memory {}", needs.join(", ")),
    }
}

/// What this machine has and what is wrong with it: what `unmask doctor` says without loading anything.
pub(super) fn doctor(state: &mut State) {
    let mut lines = vec![format!(
        "unmask {} on {}",
        env!("CARGO_PKG_VERSION"),
        state.machine.system
    )];
    let machine = &state.machine;
    if let Some(log) = &machine.log {
        lines.push(format!("log: {log}"));
    }
    if let Some(why) = &machine.trouble {
        lines.push(format!("✗ {why}"));
    }
    if let Some(catalogue) = &machine.catalogue {
        lines.push(format!("configuration: {}", catalogue.source));
        lines.push(format!("active model: {}", catalogue.active));
    }
    lines.extend(running(state));
    if let Some(catalogue) = &state.machine.catalogue {
        lines.push(String::new());
        lines.extend(catalogue.backends.iter().flat_map(backend));
        if catalogue.backends.is_empty() {
            lines.push("✗ no backends were found".to_owned());
        }
    }
    open(state, "Doctor", lines);
}

fn running(state: &State) -> Vec<String> {
    let Some(loaded) = &state.model else {
        return vec!["running model: none".to_owned()];
    };
    let facts = &loaded.facts;
    let mut lines = vec![
        format!(
            "running model: {} on {} {}, {} ({})",
            loaded.name, loaded.backend, loaded.backend_version, loaded.device, loaded.device_name
        ),
        format!(
            "    precision {}, {} in memory, up to {} positions",
            with_reason(&facts.precision, loaded.precision_reason),
            amount::bytes(facts.memory_bytes),
            amount::count(facts.max_positions as usize)
        ),
    ];
    lines.extend(facts.notes.iter().map(|note| format!("    note: {note}")));
    lines
}

fn backend(row: &BackendRow) -> Vec<String> {
    let (sign, word, remedy) = match &row.state {
        BackendState::Usable { .. } => ("●", "usable".to_owned(), String::new()),
        BackendState::Unusable { reason, remedy } => ("○", reason.clone(), remedy.clone()),
        BackendState::Broken(reason) => ("✗", reason.clone(), String::new()),
        BackendState::Unapproved { sha256, since } => {
            let remedy = format!("{}; sha256 {sha256}", row.how_to_approve());
            ("○", since.reason().to_owned(), remedy)
        }
    };
    let mut lines = vec![format!("{sign} {} {} · {word}", row.name, row.version)];
    if !remedy.is_empty() {
        lines.push(format!("    {remedy}"));
    }
    for device in &row.devices {
        let memory = match (device.free_bytes, device.total_bytes) {
            (_, 0) => String::new(),
            // Some drivers tell nobody who does not compute there.
            (0, total) => format!(" · {}", amount::bytes(total)),
            (free, total) => {
                format!(
                    " · {} of {} free",
                    amount::bytes(free),
                    amount::bytes(total)
                )
            }
        };
        let precisions = device.precisions.join(" ");
        lines.push(format!(
            "    {} ({}){memory} · {precisions}",
            device.id, device.name
        ));
    }
    if !row.path.as_os_str().is_empty() {
        lines.push(format!("    {}", row.path.display()));
    }
    lines
}
