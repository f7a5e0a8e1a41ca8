use unmask_core::catalogue::{MemoryFit, ModelChoice, Readiness};
use unmask_core::engine::{Failure, FailureKind, LoadRequest, OldModel};

use super::{getting, trust};
use crate::action::Command;
use crate::amount;
use crate::clean::clean_line;
use crate::effect::Effect;
use crate::models;
use crate::sentence::{capital, stopped};
use crate::state::{Activity, Cancellation, Confirm, Load, Overlay, State, Toast};

/// The model that the program carries, for configurations that do not list it.
const CARRIED: &str = "builtin:demo";

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
pub(super) fn want(state: &mut State, choice: &ModelChoice) -> Vec<Effect> {
    let name = clean_line(&choice.name);
    if let Some(why) = models::busy(state) {
        state.notify(why);
        return Vec::new();
    }
    if trust::ask(state, choice) {
        return Vec::new();
    }
    if models::can_be_got(state, choice) {
        return getting::ask(state, &choice.key);
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
        (MemoryFit::Beside | MemoryFit::Unknown, _) => return load(state, request),
        (MemoryFit::Alone | MemoryFit::TooLarge { .. }, Some(running)) => {
            request.old = OldModel::UnloadedFirst;
            vec![
                needs,
                format!(
                    "{} makes room first. If {name} fails, it is loaded again.",
                    clean_line(&running.name)
                ),
            ]
        }
        (MemoryFit::Alone | MemoryFit::TooLarge { .. }, None) => vec![needs],
    };
    state.overlays.push(Overlay::Confirm(Confirm {
        title: format!("Load {name}?"),
        lines,
        yes: "load".to_owned(),
        letter: 'y',
        command: Command::Load(request),
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
        progress_at: state.now.since_start,
        cancellation: Cancellation::NotRequested,
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
    let keys = state.keymap.menu_keys(&Command::Models);
    Some(format!("Try {} ({needs}): {keys}", smallest.precision))
}
