//! `unmask backends`: every library that was found, and what can be done with it.

use serde_json::{Value, json};
use unmask::amount::bytes;
use unmask_core::api::Device;
use unmask_core::config::{Config, Environment};
use unmask_core::loader::discover;
use unmask_core::plugin::{BackendRow, BackendState};

use super::signals::Interrupts;
use super::table::table;
use super::{code, print};
use crate::cli::{ListArguments, TableFormat};

pub(super) fn run(
    config: &Config,
    environment: &Environment,
    arguments: &ListArguments,
) -> anyhow::Result<u8> {
    let interrupts = Interrupts::watch_look()?;
    let registry = discover(config, environment);
    interrupts.check("looking for backends")?;
    let text = match arguments.format {
        TableFormat::Text => text(registry.rows()),
        TableFormat::Json => format!(
            "{}\n",
            Value::Array(registry.rows().iter().map(object).collect())
        ),
    };
    print(&text)?;
    Ok(code::DONE)
}

/// The list as a table, with what to do about each row that cannot be used.
pub(super) fn text(rows: &[BackendRow]) -> String {
    if rows.is_empty() {
        return "no backends found; they lie beside the program, in $UNMASK_BACKEND_PATH or where backend_paths says\n"
            .to_owned();
    }
    let heading = [
        "",
        "backend",
        "version",
        "device",
        "memory free",
        "precisions",
        "state",
    ];
    let mut lines = vec![heading.map(str::to_owned).to_vec()];
    let mut remedies = String::new();
    for row in rows {
        let (sign, state, remedy) = match &row.state {
            BackendState::Usable { .. } => ("●", "usable".to_owned(), String::new()),
            BackendState::Unusable { reason, remedy } => ("○", reason.clone(), remedy.clone()),
            BackendState::Broken(reason) => ("✗", reason.clone(), String::new()),
            BackendState::Unapproved { since, .. } => {
                ("○", since.reason().to_owned(), row.how_to_approve())
            }
        };
        let mut line = [sign, &row.name, &row.version].map(str::to_owned).to_vec();
        line.extend(row.devices.first().map_or_else(Default::default, cells));
        line.push(state);
        lines.push(line);
        for other in row.devices.iter().skip(1) {
            let blank = std::iter::repeat_n(String::new(), 3);
            lines.push(blank.chain(cells(other)).collect());
        }
        if !remedy.is_empty() {
            remedies.push_str(&format!("{}: {remedy}\n", row.name));
        }
        if !matches!(row.state, BackendState::Usable { .. }) && !row.path.as_os_str().is_empty() {
            remedies.push_str(&format!("{}: {}\n", row.name, row.path.display()));
        }
        if let BackendState::Unapproved { sha256, .. } = &row.state {
            remedies.push_str(&format!("{}: sha256 {sha256}\n", row.name));
        }
    }
    let mut text = table(&lines);
    if !remedies.is_empty() {
        text.push('\n');
        text.push_str(&remedies);
    }
    text
}

/// Name, memory and precisions.
fn cells(device: &Device) -> [String; 3] {
    [
        format!("{} ({})", device.id, device.name),
        memory(device),
        device.precisions.join(" "),
    ]
}

fn memory(device: &Device) -> String {
    match (device.free_bytes, device.total_bytes) {
        (_, 0) => "?".to_owned(),
        // Some drivers tell nobody who does not compute there.
        (0, total) => format!("? of {}", bytes(total)),
        (free, total) => format!("{} of {}", bytes(free), bytes(total)),
    }
}

fn object(row: &BackendRow) -> Value {
    let approve = row.how_to_approve();
    let (state, reason, remedy) = match &row.state {
        BackendState::Usable { .. } => ("usable", "", ""),
        BackendState::Unusable { reason, remedy } => ("unusable", reason.as_str(), remedy.as_str()),
        BackendState::Broken(reason) => ("broken", reason.as_str(), ""),
        BackendState::Unapproved { since, .. } => ("unapproved", since.reason(), approve.as_str()),
    };
    let sha256 = match &row.state {
        BackendState::Unapproved { sha256, .. } => Some(sha256),
        BackendState::Usable { .. } | BackendState::Unusable { .. } | BackendState::Broken(_) => {
            None
        }
    };
    let devices: Vec<Value> = (row.devices.iter())
        .map(|device| {
            json!({
                "id": device.id,
                "name": device.name,
                "total_bytes": device.total_bytes,
                "free_bytes": device.free_bytes,
                "precisions": device.precisions,
            })
        })
        .collect();
    json!({
        "name": row.name,
        "version": row.version,
        "path": row.path.to_string_lossy(),
        "sha256": sha256,
        "state": state,
        "reason": reason,
        "remedy": remedy,
        "devices": devices,
    })
}
