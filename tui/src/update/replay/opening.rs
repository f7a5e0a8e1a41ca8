//! Which answer is shown step by step.

use std::sync::Arc;

use unmask_core::event::FinishReason;
use unmask_core::wire::Event;

use super::{canvas, change};
use crate::action::{Command, TimeOfDay};
use crate::effect::Effect;
use crate::layout::answer_found;
use crate::session::Job;
use crate::state::{
    Answer, Entry, Focus, LogKept, MessageKind, Replay, ReplayStart, SelectedMessage, State, Turn,
    first_words,
};

/// Shows a recorded answer on an empty screen, with the message that it answers.
pub fn show_recorded(state: &mut State, turn: Arc<Turn>) {
    let text = unmask_core::clean::clean(&turn.prompt).into_owned();
    state.title = first_words(&text);
    state.transcript.push(Entry::You {
        text,
        kind: MessageKind::Plain,
        at: TimeOfDay::default(),
    });
    let end = turn.recorded.as_ref().and_then(|it| it.end.as_ref());
    let reason = match end {
        Some(Event::Done(done)) => done.reason,
        // It was cut, or given up.
        Some(_) | None => FinishReason::Stopped,
    };
    let stats = turn.so_far(turn.found_tokens().count());
    state.transcript.push(Entry::Answer(Answer {
        name: turn.speaker(),
        text: answer_found(&turn),
        reason,
        stats,
        params: Box::new(turn.params.clone()),
        trace: Some(turn),
        log_kept: LogKept::No,
    }));
    show(state, 1);
}

/// The same, begun where it is said.
pub fn show_recorded_from(state: &mut State, turn: Arc<Turn>, start: ReplayStart) {
    show_recorded(state, turn);
    let now = state.now.since_start;
    change(state, |replay, turn| {
        let all = turn.log().entries.len();
        let from = start.speed.map(|_| 0);
        let from = start
            .steps
            .map(|steps| turn.log().entries_of(steps))
            .or(from);
        replay.at = from.filter(|&at| at < all);
        replay.clip(turn);
        replay.speed = start.speed.unwrap_or_default();
        replay.playing = start.speed.and(replay.at).map(|_| now + replay.pace(all));
    });
}

/// Shows the answer of the turn of this number, counted from 1.
pub(in crate::update) fn open_turn(state: &mut State, number: usize) -> Vec<Effect> {
    let entries = state.transcript.entries.iter().enumerate();
    let mut asked = entries.filter(|(_, item)| matches!(item.entry, Entry::You { .. }));
    let Some((at, _)) = number.checked_sub(1).and_then(|before| asked.nth(before)) else {
        state.notify(format!("There is no turn {number}"));
        return Vec::new();
    };
    open(state, Some(at))
}

/// Shows a part of the transcript step by step; of a question its answer.
pub(in crate::update) fn open(state: &mut State, part: Option<usize>) -> Vec<Effect> {
    let part = part.and_then(|part| answer_at(state, part));
    let Some(part) = part else {
        state.notify("There is no answer that could be shown step by step");
        return Vec::new();
    };
    let is_running = part == state.transcript.entries.len();
    let has_log = |turn: &Turn| is_running || !turn.log().entries.is_empty();
    if state.turn_of(part).is_some_and(has_log) {
        show(state, part);
        return Vec::new();
    }
    let item = &mut state.transcript.entries[part];
    let (Entry::Answer(answer), Some(kept)) = (&mut item.entry, item.kept) else {
        state.notify("How this answer came about was not kept");
        return Vec::new();
    };
    match answer.log_kept {
        LogKept::No => {
            state.notify("How this answer came about was not kept");
            Vec::new()
        }
        LogKept::Asked => {
            state.selected_message.part = Some(part);
            Vec::new()
        }
        LogKept::Yes => {
            answer.log_kept = LogKept::Asked;
            state.selected_message.part = Some(part);
            vec![Effect::Keep(Job::ReadTrace(kept.id))]
        }
    }
}

fn answer_at(state: &State, part: usize) -> Option<usize> {
    let entries = &state.transcript.entries;
    let is_answer = |at: &usize| matches!(entries[*at].entry, Entry::Answer(_));
    match entries.get(part) {
        None => Some(part).filter(|_| state.running().is_some()),
        Some(_) => {
            let found = (part..entries.len()).find(is_answer);
            found.or(Some(entries.len()).filter(|_| state.running().is_some()))
        }
    }
}

fn show(state: &mut State, part: usize) {
    let turn = state.turn_of(part);
    let token = turn.and_then(|turn| turn.newest(turn.log().entries.len()));
    state.replay = Some(Replay::new(part, token.unwrap_or(0)));
    if state.focus == Focus::Composer {
        canvas::enter(state, crate::state::FocusedBy::Key);
    }
    state.selected_message = SelectedMessage {
        part: Some(part),
        ..state.selected_message
    };
    state.text_selection = None;
}

/// A log that was asked for is there, or is not. It is shown unless the user has turned to something else meanwhile.
pub(in crate::update) fn take_read(
    state: &mut State,
    id: unmask_core::conversations::MessageId,
    read: Result<Arc<Turn>, String>,
) {
    let model = state.model.clone();
    let mut entries = state.transcript.entries.iter_mut();
    let is_it = |kept: crate::state::SavedEntry| kept.id == id;
    let Some(part) = entries.position(|item| item.kept.is_some_and(is_it)) else {
        return;
    };
    let Entry::Answer(answer) = &mut state.transcript.entries[part].entry else {
        return;
    };
    if answer.log_kept != LogKept::Asked {
        return;
    }
    match read {
        Ok(turn) => {
            answer.log_kept = LogKept::Yes;
            let turn = match model {
                Some(loaded) if turn.fits(&loaded) => Arc::new((*turn).clone().of_model(&loaded)),
                Some(_) | None => turn,
            };
            answer.trace = Some(turn);
            let is_writing = state.focus == Focus::Composer && !state.composer.is_empty();
            let is_meant = state.selected_message.part == Some(part);
            if state.replay.is_none() && is_meant && !is_writing {
                show(state, part);
            }
        }
        Err(why) => {
            answer.log_kept = LogKept::No;
            tracing::warn!(why, "a trace cannot be shown");
            state.notify(format!(
                "This answer cannot be replayed: {}",
                crate::clean::clean_line(&why)
            ));
        }
    }
}

/// Shows the message before or after step by step, if it is an answer.
pub(in crate::update) fn to_message(state: &mut State, command: &Command) -> Vec<Effect> {
    let Some(replay) = &state.replay else {
        return Vec::new();
    };
    let part = replay.part;
    let is_answer = |at: &usize| state.turn_of(*at).is_some() || answer_at(state, *at) == Some(*at);
    let mut parts = state.message_parts().into_iter().filter(is_answer);
    let to = match command {
        Command::PreviousMessage => parts.rfind(|&at| at < part),
        _ => parts.find(|&at| at > part),
    };
    match to {
        Some(to) => open(state, Some(to)),
        None => Vec::new(),
    }
}
