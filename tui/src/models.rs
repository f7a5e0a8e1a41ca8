//! What the picker of models lists, and what it says of the chosen row.

use std::ops::Range;

use unmask_core::catalogue::{Catalogue, MemoryFit, ModelChoice, Readiness};
use unmask_core::checkpoint::ActiveExperts;
use unmask_core::model_id::ModelId;
use unmask_core::plugin::{BackendRow, BackendState};

use crate::amount;
use crate::clean::clean_line;
use crate::layout::{Flow, wrap};
use crate::row::cut;
use crate::state::{Activity, Pick, State};
use crate::theme::Role;

/// What the filter looks at, for each choice.
#[must_use]
pub fn texts(catalogue: &Catalogue) -> Vec<String> {
    let text = |it: &ModelChoice| {
        let words = [&it.name, &it.framework, &it.device_name, &it.precision];
        let words = words.map(String::as_str).join(" ");
        format!("{words} {} {} {}", it.key, it.device, it.description)
    };
    catalogue.choices.iter().map(text).collect()
}

/// The choices that match what was typed, as indices: those of one model on one device stand together.
#[must_use]
pub fn matches(state: &State, pick: &Pick) -> Vec<usize> {
    let Some(catalogue) = &state.machine.catalogue else {
        return Vec::new();
    };
    let place = |index: usize| {
        let choice = &catalogue.choices[index];
        (&choice.key, &choice.framework, &choice.device)
    };
    let mut rows: Vec<Vec<usize>> = Vec::new();
    for index in pick.matches(&texts(catalogue)) {
        match rows.iter_mut().find(|row| place(row[0]) == place(index)) {
            Some(row) => row.push(index),
            None => rows.push(vec![index]),
        }
    }
    // However well each matches, the precisions of a row stand as the catalogue has them.
    rows.iter_mut().for_each(|row| row.sort_unstable());
    rows.concat()
}

/// The rows of the picker, each with its precisions: ranges among the [`matches()`].
#[must_use]
pub fn rows(state: &State, pick: &Pick) -> Vec<Range<usize>> {
    let Some(catalogue) = &state.machine.catalogue else {
        return Vec::new();
    };
    let matches = matches(state, pick);
    let is_same = |a: &usize, b: &usize| {
        let [a, b] = [a, b].map(|&index| &catalogue.choices[index]);
        (&a.key, &a.framework, &a.device) == (&b.key, &b.framework, &b.device)
    };
    let mut start = 0;
    let rows = matches.chunk_by(is_same).map(|row| {
        let range = start..start + row.len();
        start = range.end;
        range
    });
    rows.collect()
}

/// What the list of models is called.
pub const PICKER: &str = "models";

/// What is typed and chosen in the picker, if it is the topmost panel.
#[must_use]
pub fn picker(state: &State) -> Option<&Pick> {
    let list = state.list().filter(|list| list.kind.name == PICKER)?;
    Some(&list.pick)
}

/// The chosen row of the picker, if it is open.
#[must_use]
pub fn chosen(state: &State) -> Option<&ModelChoice> {
    let pick = picker(state)?;
    let catalogue = state.machine.catalogue.as_ref()?;
    let shown = matches(state, pick);
    let last = shown.len().checked_sub(1)?;
    catalogue.choices.get(shown[pick.chosen.min(last)])
}

/// The backends that cannot be used here, each with why. A second file of one that can be used is none of them.
#[must_use]
pub fn unavailable(catalogue: &Catalogue) -> Vec<(&str, String)> {
    let rows = catalogue.backends.iter();
    rows.filter(|row| !is_usable(catalogue, &row.name))
        .filter_map(|row| Some((row.name.as_str(), trouble(&row.state)?)))
        .collect()
}

/// The same as rows of so many cells: a name before the first of each reason.
#[must_use]
pub fn unavailable_rows(catalogue: &Catalogue, width: usize) -> Vec<(String, String)> {
    /// Cells of a name.
    const NAME: usize = 11;
    let mut rows = Vec::new();
    for (name, why) in unavailable(catalogue) {
        let name = cut(&clean_line(name), NAME - 1);
        let flow = Flow::plain(&clean_line(&why), Role::Quiet);
        for (at, row) in wrap(&flow, width.saturating_sub(NAME)).iter().enumerate() {
            let name = if at == 0 { &*name } else { "" };
            rows.push((format!("{name:NAME$}"), row.text()));
        }
    }
    rows
}

fn is_usable(catalogue: &Catalogue, backend: &str) -> bool {
    let mut rows = catalogue.backends.iter();
    rows.any(|row| row.name == backend && matches!(row.state, BackendState::Usable { .. }))
}

/// Why a backend cannot be used, and what to do; `None` if it can.
#[must_use]
pub fn trouble(state: &BackendState) -> Option<String> {
    match state {
        BackendState::Usable { .. } => None,
        BackendState::Unusable { reason, remedy } if remedy.is_empty() => Some(reason.clone()),
        BackendState::Unusable { reason, remedy } => Some(format!("{reason}: {remedy}")),
        BackendState::Broken(reason) => Some(reason.clone()),
        BackendState::Unapproved { since, .. } => {
            Some(format!("{}: choose it to be asked", since.reason()))
        }
    }
}

