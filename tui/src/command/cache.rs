//! `unmask cache`: what is kept so that it need not be made or fetched again.

use std::time::Duration;

use serde_json::{Value, json};
use unmask::amount::bytes;
use unmask_core::config::Environment;
use unmask_core::kept::{Kept, KeptKind, RemoveError, list, remove};

use super::table::table;
use super::{Usage, code, print, print_note};
use crate::cli::{CacheAction, CacheRmArguments, TableFormat};

pub(super) fn run(environment: &Environment, what: &CacheAction) -> anyhow::Result<u8> {
    let folders = environment.folders.as_ref().ok_or_else(|| {
        Usage("there is no folder for what is kept: this account has no home".to_owned())
    })?;
    let all = list(&folders.cache.join("unmask"));
    match what {
        CacheAction::Ls(arguments) => {
            print(&match arguments.format {
                TableFormat::Text => text(&all, environment),
                TableFormat::Json => {
                    let objects = all.iter().map(object).collect();
                    format!("{}\n", Value::Array(objects))
                }
            })?;
            Ok(code::DONE)
        }
        CacheAction::Rm(arguments) => remove_all(&chosen(&all, arguments)?),
    }
}

fn text(all: &[Kept], environment: &Environment) -> String {
    if all.is_empty() {
        return "nothing is kept\n".to_owned();
    }
    let heading = ["name", "size", "written", "state", "what"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(all.iter().map(|kept| {
        vec![
            kept.name.clone(),
            bytes(kept.bytes),
            kept.age.map_or("?".to_owned(), ago),
            state(kept).to_owned(),
            described(kept, environment),
        ]
    }));
    let total = all.iter().map(|kept| kept.bytes).sum();
    format!("{}\n{} in all\n", table(&rows), bytes(total))
}

fn state(kept: &Kept) -> &'static str {
    match kept.in_use {
        true => "in use",
        false => "free",
    }
}

/// What it is, of which model.
fn described(kept: &Kept, environment: &Environment) -> String {
    match &kept.kind {
        KeptKind::Weights {
            backend,
            precision,
            model,
        } => {
            let of = match model.as_str() {
                "" => String::new(),
                model => format!(" of {}", environment.short(model.as_ref())),
            };
            format!("{backend} {precision}{of}")
        }
        KeptKind::Demo { is_current: true } => "demo model".to_owned(),
        KeptKind::Demo { is_current: false } => "demo model of another version".to_owned(),
        KeptKind::Download => "download".to_owned(),
    }
}

fn ago(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    match minutes {
        0 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..2880 => format!("{} h ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1440),
    }
}

fn object(kept: &Kept) -> Value {
    let (kind, backend, precision, model) = match &kept.kind {
        KeptKind::Weights {
            backend,
            precision,
            model,
        } => ("weights", Some(backend), Some(precision), Some(model)),
        KeptKind::Demo { .. } => ("demo", None, None, None),
        KeptKind::Download => ("download", None, None, None),
    };
    json!({
        "name": kept.name,
        "path": kept.path,
        "kind": kind,
        "backend": backend,
        "precision": precision,
        "model": model.filter(|model| !model.is_empty()),
        "bytes": kept.bytes,
        "age_seconds": kept.age.map(|age| age.as_secs()),
        "state": state(kept),
    })
}

/// What is to be removed: all, or what each name means.
fn chosen<'a>(all: &'a [Kept], arguments: &CacheRmArguments) -> Result<Vec<&'a Kept>, Usage> {
    if arguments.all {
        return Ok(all.iter().filter(|kept| !kept.in_use).collect());
    }
    let mut chosen: Vec<&Kept> = Vec::new();
    for name in &arguments.names {
        let exact = all.iter().find(|kept| kept.name == *name);
        let begins = |kept: &&Kept| !name.is_empty() && kept.name.starts_with(name.as_str());
        let beginning: Vec<&Kept> = all.iter().filter(begins).collect();
        let kept = match (exact, &beginning[..]) {
            (Some(kept), _) | (None, &[kept]) => kept,
            (None, []) => {
                let text = format!("nothing that is kept is called {name}; see `unmask cache ls`");
                return Err(Usage(text));
            }
            (None, several) => {
                let names = several.iter().map(|kept| kept.name.as_str());
                let names = names.collect::<Vec<_>>().join(", ");
                return Err(Usage(format!("{name} may be {names}; write more of it")));
            }
        };
        if !chosen.contains(&kept) {
            chosen.push(kept);
        }
    }
    Ok(chosen)
}

/// Removes each; what cannot be removed is told, and the rest goes on.
fn remove_all(chosen: &[&Kept]) -> anyhow::Result<u8> {
    let mut worst = code::DONE;
    for kept in chosen {
        match remove(kept) {
            Ok(()) => print(&format!("removed {} ({})\n", kept.name, bytes(kept.bytes)))?,
            Err(error) => {
                worst = match error {
                    RemoveError::InUse(_) => worst.max(code::USAGE),
                    _ => code::GENERATION.max(worst),
                };
                print_note(&format!("unmask: {:#}", anyhow::Error::from(error)));
            }
        }
    }
    Ok(worst)
}
