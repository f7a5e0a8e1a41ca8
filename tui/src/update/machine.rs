use std::sync::Arc;

use unmask_core::catalogue::{Catalogue, Choice, Fit, Readiness};
use unmask_core::config::Added;
use unmask_core::engine::{Failure, FailureKind, LoadRequest, OldModel};

use super::{draft, info, models as picker, trust};
use crate::action::{Command, Look, Order};
use crate::amount;
use crate::clean::clean_line;
use crate::effect::Effect;
use crate::models;
use crate::sentence::{capital, stopped};
use crate::state::{Activity, Confirm, Load, Overlay, Scan, State, Toast, Wish};

/// The model that the program carries, for configurations that do not list it.
const CARRIED: &str = "builtin:demo";

/// Asks somebody to look at the machine, unless somebody does.
pub(super) fn scan(state: &mut State) -> Vec<Effect> {
    match state.machine.scan {
        Scan::Running => Vec::new(),
        Scan::Done => {
            state.machine.scan = Scan::Running;
            vec![Effect::Scan]
        }
    }
}

/// Asks for a look at the machine, and what is to be done then.
pub(super) fn look(state: &mut State, look: Look) -> Vec<Effect> {
    state.machine.wanted = Some(look);
    state.notify("Looking at this machine…");
    scan(state)
}

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
    if !matches!(wanted, Look::Rows(_)) {
        state.notice = None;
    }
    match (wanted, state.machine.trouble.clone()) {
        (Look::Doctor, _) => info::doctor(state),
        (_, Some(why)) => {
            state.toast = Some(Toast {
                title: "Could not look at this machine".to_owned(),
                lines: vec![why],
            });
        }
        (Look::Get, None) => info::get(state),
        (Look::Model(name), None) => return load_named(state, &name),
        (Look::Backend(name), None) => return load_on(state, &name),
        (Look::Approved { key, path }, None) => return trust::load(state, &key, &path),
        (Look::Rows(key), None) => picker::open_at(state, &key),
    }
    Vec::new()
}

