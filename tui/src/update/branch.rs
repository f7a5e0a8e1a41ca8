//! What is changed on a canvas, and what follows from it: a paused answer goes on from there, a finished one gets a branch.

use unmask_core::engine::{TurnInput, TurnRequest};
use unmask_core::event::{Commit, CommitKind};
use unmask_core::sampler::FittedParams;
use unmask_core::{Canvas, Params, Position};

use super::begin::{self, TurnStart};
use super::{canvas, last_turn};
use crate::amount;
use crate::effect::Effect;
use crate::state::{Branch, Patch, Playback, Remasked, Stage, State, Steering, TurnOrigin, View};

/// Lets a paused turn go on, with the settings as they are now.
pub(super) fn go_on(state: &mut State) -> Vec<Effect> {
    match changed_settings(state).filter(|_| state.is_paused()) {
        Some(_) => {
            let entries = state.running().map_or(0, |turn| turn.log().entries.len());
            steer(state, entries, &Patch::default())
        }
        None => canvas::resume(state),
    }
}

/// Pauses the running turn, or lets it go on.
pub(super) fn pause_or_go_on(state: &mut State) -> Vec<Effect> {
    match state.is_paused() {
        true => go_on(state),
        false => canvas::pause_or_resume(state),
    }
}

/// Takes the chosen candidate in place of the one that was taken, at the step that took it; `None` where no step took one.
pub(super) fn what_if(state: &mut State) -> Option<Vec<Effect>> {
    let (replay, turn) = state.replayed()?;
    let moment = replay.moment(turn);
    let story = turn.story(&moment, replay.token)?;
    story.step?;
    let Some(&(candidate, _)) = story.commit.top.get(replay.candidate) else {
        state.notify("The candidates of this token were not kept");
        return Some(Vec::new());
    };
    if candidate == story.commit.token {
        state.notify("This is what was taken; ↑ ↓ choose another candidate");
        return Some(Vec::new());
    }
    let entry = story.entry;
    // Where it stood at that step; tokens may have come before it since.
    let offset = story.commit.at.index();
    let offset = offset.checked_sub(turn.canvas().answer_start())?;
    let mut patch = Patch::default();
    patch.pin(offset, candidate);
    Some(run(state, entry, &patch))
}

/// Has what is marked written anew, or goes on from the step that is shown.
pub(super) fn refill(state: &mut State) -> Vec<Effect> {
    let Some((replay, turn)) = state.replayed() else {
        return Vec::new();
    };
    let mut patch = replay.patch.clone();
    let shown = replay.shown(turn);
    let is_end = shown == turn.log().entries.len();
    if patch.is_empty() && is_end && !state.is_replay_live() {
        if replay.anchor.is_none() {
            state.notify("Nothing is marked: x marks a token, v begins a span");
            return Vec::new();
        }
        // A span that is selected is what is meant.
        replay.span().for_each(|at| patch.remask(at));
    }
    run(state, shown, &patch)
}

/// Has a part of the last answer written anew.
pub(super) fn remask(state: &mut State, what: Remasked) -> Vec<Effect> {
    let part = state.selected();
    let Some((part, turn)) = part.and_then(|part| Some((part, state.turn_of(part)?))) else {
        state.notify("There is no answer whose tokens are known");
        return Vec::new();
    };
    let length = turn.answer().len();
    let moment = turn.log().moment(usize::MAX);
    let is_below = |at: &usize, low: f32| {
        let end = turn.answer().iter().position(|&it| turn.loaded.is_end(it));
        let story = turn.story(&moment, *at).filter(|it| it.step.is_some());
        *at < end.unwrap_or(length) && story.is_some_and(|it| it.commit.confidence < low)
    };
    let offsets: Vec<usize> = match what {
        Remasked::Span(first, last) => (first..=last.min(length.saturating_sub(1))).collect(),
        Remasked::Below(low) => (0..length).filter(|at| is_below(at, low)).collect(),
    };
    if offsets.is_empty() {
        state.notify(match what {
            Remasked::Span(..) => format!(
                "The answer has {}, counted from 0",
                amount::counted(length, "token")
            ),
            Remasked::Below(low) => format!("Every token was as sure as {low}"),
        });
        return Vec::new();
    }
    let mut patch = Patch::default();
    offsets.into_iter().for_each(|at| patch.remask(at));
    let entries = turn.log().entries.len();
    branch(state, part, entries, &patch)
}

fn run(state: &mut State, entries: usize, patch: &Patch) -> Vec<Effect> {
    let Some(replay) = &state.replay else {
        return Vec::new();
    };
    match state.is_replay_live() {
        true if !state.is_paused() => {
            state.notify("The answer is being written: pause it first");
            Vec::new()
        }
        true => steer(state, entries, patch),
        false => branch(state, replay.part, entries, patch),
    }
}

