//! Two answers to one message, side by side: one that is there, and another with something changed.

use std::sync::Arc;

use unmask_core::engine::{LoadRequest, TurnInput};
use unmask_core::settings::Setting;

use super::begin::{self, TurnStart};
use super::{blanks, canvas, last_turn, load, replay, scan, settings};
use crate::action::{AfterScan, CompareAct, ReplayAct};
use crate::clean::clean_line;
use crate::effect::Effect;
use crate::state::{
    Activity, Branch, BranchName, Compare, CompareWith, DialPosition, Differences, Entry,
    EntryVisibility, Field, FocusedBy, Seed, Settings, State, Transcript, Turn, TurnOrigin,
};

/// Compares the selected or last answer.
pub(super) fn compare(state: &mut State, with: CompareWith) -> Vec<Effect> {
    match with {
        CompareWith::Answers(names) => {
            of_names(state, names);
            Vec::new()
        }
        CompareWith::Setting(field, value) => {
            let Some((part, before)) = known(state) else {
                return Vec::new();
            };
            match settings::changed(state, before.clone(), field, &value) {
                Ok(changed) if is_same_run(&before, &changed) => {
                    let other = another(state, &before);
                    state.notify(format!("It would be the same answer{other}"));
                    Vec::new()
                }
                Ok(changed) => run(state, part, &changed),
                Err(why) => {
                    state.notify(why);
                    Vec::new()
                }
            }
        }
        CompareWith::Model(name) => {
            load_first(state, |state| scan::look(state, AfterScan::Model(name)))
        }
        CompareWith::Backend(name) => {
            load_first(state, |state| scan::look(state, AfterScan::Backend(name)))
        }
        CompareWith::Precision(precision) => load_first(state, |state| {
            let Some(loaded) = state.model.clone() else {
                return Vec::new();
            };
            let request = LoadRequest {
                key: loaded.key.clone(),
                framework: Some(loaded.backend.clone()),
                device: Some(loaded.device.clone()),
                precision: Some(precision),
                ..LoadRequest::default()
            };
            load::load(state, request)
        }),
    }
}

/// Two answers that are there.
fn of_names(state: &mut State, names: Option<[BranchName; 2]>) {
    let all = state.transcript.answer_names();
    let parts = match names {
        Some(names) => names.map(|name| all.iter().find(|(_, it)| *it == name)),
        None => {
            let last = all.last();
            let turn = last.map(|(_, name)| name.turn);
            let mut others = all.iter().rev().skip(1);
            [others.find(|(_, name)| Some(name.turn) == turn), last]
        }
    };
    let [Some((first, _)), Some((second, _))] = parts else {
        let made = made_with(state);
        let other = made.map(|(_, before)| another(state, &before));
        let other = other.unwrap_or_default();
        return state.notify(format!("There are no two answers to compare{other}"));
    };
    let parts = [*first, *second];
    let has_log = |part: &usize| {
        let turn = state.turn_of(*part);
        turn.is_some_and(|turn| !turn.log().entries.is_empty())
    };
    match parts.iter().all(has_log) {
        true => show(state, parts),
        false => {
            state.notify("How one of them came about is not in memory; /replay reads it");
        }
    }
}

/// The answer that is compared, with the settings that it was made with; else it is said that nothing is known of it.
fn known(state: &mut State) -> Option<(usize, Settings)> {
    let made = made_with(state);
    if made.is_none() {
        state.notify("How the last answer came about is not in memory; /replay reads it");
    }
    made
}

fn made_with(state: &State) -> Option<(usize, Settings)> {
    let part = match &state.replay {
        Some(replay) => replay.part,
        None => state.selected()?,
    };
    let turn = state.turn_of(part)?;
    if turn.log().entries.is_empty() || turn.messages.is_empty() {
        return None;
    }
    let made = Settings {
        params: turn.log().params.clone(),
        length: turn.answer().len(),
        seed: Seed::Fixed(turn.params.seed),
        ..state.settings.clone()
    };
    Some((part, made))
}