/// A model was put into the configuration, or not.
pub(super) fn added(state: &mut State, added: Result<Added, String>) -> Vec<Effect> {
    match added {
        Ok(added) => {
            let file = added.file.display().to_string();
            state.notify(format!("Added {} to {}", added.key, clean_line(&file)));
            state.machine.wanted = Some(Look::Rows(added.key));
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
    let is_it = |it: &&Choice| it.key == name || it.name.eq_ignore_ascii_case(name);
    let mut rows = listed.iter().flat_map(|it| &it.choices).filter(is_it);
    match rows.next() {
        Some(choice) => want(state, choice),
        // A folder or a hub id needs no entry.
        None if name.contains(['/', '\\']) => load(
            state,
            LoadRequest {
                key: name.to_owned(),
                ..LoadRequest::default()
            },
        ),
        None => {
            state.notify(format!("No model is called {}", clean_line(name)));
            picker::open(state)
        }
    }
}

/// Loads the running model on another backend, in its precision if that is offered there.
fn load_on(state: &mut State, backend: &str) -> Vec<Effect> {
    let Some(running) = state.model.clone() else {
        state.notify("No model is loaded: choose one first");
        return picker::open(state);
    };
    let listed = state.machine.catalogue.clone();
    let rows: Vec<&Choice> = listed.iter().flat_map(|it| &it.choices).collect();
    let of_model = rows.into_iter().filter(|row| row.key == running.key);
    let there: Vec<&Choice> = of_model
        .clone()
        .filter(|row| row.framework == backend)
        .collect();
    let same = |row: &&&Choice| row.precision == running.facts.precision;
    if let Some(choice) = there.iter().find(same).or(there.first()) {
        return want(state, choice);
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

/// Loads the model that the program carries, where it can be.
pub(super) fn load_carried(state: &mut State) -> Vec<Effect> {
    let listed = state.machine.catalogue.clone();
    let mut rows = listed.iter().flat_map(|it| &it.choices);
    match rows.find(|row| row.readiness == Readiness::Carried) {
        Some(choice) => want(state, choice),
        None => load(
            state,
            LoadRequest {
                key: CARRIED.to_owned(),
                ..LoadRequest::default()
            },
        ),
    }
}

/// Loads a choice if it can be: asks before the running model would have to go, or if there is too little memory.
pub(super) fn want(state: &mut State, choice: &Choice) -> Vec<Effect> {
    let name = clean_line(&choice.name);
    if let Some(why) = models::busy(state) {
        state.notify(why);
        return Vec::new();
    }
    if trust::ask(state, choice) {
        return Vec::new();
    }
    if let Some(obstacle) = choice.obstacle() {
        state.toast = Some(Toast {
            title: format!("{name} cannot be loaded yet"),
            lines: vec![obstacle.to_owned()],
        });
        return Vec::new();
    }
    state.toast = None;
    let mut request = choice.request();
    let needs = models::needs(state, choice);
    let lines = match (models::fit(state, choice), &state.model) {
        (Fit::Beside | Fit::Unknown, _) => return load(state, request),
        (Fit::Alone | Fit::TooLarge { .. }, Some(running)) => {
            request.old = OldModel::UnloadedFirst;
            vec![
                needs,
                format!(
                    "{} makes room first. If {name} fails, it is loaded again.",
                    clean_line(&running.name)
                ),
            ]
        }
        (Fit::Alone | Fit::TooLarge { .. }, None) => vec![needs],
    };
    state.overlays.push(Overlay::Confirm(Confirm {
        title: format!("Load {name}?"),
        lines,
        yes: "load".to_owned(),
        letter: 'y',
        order: Order::Load(request),
    }));
    Vec::new()
}

/// Begins to load.
pub(super) fn load(state: &mut State, request: LoadRequest) -> Vec<Effect> {
    if let Some(why) = models::busy(state) {
        state.notify(why);
        return Vec::new();
    }
    state.overlays.clear();
    state.activity = Activity::Loading(Load {
        key: clean_line(&request.key),
        stage: "opening".to_owned(),
        done: 0,
        total: 0,
        heard_at: state.now.since_start,
        wish: Wish::Finish,
    });
    vec![Effect::Load(request)]
}

/// A load has failed or was stopped: says so, and what answers now.
pub(super) fn tell_failed_load(
    state: &mut State,
    key: &str,
    failure: &Failure,
    was_cancelled: bool,
) {
    let name = state.name_of(key);
    let left = match (&state.model, state.machine.away.take()) {
        (Some(kept), _) => format!("Kept {}.", clean_line(&kept.name)),
        (None, Some(away)) => format!("Loading {} again.", clean_line(&away.name)),
        (None, None) => String::new(),
    };
    if was_cancelled {
        state.notify(format!("Stopped loading {name}. {left}").trim_end());
        return;
    }
    let mut lines = vec![stopped(&failure.text)];
    let advice = smaller(state, key, failure).unwrap_or_else(|| capital(&stopped(&failure.hint)));
    let second = [left, advice].join(" ");
    lines.extend(Some(second.trim().to_owned()).filter(|line| !line.is_empty()));
    let log = state.machine.log.as_ref();
    let log = log.map_or(String::new(), |log| format!(" · log: {log}"));
    lines.push(format!("Details: /doctor{log}"));
    state.toast = Some(Toast {
        title: format!("Could not load {name}"),
        lines,
    });
}

/// `Try int8 (9 GB): ^X m`, for a model that was too large.
fn smaller(state: &State, key: &str, failure: &Failure) -> Option<String> {
    if failure.kind != FailureKind::Memory {
        return None;
    }
    let catalogue = state.machine.catalogue.as_ref()?;
    let rows = catalogue.choices.iter();
    let of_model = rows.filter(|row| row.key == key && row.obstacle().is_none());
    let smallest = of_model.min_by_key(|row| row.needs_bytes.unwrap_or(u64::MAX))?;
    let needs = amount::needed(smallest.needs_bytes?);
    let keys = state.keymap.menu_keys(Command::Models);
    Some(format!("Try {} ({needs}): {keys}", smallest.precision))
}

/// The longest answer of whole blocks in `room` positions; a block may be smaller than the settings say if it must.
pub(super) fn length_within(state: &State, room: usize) -> usize {
    match state.settings.params.block_length {
        block if (1..=room).contains(&block) => room - room % block,
        _ => room,
    }
}

/// Takes a length that the context has room for, and sends the draft.
pub(super) fn set_length(state: &mut State, length: usize) -> Vec<Effect> {
    state.settings.length = length;
    draft::submit(state)
}
