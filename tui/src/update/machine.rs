use std::path::Path;
use std::sync::Arc;

use unmask_core::add_model::Added;
use unmask_core::catalogue::{Catalogue, ModelChoice};
use unmask_core::engine::LoadRequest;

use super::scan::scan;
use super::{compare, info, load};
use crate::action::{AfterScan, Command};
use crate::clean::clean_line;
use crate::effect::Effect;
use crate::lists::models as picker;
use crate::models;
use crate::state::{Scan, State, Toast};

/// Somebody has looked.
pub(super) fn scanned(state: &mut State, seen: Result<Arc<Catalogue>, String>) -> Vec<Effect> {
    state.machine.scan = Scan::Done;
    let chosen = models::chosen(state).cloned();
    match seen {
        Ok(catalogue) => {
            state.machine.catalogue = Some(catalogue);
            state.machine.trouble = None;
        }
        Err(why) => state.machine.trouble = Some(why),
    }
    picker::choose_again(state, chosen.as_ref());
    let Some(wanted) = state.machine.wanted.take() else {
        return Vec::new();
    };
    let effects = carry_out(state, wanted);
    compare::forget_unless_waiting(state);
    effects
}

/// What was to be done once somebody has looked.
fn carry_out(state: &mut State, wanted: AfterScan) -> Vec<Effect> {
    match (wanted, state.machine.trouble.clone()) {
        (AfterScan::Doctor, _) => info::doctor(state),
        (_, Some(why)) => {
            state.toast = Some(Toast {
                title: "Could not look at this machine".to_owned(),
                lines: vec![why],
            });
        }
        (AfterScan::Get, None) => info::get(state),
        (AfterScan::Model(name), None) => return load_named(state, &name),
        (AfterScan::Backend(name), None) => return load_on(state, &name),
        (AfterScan::Approved { key, path }, None) => return load_approved(state, &key, &path),
        (AfterScan::Rows(key), None) => picker::open_at(state, &key),
    }
    Vec::new()
}

/// A model was put into the configuration, or not.
pub(super) fn added(state: &mut State, added: Result<Added, String>) -> Vec<Effect> {
    match added {
        Ok(added) => {
            let file = added.file.display().to_string();
            state.notify(format!("Added {} to {}", added.key, clean_line(&file)));
            state.machine.wanted = Some(AfterScan::Rows(added.key));
            scan(state)
        }
        Err(why) => {
            state.toast = Some(Toast {
                title: "Could not add a model".to_owned(),
                lines: vec![why],
            });
            Vec::new()
        }
    }
}

fn load_named(state: &mut State, name: &str) -> Vec<Effect> {
    let listed = state.machine.catalogue.clone();
    let is_it = |it: &&ModelChoice| it.key == name || it.name.eq_ignore_ascii_case(name);
    let mut rows = listed.iter().flat_map(|it| &it.choices).filter(is_it);
    match rows.next() {
        Some(choice) => load::want(state, choice),
        // A folder or a hub id needs no entry.
        None if name.contains(['/', '\\']) => load::load(
            state,
            LoadRequest {
                key: name.to_owned(),
                ..LoadRequest::default()
            },
        ),
        None => {
            let names = listed.iter().flat_map(|it| &it.choices);
            let names: Vec<&str> = names.flat_map(|it| [it.name.as_str(), &it.key]).collect();
            let near = like(name, &names).map_or_else(String::new, |near| {
                format!("; did you mean {}?", clean_line(near))
            });
            state.notify(format!("No model is called {}{near}", clean_line(name)));
            super::carry_out(state, Command::Models)
        }
    }
}

/// The name that begins with `name`, or holds it, or is spelled nearly so.
fn like<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    let name = name.to_lowercase();
    let by = |is_it: &dyn Fn(&str) -> bool| {
        let mut names = names.iter();
        names.find(|it| is_it(&it.to_lowercase())).copied()
    };
    by(&|it| it.starts_with(&name))
        .or_else(|| by(&|it| it.contains(&name)))
        .or_else(|| crate::diagnostic::nearest(&name, names))
}

/// Loads the running model on another backend, in its precision if that is offered there.
fn load_on(state: &mut State, backend: &str) -> Vec<Effect> {
    let Some(running) = state.model.clone() else {
        state.notify("No model is loaded: choose one first");
        return super::carry_out(state, Command::Models);
    };
    let listed = state.machine.catalogue.clone();
    let rows: Vec<&ModelChoice> = listed.iter().flat_map(|it| &it.choices).collect();
    let of_model = rows.into_iter().filter(|row| row.key == running.key);
    let there: Vec<&ModelChoice> = of_model
        .clone()
        .filter(|row| row.framework == backend)
        .collect();
    let same = |row: &&&ModelChoice| row.precision == running.facts.precision;
    if let Some(choice) = there.iter().find(same).or(there.first()) {
        return load::want(state, choice);
    }
    let mut names: Vec<&str> = of_model.map(|row| row.framework.as_str()).collect();
    names.dedup();
    let refused = listed.as_ref().and_then(|it| {
        let mut refused = models::unavailable(it).into_iter();
        refused.find(|(name, _)| *name == backend)
    });
    state.notify(match refused {
        Some((name, why)) => format!("{name}: {why}"),
        None => format!(
            "No backend {} for {}; there are {}",
            clean_line(backend),
            clean_line(&running.name),
            names.join(", ")
        ),
    });
    Vec::new()
}

/// Loads the model `key` on the backend in the file at `path`, which may now say what it is called.
fn load_approved(state: &mut State, key: &str, path: &Path) -> Vec<Effect> {
    let listed = state.machine.catalogue.clone();
    let rows = listed.iter().flat_map(|it| &it.backends);
    let Some(row) = rows.into_iter().find(|row| row.path == path) else {
        return Vec::new();
    };
    let mut choices = listed.iter().flat_map(|it| &it.choices);
    match choices.find(|it| it.key == key && it.framework == row.name) {
        Some(choice) => load::want(state, choice),
        None => {
            let trouble = models::trouble(&row.state);
            let trouble =
                trouble.unwrap_or_else(|| "it offers no device for this model".to_owned());
            state.notify(format!(
                "{}: {}",
                clean_line(&row.name),
                clean_line(&trouble)
            ));
            Vec::new()
        }
    }
}

/// The longest answer of whole blocks in `room` positions; a block may be smaller than the settings say if it must.
pub(super) fn length_within(state: &State, room: usize) -> usize {
    match state.settings.params.block_length {
        block if (1..=room).contains(&block) => room - room % block,
        _ => room,
    }
}
