//! An answer step by step: going through its log, and through its tokens.

use std::sync::Arc;
use std::time::Duration;

use unmask_core::event::{FinishReason, Stats};
use unmask_core::fold::Mark;
use unmask_core::wire::Event;

use super::{branch, canvas, token_text};
use crate::action::{Command, ReplayAct, TimeOfDay};
use crate::effect::Effect;
use crate::layout::answer_found;
use crate::row::TokenPlace;
use crate::session::Job;
use crate::state::{
    Answer, Arrangement, Entry, Focus, LogKept, Pending, Replay, SelectedMessage, State, Turn,
    first_words, least_sure_words,
};

/// What a key means to a replay. One that is not open yet opens first.
pub(super) fn perform(state: &mut State, act: ReplayAct) -> Vec<Effect> {
    if state.replay.is_none() {
        let effects = open(state, state.selected());
        if state.replay.is_none() || act == ReplayAct::Open {
            return effects;
        }
    }
    match act {
        ReplayAct::Open => (),
        ReplayAct::Back => step(state, -1),
        ReplayAct::Forward => step(state, 1),
        ReplayAct::TenBack => step(state, -10),
        ReplayAct::TenForward => step(state, 10),
        ReplayAct::First => step(state, isize::MIN),
        ReplayAct::Last => step(state, isize::MAX),
        ReplayAct::Play => return play(state),
        ReplayAct::Slower => change(state, |replay, _| replay.speed = replay.speed.slower()),
        ReplayAct::Faster => change(state, |replay, _| replay.speed = replay.speed.faster()),
        ReplayAct::TokenLeft => to_token(state, |replay, _| replay.token.checked_sub(1)),
        ReplayAct::TokenRight => to_token(state, |replay, _| Some(replay.token + 1)),
        ReplayAct::TokenUp => to_token(state, |replay, _| beside(replay, -1)),
        ReplayAct::TokenDown => to_token(state, |replay, _| beside(replay, 1)),
        ReplayAct::WordLeft => to_token(state, |replay, turn| {
            (0..replay.token).rev().find(|&at| turn.begins_word(at))
        }),
        ReplayAct::WordRight => to_token(state, |replay, turn| {
            (replay.token + 1..turn.answer().len()).find(|&at| turn.begins_word(at))
        }),
        ReplayAct::BlockLeft => to_token(state, |replay, turn| {
            let length = turn.block_length();
            Some(replay.token.checked_sub(1)? / length * length)
        }),
        ReplayAct::BlockRight => to_token(state, |replay, turn| {
            let next = (replay.token / turn.block_length() + 1) * turn.block_length();
            Some(next).filter(|&at| at < turn.answer().len())
        }),
        ReplayAct::LeastSure => to_least_sure(state, 1),
        ReplayAct::LeastSureBack => to_least_sure(state, -1),
        ReplayAct::CandidateUp => change(state, |replay, _| {
            replay.candidate = replay.candidate.saturating_sub(1);
        }),
        ReplayAct::CandidateDown => change(state, |replay, turn| {
            let moment = replay.moment(turn);
            let story = turn.story(&moment, replay.token);
            let last = story.map_or(0, |story| story.commit.top.len().saturating_sub(1));
            replay.candidate = (replay.candidate + 1).min(last);
        }),
        ReplayAct::WhatIf => match branch::what_if(state) {
            Some(effects) => return effects,
            None => unfold(state),
        },
        ReplayAct::Span => change(state, |replay, _| {
            replay.anchor = match replay.anchor {
                Some(_) => None,
                None => Some(replay.token),
            };
        }),
        ReplayAct::Remask => change(state, remask),
        ReplayAct::Refill => return branch::refill(state),
        ReplayAct::Write => token_text::open(state),
        ReplayAct::Pin => change(state, pin),
        ReplayAct::Undo => change(state, |replay, _| {
            if let Some(before) = replay.undone.pop() {
                let now = std::mem::replace(&mut replay.patch, before);
                replay.redone.push(now);
            }
        }),
        ReplayAct::Redo => change(state, |replay, _| {
            if let Some(after) = replay.redone.pop() {
                let now = std::mem::replace(&mut replay.patch, after);
                replay.undone.push(now);
            }
        }),
        ReplayAct::Layer => change(state, |replay, _| replay.layer = replay.layer.next()),
        ReplayAct::Grid => change(state, |replay, _| {
            replay.arrangement = match replay.arrangement {
                Arrangement::Flow | Arrangement::Raw => Arrangement::Grid,
                Arrangement::Grid => Arrangement::Flow,
            };
        }),
    }
    Vec::new()
}

