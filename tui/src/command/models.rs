//! `unmask models`: what is configured, what is on disk, what it would need.

use std::collections::HashMap;

use serde_json::{Value, json};
use unmask::amount::bytes;
use unmask::precision::{why, with_reason};
use unmask_core::catalogue::{Catalogue, ModelChoice, Readiness};
use unmask_core::checkpoint::{ActiveExperts, ModelLocation, Surveyed, families};
use unmask_core::config::{Config, Environment, ModelEntry, Origin};
use unmask_core::loader::discover;

use super::signals::Interrupts;
use super::table::table;
use super::{Usage, code, print};
use crate::cli::{ListArguments, TableFormat};

pub(super) fn run(
    config: &Config,
    environment: &Environment,
    arguments: &ListArguments,
) -> anyhow::Result<u8> {
    let interrupts = Interrupts::watch_look()?;
    let registry = discover(config, environment);
    interrupts.check("looking for backends")?;
    let catalogue = Catalogue::of(config, environment, &registry);
    interrupts.check("looking for models")?;
    if let Some(refusal) = refusal(config, &catalogue) {
        return Err(refusal.into());
    }
    let mut choices: HashMap<&str, Vec<&ModelChoice>> = HashMap::new();
    for choice in &catalogue.choices {
        choices.entry(&choice.key).or_default().push(choice);
    }
    let listed: Vec<Listed<'_>> = (config.models.iter().zip(&catalogue.surveyed))
        .map(|(entry, surveyed)| {
            let choices = choices.get(&*entry.key).map_or(&[][..], Vec::as_slice);
            Listed::new(entry, surveyed, choices)
        })
        .collect();
    let text = match arguments.format {
        TableFormat::Text => text(config, &listed),
        TableFormat::Json => {
            let objects = listed.iter().map(|it| object(config, it));
            format!("{}\n", Value::Array(objects.collect()))
        }
    };
    print(&text)?;
    Ok(code::DONE)
}

/// Why a backend, device or precision that a flag asks of every model is there for none of those that could be loaded.
fn refusal(config: &Config, catalogue: &Catalogue) -> Option<Usage> {
    let is_asked = |entry: &&ModelEntry| {
        let origins = [
            &entry.framework.origin,
            &entry.device.origin,
            &entry.precision.origin,
        ];
        origins.iter().any(|it| matches!(it, Origin::Flag(_)))
    };
    let asked = config.models.iter().filter(is_asked);
    let mut reasons = Vec::new();
    for choice in asked.filter_map(|entry| catalogue.own(&entry.key)) {
        match &choice.readiness {
            Readiness::Carried | Readiness::Ready => return None,
            Readiness::Refused(reason) => reasons.push(format!("{}: {reason}", choice.key)),
            Readiness::NotOnDisk(_) | Readiness::Damaged(_) => (),
        }
    }
    let first = reasons.into_iter().next()?;
    Some(Usage(first))
}

/// An entry of the configuration, with what its own backend says.
struct Listed<'a> {
    entry: &'a ModelEntry,
    surveyed: &'a Surveyed,
    /// On the entry's backend; the first is what the entry means.
    choices: Vec<&'a ModelChoice>,
}

