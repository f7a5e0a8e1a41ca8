//! `unmask models`: what is configured, what is on disk, what it would need.

use serde_json::{Value, json};
use unmask::amount::bytes;
use unmask_core::checkpoint::{Locations, Place, Surveyed};
use unmask_core::config::{Config, Environment, ModelEntry};

use super::table::table;
use super::{code, print};
use crate::cli::{Listing, TableFormat};

pub(super) fn run(
    config: &Config,
    environment: &Environment,
    arguments: &Listing,
) -> anyhow::Result<u8> {
    let surveyed = Locations::new(config, environment).survey(config);
    let entries: Vec<(&ModelEntry, &Surveyed)> = config.models.iter().zip(&surveyed).collect();
    let text = match arguments.format {
        TableFormat::Text => text(config, &entries),
        TableFormat::Json => {
            let object =
                |(entry, surveyed): &(&ModelEntry, &Surveyed)| object(config, entry, surveyed);
            format!("{}\n", Value::Array(entries.iter().map(object).collect()))
        }
    };
    print(&text)?;
    Ok(code::DONE)
}

fn text(config: &Config, entries: &[(&ModelEntry, &Surveyed)]) -> String {
    let heading = ["", "key", "backend", "precision", "needs", "state", "model"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    let mut advice = Vec::new();
    for (entry, surveyed) in entries {
        let active = entry.key == config.active.value;
        rows.push(vec![
            if active { "▸" } else { "" }.to_owned(),
            entry.key.clone(),
            entry.framework.value.clone(),
            precision(entry).to_owned(),
            surveyed
                .need(precision(entry))
                .map_or("?".to_owned(), bytes),
            state(&surveyed.place),
            surveyed.id.to_string(),
        ]);
        if !surveyed.advice.is_empty() {
            advice.push(format!("{}: {}\n", entry.key, surveyed.advice));
        }
    }
    let mut text = table(&rows);
    if !advice.is_empty() {
        text.push('\n');
        text.extend(advice);
    }
    text
}

/// What the entry says; our backends take f32 if it says nothing.
fn precision(entry: &ModelEntry) -> &str {
    entry.precision.value.as_deref().unwrap_or("f32")
}

fn state(place: &Place) -> String {
    match place {
        Place::Builtin { bytes: size } => format!("built in, {}", bytes(*size)),
        Place::OnDisk { bytes: size, .. } => format!("on disk, {}", bytes(*size)),
        Place::Damaged { .. } => "damaged".to_owned(),
        Place::Absent { bytes: Some(size) } => format!("not on disk, {} to fetch", bytes(*size)),
        Place::Absent { bytes: None } => "not on disk".to_owned(),
    }
}

fn object(config: &Config, entry: &ModelEntry, surveyed: &Surveyed) -> Value {
    let (state, folder, size) = match &surveyed.place {
        Place::Builtin { bytes } => ("builtin", None, Some(*bytes)),
        Place::OnDisk { folder, bytes } => ("on_disk", Some(folder), Some(*bytes)),
        Place::Damaged { folder } => ("damaged", Some(folder), None),
        Place::Absent { bytes } => ("absent", None, *bytes),
    };
    let needs: serde_json::Map<String, Value> = (surveyed.needs.iter())
        .map(|need| (need.precision.to_owned(), need.bytes.into()))
        .collect();
    json!({
        "key": entry.key,
        "active": entry.key == config.active.value,
        "model_id": surveyed.id.to_string(),
        "description": entry.description,
        "backend": entry.framework.value,
        "device": entry.device.value,
        "precision": entry.precision.value,
        "state": state,
        "folder": folder,
        "bytes": size,
        "needs_bytes": needs,
        "advice": surveyed.advice,
    })
}