/// Shows a recorded answer on an empty screen, with the message that it answers.
pub fn show_recorded(state: &mut State, turn: Arc<Turn>) {
    let text = unmask_core::clean::clean(&turn.prompt).into_owned();
    state.title = first_words(&text);
    state.transcript.push(Entry::You {
        text,
        at: TimeOfDay::default(),
    });
    let end = turn.recorded.as_ref().and_then(|it| it.end.as_ref());
    let reason = match end {
        Some(Event::Done(done)) => done.reason,
        // It was cut, or given up.
        Some(_) | None => FinishReason::Stopped,
    };
    let stats = Stats {
        steps: turn.step,
        nfe: turn.nfe,
        nfe_saved: turn.nfe_saved,
        committed: turn.committed,
        text_tokens: turn.found_tokens().count(),
        elapsed: turn.elapsed,
    };
    state.transcript.push(Entry::Answer(Answer {
        name: turn.speaker(),
        text: answer_found(&turn),
        reason,
        stats,
        params: turn.params.clone(),
        trace: Some(turn),
        log_kept: LogKept::No,
    }));
    show(state, 1);
}

/// Shows the answer of the turn of this number, counted from 1.
pub(super) fn open_turn(state: &mut State, number: usize) -> Vec<Effect> {
    let entries = state.transcript.entries.iter().enumerate();
    let mut asked = entries.filter(|(_, item)| matches!(item.entry, Entry::You { .. }));
    let Some((at, _)) = number.checked_sub(1).and_then(|before| asked.nth(before)) else {
        state.notify(format!("There is no turn {number}"));
        return Vec::new();
    };
    open(state, Some(at))
}

