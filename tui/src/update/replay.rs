//! An answer step by step: going through its log, and through its tokens.

mod marks;
mod opening;

use std::time::Duration;

use super::{branch, canvas, token_text};
use crate::action::ReplayAct;
use crate::effect::Effect;
use crate::geometry::ReplayArea;
use crate::layout::{LayoutOptions, replay_rows};
use crate::state::{Arrangement, Pending, Replay, State, Turn, least_sure_words};
use marks::{beside, pin, remask};
pub(super) use opening::{open, open_turn, take_read, to_message};
pub use opening::{show_recorded, show_recorded_from};

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
        ReplayAct::TokenUp => to_row(state, -1),
        ReplayAct::TokenDown => to_row(state, 1),
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

/// Moves the token that the keys mean by rows.
pub(super) fn scroll(state: &mut State, rows: isize) {
    to_row(state, rows.clamp(-100, 100));
}

/// Goes down to the token below, and on; up if `rows` are negative.
fn to_row(state: &mut State, rows: isize) {
    let options = LayoutOptions::of(state, ReplayArea::of(state.size).text_width());
    to_token(state, |replay, turn| {
        let (_, places) = replay_rows(replay, turn, &replay.moment(turn), options);
        let mut to = None;
        for _ in 0..rows.unsigned_abs() {
            to = beside(&places, to.unwrap_or(replay.token), rows.signum()).or(to);
        }
        to
    });
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

/// Shows the blocks that wait as masks, or as one row again.
fn unfold(state: &mut State) {
    change(state, |replay, _| {
        replay.pending = match replay.pending {
            Pending::Folded => Pending::Unfolded,
            Pending::Unfolded => Pending::Folded,
        };
    });
}