/// The library that would be this backend if the user approved it.
#[must_use]
pub fn waiting<'a>(catalogue: &'a Catalogue, backend: &str) -> Option<&'a BackendRow> {
    let waits = |row: &&BackendRow| {
        row.name == backend && matches!(row.state, BackendState::Unapproved { .. })
    };
    let mut rows = catalogue.backends.iter();
    rows.find(waits).filter(|_| !is_usable(catalogue, backend))
}

/// `free memory: GPU 61 GB · RAM 102 GB`; empty if nobody knows.
#[must_use]
pub fn memory(catalogue: &Catalogue) -> String {
    let memories = catalogue.memory.iter();
    let memories = memories.map(|it| format!("{} {}", it.name, amount::free(it.free_bytes)));
    match memories.collect::<Vec<_>>() {
        none if none.is_empty() => String::new(),
        all => format!("free memory: {}", all.join(" · ")),
    }
}

/// Whether the row can be loaded, in a word.
#[must_use]
pub fn word(state: &State, choice: &ModelChoice) -> (&'static str, Role) {
    let is_loaded = state.model.as_ref().is_some_and(|it| choice.is(it));
    match &choice.readiness {
        _ if is_loaded => ("● loaded", Role::Fine),
        Readiness::Carried => ("carried", Role::Text),
        Readiness::Ready => ("ready", Role::Text),
        Readiness::NotOnDisk(_) => ("not on disk", Role::Quiet),
        Readiness::Damaged(_) => ("damaged", Role::Warn),
        Readiness::Refused(_) if waits(state, choice) => ("unapproved", Role::Warn),
        Readiness::Refused(_) => ("not here", Role::Quiet),
    }
}

fn waits(state: &State, choice: &ModelChoice) -> bool {
    let catalogue = state.machine.catalogue.as_deref();
    catalogue.is_some_and(|it| waiting(it, &choice.framework).is_some())
}

/// True if Enter asks what it takes to get the model: it is one of the hub, and not on this machine.
#[must_use]
pub fn can_be_got(state: &State, choice: &ModelChoice) -> bool {
    let surveyed = state.machine.catalogue.iter().flat_map(|it| &it.surveyed);
    let mut of_key = surveyed.filter(|it| it.key == choice.key);
    matches!(choice.readiness, Readiness::NotOnDisk(_))
        && of_key.any(|it| matches!(it.id, ModelId::Hub { .. }))
}

/// What Enter would do to the chosen row, and which share of a mixture of experts computes.
#[must_use]
pub fn remark(state: &State, choice: &ModelChoice) -> (String, Role) {
    let (text, role) = consequence(state, choice);
    let catalogue = state.machine.catalogue.as_ref();
    match catalogue.and_then(|it| it.kind(&choice.key).experts) {
        Some(ActiveExperts { active, all }) => {
            let share = format!("{active} of {all} experts compute for a token.");
            (format!("{text} {share}"), role)
        }
        None => (text, role),
    }
}

fn consequence(state: &State, choice: &ModelChoice) -> (String, Role) {
    if waits(state, choice) {
        let text = "A library of others: Enter shows it and asks whether it may run.";
        return (text.to_owned(), Role::Warn);
    }
    if let Some(obstacle) = choice.obstacle().filter(|_| can_be_got(state, choice)) {
        return (
            format!("Enter asks the hub what it takes; or {obstacle}"),
            Role::Warn,
        );
    }
    if let Some(obstacle) = choice.obstacle() {
        return (obstacle.to_owned(), Role::Warn);
    }
    if let Some(why) = busy(state) {
        return (why, Role::Warn);
    }
    let Some(running) = &state.model else {
        return (needs(state, choice), Role::Quiet);
    };
    if choice.is(running) {
        return ("This is the running model.".to_owned(), Role::Quiet);
    }
    const STAYS: &str = "The running model stays loaded until the new one is ready";
    match fit(state, choice) {
        MemoryFit::Beside => (format!("{STAYS} (fits both)."), Role::Quiet),
        MemoryFit::Unknown => (format!("{STAYS}."), Role::Quiet),
        MemoryFit::Alone => (
            "There is no room for both: the running model would be unloaded first.".to_owned(),
            Role::Warn,
        ),
        MemoryFit::TooLarge { .. } => (needs(state, choice), Role::Warn),
    }
}

/// How the choice fits into what is free.
#[must_use]
pub fn fit(state: &State, choice: &ModelChoice) -> MemoryFit {
    let catalogue = state.machine.catalogue.as_ref();
    catalogue.map_or(MemoryFit::Unknown, |it| {
        it.fit(choice, state.model.as_deref())
    })
}

/// `It needs 17 GB, and 9 GB would be free.`
#[must_use]
pub fn needs(state: &State, choice: &ModelChoice) -> String {
    let Some(needs) = choice.needs_bytes.map(amount::needed) else {
        return "What it needs is not known.".to_owned();
    };
    match fit(state, choice) {
        MemoryFit::TooLarge { free_bytes } => {
            let free = amount::free(free_bytes);
            format!("It needs {needs}, and {free} would be free: it may not load.")
        }
        MemoryFit::Beside | MemoryFit::Alone | MemoryFit::Unknown => format!("It needs {needs}."),
    }
}

/// Why nothing can be loaded now.
#[must_use]
pub fn busy(state: &State) -> Option<String> {
    match &state.activity {
        Activity::Idle => None,
        Activity::Loading(load) => Some(format!(
            "{} is being loaded: stop that first",
            state.name_of(&load.key)
        )),
        Activity::Turn(_) => Some("An answer is being written: stop it first".to_owned()),
    }
}