/// True if both settings make the same answer.
fn is_same_run(before: &Settings, changed: &Settings) -> bool {
    let run = |settings: &Settings| {
        let mut fit = settings.fit();
        if !fit.params.transfer.is_scheduled() {
            // The model decides how many there are.
            fit.params.steps = 0;
        }
        (fit.length, fit.params)
    };
    let has_other_draws = before.seed != changed.seed && changed.params.draws();
    run(before) == run(changed)
        && !has_other_draws
        && before.pins == changed.pins
        && before.overflow == changed.overflow
}

/// `; /compare steps=32 makes another one`: what changes an answer that was made with these settings; nothing if nobody knows.
fn another(state: &State, before: &Settings) -> String {
    let steps = before.params.steps;
    let ways = [
        (Setting::Steps.into(), (steps / 2).to_string()),
        (Setting::Steps.into(), (steps * 2).to_string()),
        (Field::Speed, DialPosition::Quality.name().to_owned()),
    ];
    let is_other = |(field, value): &(Field, String)| {
        let changed = settings::changed(state, before.clone(), *field, value);
        changed.is_ok_and(|changed| !is_same_run(before, &changed))
    };
    let way = ways.into_iter().find(is_other);
    way.map_or_else(String::new, |(field, value)| {
        format!("; /compare {}={value} makes another one", field.words().key)
    })
}

/// Has another model loaded, and the answer made by it then.
fn load_first(state: &mut State, load: impl FnOnce(&mut State) -> Vec<Effect>) -> Vec<Effect> {
    if last_turn::free_model(state).is_none() {
        return Vec::new();
    }
    let Some((part, before)) = known(state) else {
        return Vec::new();
    };
    state.comparing = Some((part, Box::new(before)));
    load(state)
}

/// A model is there: the answer that waited for it is made.
pub(super) fn take_model(state: &mut State) -> Vec<Effect> {
    match state.comparing.take() {
        Some((part, settings)) => run(state, part, &settings),
        None => Vec::new(),
    }
}

/// Nothing loads, and no panel leads to a load: no answer waits for a model any more.
pub(super) fn forget_unless_waiting(state: &mut State) {
    if !matches!(state.activity, Activity::Loading(_)) && state.overlays.is_empty() {
        state.comparing = None;
    }
}

/// Makes another answer to the same messages with the same seed, beside the one at `part`.
fn run(state: &mut State, part: usize, settings: &Settings) -> Vec<Effect> {
    let Some(loaded) = last_turn::free_model(state) else {
        return Vec::new();
    };
    let Some(turn) = state.turn_of(part) else {
        return Vec::new();
    };
    let messages = turn.messages.clone();
    let before = turn.answer().to_vec();
    let asked = state.transcript.entries.get(part).and_then(|it| it.parent);
    let template = asked.and_then(|asked| blanks::of_message(state, asked));
    let fit = settings.fit();
    let start = TurnStart {
        loaded,
        prompt: turn.prompt.clone(),
        origin: TurnOrigin::Compared(part),
        seed: match settings.seed {
            Seed::Fixed(seed) => Some(seed),
            Seed::Random => None,
        },
    };
    let effect = match template {
        Some(parts) => begin::ask_fill(state, start, messages, parts, fit.params),
        None => {
            let input = TurnInput::Chat {
                messages,
                pins: settings.pins.clone(),
                length: fit.length,
                overflow: settings.overflow,
            };
            begin::begin(state, start, input, fit.params)
        }
    };
    let name = state.transcript.next_name(part);
    if let Some(turn) = state.running_mut() {
        turn.branch = Some(Branch {
            name,
            before,
            is_infill: false,
        });
    }
    let running = state.transcript.entries.len();
    show(state, [part, running]);
    vec![effect]
}