impl<'a> Listed<'a> {
    fn new(entry: &'a ModelEntry, surveyed: &'a Surveyed, choices: &[&'a ModelChoice]) -> Self {
        let own = |it: &&ModelChoice| it.framework == entry.framework.value;
        Self {
            entry,
            surveyed,
            choices: choices.iter().copied().filter(own).collect(),
        }
    }
}

fn text(config: &Config, listed: &[Listed<'_>]) -> String {
    let heading = ["", "key", "backend", "precision", "needs", "state", "model"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    let (mut headings, mut advice) = (Vec::new(), Vec::new());
    for (family, members) in by_family(listed) {
        headings.push((rows.len(), family));
        for it in members {
            rows.push(row(config, it));
            let Surveyed {
                key, advice: how, ..
            } = it.surveyed;
            if !how.is_empty() {
                advice.push(format!("{key}: {how}\n"));
            }
        }
    }
    let mut lines: Vec<String> = table(&rows).lines().map(str::to_owned).collect();
    // From the last on, so that the numbers of lines stay right; beside the columns, which they would widen.
    for (line, family) in headings.into_iter().rev() {
        lines.insert(line, family);
    }
    let mut text = lines.join("\n") + "\n";
    if !advice.is_empty() {
        text.push('\n');
        text.extend(advice);
    }
    text
}

/// The entries by family, in the order in which the families come, with what tells of one; those of no known family last.
fn by_family<'a, 'b>(listed: &'b [Listed<'a>]) -> Vec<(String, Vec<&'b Listed<'a>>)> {
    let family = |it: &Listed<'_>| it.surveyed.kind.family;
    let group = |name: Option<&str>| {
        let members: Vec<_> = listed.iter().filter(|it| family(it) == name).collect();
        let mut kinds = members.iter().map(|it| it.surveyed.kind.experts);
        let first = kinds.next().flatten();
        let shared = first.filter(|first| kinds.all(|it| it == Some(*first)));
        let heading = match shared {
            Some(ActiveExperts { active, all }) => {
                format!(
                    "{}: {active} of {all} experts compute for a token",
                    name.unwrap_or_default()
                )
            }
            None => name
                .unwrap_or("of a family that its files will tell")
                .to_owned(),
        };
        (heading, members)
    };
    let names = families(listed.iter().map(|it| it.surveyed));
    names.into_iter().map(group).collect()
}

fn row(config: &Config, listed: &Listed<'_>) -> Vec<String> {
    let Listed {
        entry,
        surveyed,
        choices,
    } = listed;
    let own = choices.first();
    let active = entry.key == config.active.value;
    let others = others(listed);
    vec![
        if active { "▸" } else { "" }.to_owned(),
        entry.key.clone(),
        entry.framework.value.clone(),
        own.map_or(String::new(), |choice| {
            with_reason(&choice.precision, choice.precision_reason)
        }),
        (own.and_then(|choice| choice.needs_bytes)).map_or("?".to_owned(), bytes),
        state(&surveyed.location),
        match others.is_empty() {
            true => surveyed.id.to_string(),
            false => format!("{} · also {others}", surveyed.id),
        },
    ]
}

/// The other precisions of the entry's own device, with what they need.
fn others(listed: &Listed<'_>) -> String {
    let Some((own, rest)) = listed.choices.split_first() else {
        return String::new();
    };
    let there = rest.iter().filter(|it| it.device == own.device);
    let told = there.filter_map(|it| Some(format!("{} {}", it.precision, bytes(it.needs_bytes?))));
    told.collect::<Vec<_>>().join(", ")
}

fn state(location: &ModelLocation) -> String {
    match location {
        ModelLocation::Builtin { bytes: size } => format!("built in, {}", bytes(*size)),
        ModelLocation::OnDisk { bytes: size, .. } => format!("on disk, {}", bytes(*size)),
        ModelLocation::Damaged { .. } => "damaged".to_owned(),
        ModelLocation::Absent { bytes: Some(size) } => {
            format!("not on disk, {} to fetch", bytes(*size))
        }
        ModelLocation::Absent { bytes: None } => "not on disk".to_owned(),
        ModelLocation::Elsewhere => "on another server".to_owned(),
    }
}

fn object(config: &Config, listed: &Listed<'_>) -> Value {
    let Listed {
        entry,
        surveyed,
        choices,
    } = listed;
    let (state, folder, size) = match &surveyed.location {
        ModelLocation::Builtin { bytes } => ("builtin", None, Some(*bytes)),
        ModelLocation::OnDisk { folder, bytes } => ("on_disk", Some(folder), Some(*bytes)),
        ModelLocation::Damaged { folder } => ("damaged", Some(folder), None),
        ModelLocation::Absent { bytes } => ("absent", None, *bytes),
        ModelLocation::Elsewhere => ("elsewhere", None, None),
    };
    let needs: serde_json::Map<String, Value> = (choices.iter())
        .filter_map(|it| Some((it.precision.clone(), it.needs_bytes?.into())))
        .collect();
    let own = choices.first();
    json!({
        "key": entry.key,
        "active": entry.key == config.active.value,
        "model_id": surveyed.id.to_string(),
        "description": entry.description,
        "family": surveyed.kind.family,
        "active_experts": surveyed.kind.experts.map(|it| it.active),
        "experts": surveyed.kind.experts.map(|it| it.all),
        "backend": entry.framework.value,
        "device": entry.device.value,
        "precision": entry.precision.value,
        "chosen_precision": own.filter(|it| !it.precision.is_empty()).map(|it| &it.precision),
        "precision_reason": own.and_then(|it| why(it.precision_reason)),
        "state": state,
        "folder": folder,
        "bytes": size,
        "needs_bytes": needs,
        "advice": surveyed.advice,
    })
}
