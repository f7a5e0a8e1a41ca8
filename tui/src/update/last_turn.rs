//! The last turn once more: another answer, the stopped one going on, or all of it taken back.

use std::sync::Arc;

use unmask_core::engine::{Loaded, Message, Role, TurnInput};
use unmask_core::event::FinishReason;

use super::begin::{self, TurnStart};
use super::blanks;
use crate::action::Command;
use crate::effect::Effect;
use crate::state::{
    Activity, Answer, Entry, EntryVisibility, State, TranscriptItem, TurnOrigin, View,
};

/// Answers the last message anew; the earlier answer stays, dimmed.
///
/// Without a `seed` the settings say it: a number gives the same text again, `random` another one.
pub(super) fn retry(state: &mut State, seed: Option<u64>) -> Vec<Effect> {
    let Some(loaded) = free_model(state) else {
        return Vec::new();
    };
    let Some((asked, text)) = last_question(state) else {
        state.notify("There is no message to answer anew");
        return Vec::new();
    };
    let answered = last_answer(state, asked);
    let template = blanks::of_message(state, asked);
    let origin = match answered {
        Some(at) => {
            if would_repeat(state, at) {
                state.notify(
                    "Temperature 0: the seed changes nothing; /set temperature=0.7 varies it",
                );
            }
            state.transcript.entries[at].visibility = EntryVisibility::Replaced;
            TurnOrigin::Retried(at)
        }
        None => TurnOrigin::Asked,
    };
    if state.composer.text() == text {
        state.composer.take();
    }
    let mut messages = state.transcript.messages();
    messages.push(Message {
        role: Role::User,
        content: text.clone(),
    });
    state.transcript.show(View::Follow);
    let start = TurnStart {
        loaded,
        prompt: text,
        origin,
        seed,
    };
    let params = state.settings.fit().params;
    vec![match template {
        Some(parts) => begin::ask_fill(state, start, messages, parts, params),
        None => begin::ask(state, start, messages),
    }]
}

/// Resumes the canvas of the last answer, if it was stopped: with its own settings and its own seed.
pub(super) fn go_on(state: &mut State) -> Vec<Effect> {
    let Some(loaded) = free_model(state) else {
        return Vec::new();
    };
    let question = last_question(state);
    let stopped = question.and_then(|(asked, prompt)| Some((last_answer(state, asked)?, prompt)));
    let Some((at, prompt)) = stopped else {
        state.notify("There is no answer that could go on");
        return Vec::new();
    };
    let Entry::Answer(answer) = &state.transcript.entries[at].entry else {
        return Vec::new();
    };
    let (canvas, params) = match unfinished(answer, &loaded) {
        Ok(turn) => (turn.canvas().clone(), answer.params.clone()),
        Err(why) => {
            state.notify(why);
            return Vec::new();
        }
    };
    state.transcript.entries[at].visibility = EntryVisibility::Replaced;
    state.transcript.show(View::Follow);
    let start = TurnStart {
        loaded,
        prompt,
        origin: TurnOrigin::Continued(at),
        seed: Some(params.seed),
    };
    vec![begin::begin(
        state,
        start,
        TurnInput::Canvas(canvas),
        *params,
    )]
}

/// True if the last answer is one that `loaded` can go on with.
pub(super) fn can_go_on(state: &State, loaded: &Loaded) -> bool {
    let answer = last_question(state).and_then(|(asked, _)| last_answer(state, asked));
    answer.is_some_and(|at| {
        let entry = &state.transcript.entries[at].entry;
        matches!(entry, Entry::Answer(answer) if unfinished(answer, loaded).is_ok())
    })
}

/// The turn that an answer comes from, if it can go on.
fn unfinished<'a>(answer: &'a Answer, loaded: &Loaded) -> Result<&'a crate::state::Turn, String> {
    match (answer.reason, &answer.trace) {
        (FinishReason::Complete | FinishReason::EndToken, _) => {
            Err("The last answer is complete; only a stopped one can go on".to_owned())
        }
        (FinishReason::MasksLeft, _) => {
            Err("The model left masks in the last answer; /retry answers anew".to_owned())
        }
        (FinishReason::Stopped, None) => {
            Err("The canvas of the stopped answer was not kept; /retry answers anew".to_owned())
        }
        (FinishReason::Stopped, Some(turn)) if turn.loaded.key != loaded.key => Err(format!(
            "The stopped answer is of {}; load it to go on",
            turn.loaded.name
        )),
        (FinishReason::Stopped, Some(turn)) if !turn.answer().contains(&turn.mask()) => {
            Err("The stopped answer has no masks left".to_owned())
        }
        (FinishReason::Stopped, Some(turn)) => Ok(turn),
    }
}

/// Takes the last turn out of the model's view and puts its question into an empty composer.
pub(super) fn undo(state: &mut State) {
    if state.running().is_some() {
        state.notify("An answer is being written: stop it first");
        return;
    }
    let Some((asked, text)) = last_question(state) else {
        state.notify("There is no turn to take back");
        return;
    };
    let turn = state.transcript.entries[asked..].iter_mut();
    for item in turn.filter(|item| item.visibility == EntryVisibility::Seen) {
        item.visibility = EntryVisibility::Undone;
    }
    state.transcript.show(View::Follow);
    if state.composer.is_empty() {
        state.composer.replace(&text);
    } else {
        state.history.add(&text);
        state.notify("The last turn is undone; its question is in the history");
    }
}

/// The model, if it is free; else says why not.
pub(super) fn free_model(state: &mut State) -> Option<Arc<Loaded>> {
    let why = match &state.activity {
        Activity::Turn(_) => "An answer is being written: stop it first".to_owned(),
        Activity::Loading(_) => match state.keymap.keys(&Command::Back) {
            none if none.is_empty() => "A model is being loaded: wait for it".to_owned(),
            back => format!("A model is being loaded: wait for it, or {back} stops that"),
        },
        Activity::Idle if state.model.is_none() => "No model is loaded".to_owned(),
        Activity::Idle => return state.model.clone(),
    };
    state.notify(why);
    None
}

/// The last message that the model sees, or would see if it were answered.
fn last_question(state: &State) -> Option<(usize, String)> {
    let entries = state.transcript.entries.iter().enumerate().rev();
    let mut seen = entries.filter(|(_, item)| item.visibility == EntryVisibility::Seen);
    seen.find_map(|(at, item)| match &item.entry {
        Entry::You { text, .. } => Some((at, text.clone())),
        Entry::Answer(_) | Entry::Failure(_) | Entry::Note(_) => None,
    })
}

/// The answer to the message at `asked` that the model sees.
fn last_answer(state: &State, asked: usize) -> Option<usize> {
    let is_answer = |item: &TranscriptItem| {
        item.visibility == EntryVisibility::Seen && matches!(item.entry, Entry::Answer(_))
    };
    let after = &state.transcript.entries[asked..];
    Some(asked + after.iter().rposition(is_answer)?)
}

/// True if the settings are those of the answer at `at` and leave nothing to the seed.
fn would_repeat(state: &State, at: usize) -> bool {
    let Entry::Answer(answer) = &state.transcript.entries[at].entry else {
        return false;
    };
    let mut params = state.settings.fit().params;
    params.seed = answer.params.seed;
    !params.draws() && params == *answer.params
}