/// The paused answer goes on from the canvas after the first `entries` of its log, changed by `patch`, with the settings as
/// they are now.
fn steer(state: &mut State, entries: usize, patch: &Patch) -> Vec<Effect> {
    let Some(turn) = state.running() else {
        return Vec::new();
    };
    let wanted = patch.applied(turn.log().moment(entries).fold.canvas());
    if wanted.len() != turn.canvas().len() {
        state.notify("The answer has grown since that step; it goes on from its end alone");
        return Vec::new();
    }
    let steering = Steering {
        commits: difference(turn.canvas(), &wanted),
        params: changed_settings(state),
    };
    if steering.commits.is_empty() && steering.params.is_none() {
        return canvas::resume(state);
    }
    state.turn = state.turn.next();
    state.playback = Playback::default();
    let id = state.turn;
    let settings = state.settings.fit().params;
    let Some(turn) = state.running_mut() else {
        return Vec::new();
    };
    turn.steer(id, steering);
    turn.asked = Some(settings);
    turn.stage = Stage::Denoising;
    let params = turn.params.clone();
    if let Some(replay) = &mut state.replay {
        (replay.at, replay.playing) = (None, None);
        (replay.patch, replay.anchor) = (Patch::default(), None);
        replay.undone.clear();
        replay.redone.clear();
    }
    canvas::end_pause(state);
    let request = TurnRequest {
        turn: id,
        input: TurnInput::Canvas(wanted),
        params,
    };
    vec![Effect::Abandon, Effect::Start(Box::new(request))]
}

/// The settings for the rest of the running answer, if the user has changed them since it was asked for.
fn changed_settings(state: &State) -> Option<Params> {
    let turn = state.running()?;
    let now = state.settings.fit().params;
    let before = turn.asked.as_ref()?;
    let with_seed = |params: &Params| Params {
        seed: turn.params.seed,
        ..params.clone()
    };
    if with_seed(&now) == with_seed(before) {
        return None;
    }
    let fitted = FittedParams::new(turn.answer().len(), &with_seed(&now));
    Some(fitted.params).filter(|params| *params != turn.params)
}

/// The commits that make `wanted` of `now`, which is as long.
fn difference(now: &Canvas, wanted: &Canvas) -> Vec<Commit> {
    let mask = now.mask();
    let mut commits = Vec::new();
    for index in 0..now.len() {
        let at = Position(index as u32);
        let (before, after) = (now.tokens()[index], wanted.tokens()[index]);
        let (was_given, is_given) = (now.is_given(at), wanted.is_given(at));
        let commit = |token, was, kind| Commit {
            at,
            token,
            was,
            confidence: 0.0,
            entropy: 0.0,
            kind,
            top: Vec::new(),
        };
        let was = Some(before).filter(|&token| token != mask);
        if (before, was_given) == (after, is_given) {
            continue;
        }
        if is_given {
            commits.push(commit(after, was, CommitKind::Pinned));
            continue;
        }
        // What is given is let go by masking it.
        if after == mask || was_given {
            commits.push(commit(mask, was, CommitKind::Remasked));
        }
        if after != mask {
            let is_new = was.is_none() || was_given;
            let (was, kind) = match is_new {
                true => (None, CommitKind::New),
                false => (was, CommitKind::Changed),
            };
            commits.push(commit(after, was, kind));
        }
    }
    commits
}

/// Another answer beside a finished one: from the canvas after the first `entries` of its log, changed by `patch`.
fn branch(state: &mut State, part: usize, entries: usize, patch: &Patch) -> Vec<Effect> {
    let Some(loaded) = last_turn::free_model(state) else {
        return Vec::new();
    };
    let Some(turn) = state.turn_of(part) else {
        return Vec::new();
    };
    if turn.loaded.key != loaded.key || !turn.fits(&loaded) {
        let name = crate::clean::clean_line(&turn.loaded.name);
        state.notify(format!("This answer is of {name}; load it to change it"));
        return Vec::new();
    }
    let moment = turn.log().moment(entries);
    let before = moment.fold.canvas();
    let wanted = patch.applied(before);
    let is_end = entries == turn.log().entries.len();
    // One that ended before its last masks goes on by its plan: those are not to be filled.
    let is_whole = is_end && !before.answer().contains(&turn.mask());
    if !wanted.answer().contains(&turn.mask()) {
        state.notify("Nothing is masked, so nothing would be written");
        return Vec::new();
    }
    let prompt = turn.prompt.clone();
    let (params, seed) = match is_end {
        true => {
            let fit = state.settings.fit();
            let mut params = FittedParams::new(wanted.answer().len(), &fit.params).params;
            let end = before.answer().iter().position(|&it| loaded.is_end(it));
            // Within the text an end token would cut off what stands behind it.
            params.logits_eos_inf |= patch
                .remasked
                .iter()
                .all(|&at| Some(at) < end.or(Some(usize::MAX)));
            (params, None)
        }
        false => {
            let params = turn.log().params_at(entries).clone();
            let seed = params.seed;
            (params, Some(seed))
        }
    };
    let input = match is_whole {
        true => TurnInput::Infill(wanted),
        false => TurnInput::Canvas(wanted),
    };
    let made = Branch {
        name: state.transcript.next_name(part),
        before: turn.answer().to_vec(),
        is_infill: is_whole,
    };
    let messages = turn.messages.clone();
    let (layer, arrangement, token) = match &state.replay {
        Some(replay) => (replay.layer, replay.arrangement, Some(replay.token)),
        None => Default::default(),
    };
    state.transcript.show(View::Follow);
    let start = TurnStart {
        loaded,
        prompt,
        origin: TurnOrigin::Branched(part),
        seed,
    };
    let effect = begin::begin(state, start, input, params);
    if let Some(turn) = state.running_mut() {
        turn.branch = Some(made);
        turn.messages = messages;
    }
    if let Some(token) = token {
        let part = state.transcript.entries.len();
        state.replay = Some(crate::state::Replay {
            layer,
            arrangement,
            ..crate::state::Replay::new(part, token)
        });
        state.selected_message.part = Some(part);
    }
    vec![effect]
}