/// Shows two recorded answers side by side.
pub fn show_both(state: &mut State, first: Arc<Turn>, second: Arc<Turn>) {
    replay::show_recorded(state, second);
    let second = state.transcript.entries.pop();
    state.transcript = Transcript::default();
    replay::show_recorded(state, first);
    state.transcript.entries.extend(second);
    if let Some(item) = state.transcript.entries.last_mut() {
        item.visibility = EntryVisibility::Replaced;
    }
    show(state, [1, 2]);
}

pub(super) fn show(state: &mut State, parts: [usize; 2]) {
    state.replay = None;
    state.find = None;
    state.compare = Some(Compare::new(parts));
    canvas::enter(state, FocusedBy::Key);
}

/// Ends the comparison; false if there is none.
pub(super) fn close(state: &mut State) -> bool {
    if state.compare.take().is_none() {
        return false;
    }
    canvas::leave(state);
    true
}

/// Ends the comparison whose second answer has not come to be.
pub(super) fn close_if_missing(state: &mut State) {
    if state.compare.is_some() && state.compared().is_none() {
        close(state);
    }
}

/// Moves both along their steps.
pub(super) fn step(state: &mut State, act: ReplayAct) {
    let Some((compare, turns)) = state.compared() else {
        return;
    };
    let all = turns.map(|turn| turn.log().entries.len());
    let all = all[0].max(all[1]);
    let now = compare.at.unwrap_or(all).min(all);
    let to = match act {
        ReplayAct::Back => now.saturating_sub(1),
        ReplayAct::Forward => now + 1,
        ReplayAct::TenBack => now.saturating_sub(10),
        ReplayAct::TenForward => now + 10,
        ReplayAct::First => 0,
        ReplayAct::Last => all,
        // They mean something to one answer alone.
        _ => return,
    };
    if let Some(compare) = &mut state.compare {
        compare.at = Some(to).filter(|&to| to < all);
        compare.show(None);
    }
}

/// Scrolls both; negative is up.
pub(super) fn scroll(state: &mut State, rows: isize) {
    if let Some(compare) = &mut state.compare {
        compare.moves.push(rows);
    }
}

/// What was written last is seen again.
pub(super) fn follow(state: &mut State) {
    if let Some(compare) = &mut state.compare {
        compare.show(None);
    }
}

pub(super) fn perform(state: &mut State, act: CompareAct) -> Vec<Effect> {
    let Some(compare) = &mut state.compare else {
        return Vec::new();
    };
    match act {
        CompareAct::Side => compare.side = compare.side.other(),
        CompareAct::Differences => {
            compare.show(None);
            compare.shown = match compare.shown {
                Differences::InPlace => Differences::Listed,
                Differences::Listed => Differences::InPlace,
            };
        }
        CompareAct::Inspect => {
            let part = compare.part();
            state.compare = None;
            return replay::open(state, Some(part));
        }
        CompareAct::KeepFirst => keep(state, 0),
        CompareAct::KeepSecond => keep(state, 1),
    }
    Vec::new()
}

/// One of them is the answer from now on; the other one is set aside.
fn keep(state: &mut State, which: usize) {
    let Some(parts) = state.compare.as_ref().map(|compare| compare.parts) else {
        return;
    };
    let part = parts[which];
    let kept = state.transcript.entries.get(part).map(|item| &item.entry);
    let Some(Entry::Answer(_)) = kept else {
        return state.notify("It is still being written");
    };
    state.transcript.go_to(part);
    let other = state.turn_of(part).map(|turn| turn.loaded.clone());
    let now = state.model.as_ref().map(|loaded| loaded.name.clone());
    close(state);
    let letter = ["A", "B"][which];
    match other.filter(|loaded| Some(&loaded.name) != now.as_ref()) {
        Some(loaded) => state.notify(format!(
            "Answer {letter} is kept; it is of {}, which /models loads",
            clean_line(&loaded.name)
        )),
        None => state.notify(format!(
            "Answer {letter} is kept; /branch leads to the other"
        )),
    }
}