/// Shows a part of the transcript step by step; of a question its answer.
pub(super) fn open(state: &mut State, part: Option<usize>) -> Vec<Effect> {
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
    let token = state.turn_of(part).map_or(0, |turn| {
        let last = turn.log().entries.last();
        let commit = last.and_then(|entry| entry.commits().last());
        let start = turn.canvas().answer_start();
        commit.map_or(0, |commit| commit.at.index().saturating_sub(start))
    });
    state.replay = Some(Replay::new(part, token));
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
pub(super) fn take_read(
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

/// Leaves the replay; the selected message stays selected.
pub(super) fn close(state: &mut State) -> bool {
    match state.replay.as_mut() {
        Some(replay) if replay.anchor.is_some() => replay.anchor = None,
        Some(_) => state.replay = None,
        None => return false,
    }
    true
}

/// The answer of a turn that has ended is at `part`; without one nothing is left to show.
pub(super) fn turn_became(state: &mut State, was_live: bool, part: Option<usize>) {
    if !was_live {
        return;
    }
    match (state.replay.as_mut(), part) {
        (Some(replay), Some(part)) => replay.part = part,
        (Some(_), None) => state.replay = None,
        (None, _) => (),
    }
    if state.replay.is_some() {
        state.selected_message.part = part;
    }
}

fn change(state: &mut State, change: impl FnOnce(&mut Replay, &Turn)) {
    let Some(mut replay) = state.replay.take() else {
        return;
    };
    if let Some(turn) = state.turn_of(replay.part) {
        change(&mut replay, turn);
    }
    state.replay = Some(replay);
}

fn step(state: &mut State, by: isize) {
    change(state, |replay, turn| {
        let all = turn.log().entries.len();
        let to = replay.shown(turn).saturating_add_signed(by).min(all);
        replay.at = Some(to).filter(|&to| to < all);
        replay.playing = None;
        replay.candidate = 0;
        replay.clip(turn);
    });
}

/// Shows the tokens one by one, or as text again.
pub(super) fn toggle_raw(state: &mut State) {
    change(state, |replay, _| {
        replay.arrangement = match replay.arrangement {
            Arrangement::Raw => Arrangement::Flow,
            Arrangement::Flow | Arrangement::Grid => Arrangement::Raw,
        };
    });
}

/// Goes to an entry of the log.
pub(super) fn go(state: &mut State, entry: usize) {
    step(state, isize::MIN);
    step(state, isize::try_from(entry).unwrap_or(isize::MAX));
}

fn to_token(state: &mut State, to: impl FnOnce(&Replay, &Turn) -> Option<usize>) {
    change(state, |replay, turn| {
        if let Some(token) = to(replay, turn) {
            replay.token = token;
            replay.candidate = 0;
            replay.clip(turn);
        }
    });
}

/// Puts the cursor on a token; with a drag it ends a span.
pub(super) fn point(state: &mut State, token: usize) {
    to_token(state, |_, _| Some(token));
}

/// The token in the row above or below, nearest to the same cells.
fn beside(replay: &Replay, rows: isize) -> Option<usize> {
    let places = &replay.rows.places;
    let is_it = |place: &&TokenPlace| place.from == replay.token;
    let row = places
        .iter()
        .position(|row| row.iter().any(|it| is_it(&it)))?;
    let place = places[row].iter().find(is_it)?;
    let middle = usize::midpoint(place.cells.start, place.cells.end);
    let mut to = row.checked_add_signed(rows)?;
    // Rows without tokens are passed over.
    while places.get(to)?.is_empty() {
        to = to.checked_add_signed(rows)?;
    }
    let distance =
        |place: &&TokenPlace| usize::midpoint(place.cells.start, place.cells.end).abs_diff(middle);
    places[to]
        .iter()
        .min_by_key(distance)
        .map(|place| place.from)
}

fn to_least_sure(state: &mut State, by: isize) {
    let mut found = 0;
    change(state, |replay, turn| {
        let words = least_sure_words(turn, &replay.moment(turn));
        found = words.len();
        let mut starts: Vec<usize> = words.iter().map(|word| word.tokens.start).collect();
        starts.sort_unstable();
        let next = match by {
            1.. => starts
                .iter()
                .find(|&&start| start > replay.token)
                .or(starts.first()),
            _ => starts
                .iter()
                .rfind(|&&start| start < replay.token)
                .or(starts.last()),
        };
        if let Some(&token) = next {
            (replay.token, replay.candidate) = (token, 0);
        }
    });
    if found == 0 && state.replay.is_some() {
        state.notify("No word is decided yet");
    }
}

fn remask(replay: &mut Replay, turn: &Turn) {
    let span = replay.span();
    let moment = replay.moment(turn);
    let marks = moment.fold.answer_marks().to_vec();
    let last = marks.len().saturating_sub(1);
    let are_marked = span.clone().all(|at| replay.patch.remasked.contains(&at));
    let patch = replay.change();
    for at in *span.start()..=(*span.end()).min(last) {
        match are_marked {
            true => drop(patch.remasked.remove(&at)),
            false if marks.get(at) == Some(&Mark::Masked) => drop(patch.pinned.remove(&at)),
            false => patch.remask(at),
        }
    }
    replay.anchor = None;
}

fn pin(replay: &mut Replay, turn: &Turn) {
    let moment = replay.moment(turn);
    let canvas = moment.fold.canvas();
    let start = canvas.answer_start();
    for at in replay.span() {
        let Some(&token) = canvas.answer().get(at) else {
            continue;
        };
        let is_given = canvas.is_given(unmask_core::Position((start + at) as u32));
        let is_pinned = replay.patch.pinned.contains_key(&at);
        let patch = replay.change();
        match (is_pinned, is_given) {
            (true, _) => drop(patch.pinned.remove(&at)),
            (false, true) if !patch.unpinned.remove(&at) => drop(patch.unpinned.insert(at)),
            (false, true) => (),
            (false, false) if token == canvas.mask() => (),
            (false, false) => patch.pin(at, token),
        }
    }
    replay.anchor = None;
}

/// Moves the token that the keys mean by rows.
pub(super) fn scroll(state: &mut State, rows: isize) {
    for _ in 0..rows.unsigned_abs().min(100) {
        to_token(state, |replay, _| beside(replay, rows.signum()));
    }
}

/// Plays or rests. At the live end of a running answer that is the answer's own pause.
fn play(state: &mut State) -> Vec<Effect> {
    let now = state.now.since_start;
    let is_live = state.is_replay_live();
    let Some(replay) = state.replay.as_ref() else {
        return Vec::new();
    };
    if is_live && replay.at.is_none() {
        return match replay.patch.is_empty() || !state.is_paused() {
            true => branch::pause_or_go_on(state),
            false => branch::refill(state),
        };
    }
    change(state, |replay, turn| {
        let all = turn.log().entries.len();
        replay.playing = match replay.playing {
            Some(_) => None,
            None => {
                if replay.at.is_none() {
                    replay.at = Some(0);
                    replay.clip(turn);
                }
                Some(now + replay.pace(all))
            }
        };
    });
    Vec::new()
}

/// Shows the next entry once it is time.
pub(super) fn pass_time(state: &mut State, now: Duration) {
    let due = state.replay.as_ref().and_then(|replay| replay.playing);
    if due.is_none_or(|due| due > now) {
        return;
    }
    change(state, |replay, turn| {
        let all = turn.log().entries.len();
        let to = replay.shown(turn) + 1;
        replay.at = Some(to).filter(|&to| to < all);
        replay.clip(turn);
        replay.playing = replay.at.map(|_| now + replay.pace(all));
    });
    state.is_dirty = true;
}

/// Shows the message before or after step by step, if it is an answer.
pub(super) fn to_message(state: &mut State, command: Command) -> Vec<Effect> {
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

/// Shows the blocks that wait as masks, or as one row again.
fn unfold(state: &mut State) {
    change(state, |replay, _| {
        replay.pending = match replay.pending {
            Pending::Folded => Pending::Unfolded,
            Pending::Unfolded => Pending::Folded,
        };
    });
}
