use std::sync::Arc;
use std::time::Duration;

use unmask_core::engine::{EngineEvent, Failure, FailureKind, Outcome, TurnEvent};
use unmask_core::event::{FinishReason, Stats};
use unmask_core::settings::time_per_forward;

use super::begin::send_next;
use super::{canvas, compare, loading, lost, machine, playback, replay};
use crate::action::Command;
use crate::amount;
use crate::effect::Effect;
use crate::layout::{answer_found, answer_so_far};
use crate::state::{
    Activity, Answer, Confirm, DialPosition, Entry, EntryVisibility, LogKept, Overlay, Playback,
    Stage, State, StopKeep, Toast, Turn, TurnOrigin,
};

/// News of the engine.
pub(super) fn apply_event(state: &mut State, event: EngineEvent) -> Vec<Effect> {
    match event {
        EngineEvent::Loading {
            key,
            stage,
            done,
            total,
        } => loading::progress(state, &key, &stage, (done, total)),
        EngineEvent::Loaded(loaded) => return loading::take_model(state, loaded),
        EngineEvent::Unloaded(loaded) => {
            state.model = None;
            state.machine.away = Some(loaded);
        }
        EngineEvent::Lost {
            loaded,
            failure,
            again,
        } => {
            // The turn's last news, which slow motion may still hold, came before.
            hurry(state);
            lost::apply(state, &loaded, failure, again);
        }
        EngineEvent::LoadFailed { key, failure } => {
            return loading::failed(state, &key, &failure);
        }
        EngineEvent::Turn(turn, event) if turn == state.turn => {
            let due = playback::due(state, event);
            return due.map_or_else(Vec::new, |event| apply(state, event, Next::Send));
        }
        // Late events of a turn that was abandoned; the screen measures nothing.
        EngineEvent::Turn(..) | EngineEvent::Measure(..) => (),
    }
    Vec::new()
}

/// Shows what has waited long enough.
pub(super) fn catch_up(state: &mut State) -> Vec<Effect> {
    let mut effects = Vec::new();
    while let Some(event) = playback::next(state) {
        state.is_dirty = true;
        effects.extend(apply(state, event, Next::Send));
    }
    effects
}

/// Shows everything at once. If the end is among it, messages that wait go on waiting.
pub(super) fn hurry(state: &mut State) {
    while let Some(event) = playback::next_at_once(state) {
        apply(state, event, Next::Hold);
    }
}

/// Whether the end of a turn lets the next message go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It does.
    Send,
    /// Messages go on waiting.
    Hold,
}

/// News of the running turn.
pub(super) fn apply(state: &mut State, event: TurnEvent, next: Next) -> Vec<Effect> {
    let Some(turn) = state.running_mut() else {
        return Vec::new();
    };
    match event {
        TurnEvent::Started {
            canvas,
            params,
            left_out,
        } => {
            // One that was steered is laid out as it was.
            if turn.is_steered() {
                return Vec::new();
            }
            turn.lay_out(canvas, &params);
            // A canvas that goes on was laid out before, with what there was room for then.
            if !matches!(
                turn.origin,
                TurnOrigin::Continued(_) | TurnOrigin::Branched(_) | TurnOrigin::Compared(_)
            ) {
                state.transcript.roll_off(left_out);
            }
        }
        TurnEvent::Step(step) => turn.apply(&step),
        TurnEvent::Paused(_) => {
            // A stop may have been asked for while the news was on its way.
            if let Stage::Pausing { .. } | Stage::Denoising = turn.stage {
                turn.stage = Stage::Paused;
            }
        }
        TurnEvent::Resumed => {
            if turn.stage == Stage::Paused {
                turn.stage = Stage::Denoising;
            }
        }
        TurnEvent::Finished(outcome) => return finish(state, outcome, next),
        TurnEvent::Failed(failure) => {
            fail(state, failure);
        }
    }
    Vec::new()
}

/// A turn that was never begun, as one that is too long, was not sent: its message is in the composer again and nowhere
/// else, and of several such failures the last one is shown.
fn fail(state: &mut State, mut failure: Failure) {
    canvas::turn_ends(state);
    if let Some((text, stats)) = worth_keeping(state, failure.kind) {
        lay_down(state, text, FinishReason::Stopped, stats);
        state.transcript.push(Entry::Failure(failure));
        return;
    }
    let was_begun = state.running().is_some_and(|turn| turn.blocks > 0);
    let is_back = give_prompt_back(state);
    let was_replayed = state.is_replay_live();
    end(state);
    replay::turn_became(state, was_replayed, None);
    compare::close_if_missing(state);
    if is_back && !was_begun {
        state.transcript.take_question_back();
    }
    match failure.kind {
        FailureKind::Context {
            tokens,
            limit,
            room,
        } if is_back => return too_long(state, tokens, limit, room),
        FailureKind::Context { .. } | FailureKind::Usage => {
            if !state.transcript.messages().is_empty() {
                let keys = state.keymap.menu_keys(&Command::New);
                failure.hint = format!("{}\n{keys} begins a new conversation", failure.hint);
            }
        }
        FailureKind::Config
        | FailureKind::Model
        | FailureKind::NoModel
        | FailureKind::Backend
        | FailureKind::Memory
        | FailureKind::Generation => (),
    }
    state.transcript.push(Entry::Failure(failure));
}

/// A message that does not fit is in the composer again; a shorter answer is offered if that would do.
fn too_long(state: &mut State, tokens: usize, limit: usize, room: usize) {
    let title = "Not sent: too long for the model".to_owned();
    let over = amount::count(tokens.saturating_sub(limit));
    let (tokens, limit) = (amount::count(tokens), amount::count(limit));
    let begins = format!("{tokens} tokens, limit {limit}: shorten by {over}");
    if room == 0 {
        state.toast = Some(Toast {
            title,
            lines: vec![format!("{begins}, or /new")],
        });
        return;
    }
    let length = machine::length_within(state, room);
    state.overlays.push(Overlay::Confirm(Confirm {
        title,
        lines: vec![format!("{begins}, /new, or length ≤ {room}")],
        yes: format!("send with length {length}"),
        letter: 'g',
        command: Command::Length(length),
    }));
}

/// The engine is gone, without a word.
pub(super) fn ended(state: &mut State) {
    state.activity = Activity::Idle;
    state.model = None;
    state.transcript.push(Entry::Failure(Failure {
        kind: FailureKind::Generation,
        text: "the engine has ended".to_owned(),
        hint: "start unmask again; the log has more".to_owned(),
    }));
}

fn finish(state: &mut State, outcome: Outcome, next: Next) -> Vec<Effect> {
    let stats = state
        .running()
        .map_or(outcome.stats, |turn| turn.whole(outcome.stats));
    keep(state, outcome.text, outcome.reason, stats);
    match (outcome.reason, next) {
        (FinishReason::Complete | FinishReason::MasksLeft | FinishReason::EndToken, Next::Send) => {
            send_next(state)
        }
        // Who stops an answer wants to look before the next one begins; Enter sends it.
        (FinishReason::Stopped, _) | (_, Next::Hold) => Vec::new(),
    }
}

/// What a failed turn leaves, so that it can go on as a stopped one: its canvas, if anything was committed there. An answer
/// that was to be replaced is not, by one without text.
fn worth_keeping(state: &State, kind: FailureKind) -> Option<(String, Stats)> {
    match kind {
        // It would fail again in the same way.
        FailureKind::Usage | FailureKind::Context { .. } => return None,
        FailureKind::Config
        | FailureKind::Model
        | FailureKind::NoModel
        | FailureKind::Backend
        | FailureKind::Memory
        | FailureKind::Generation => (),
    }
    // Nobody knows what the tokens are of a server that tells text alone.
    let has_begun = |turn: &&Turn| {
        turn.committed > 0 || turn.loaded.text_alone && turn.found_tokens().count() > 0
    };
    let turn = state.running().filter(has_begun)?;
    let (text, stats) = so_far(turn);
    match turn.origin {
        TurnOrigin::Retried(_) | TurnOrigin::Compared(_) if text.trim().is_empty() => None,
        TurnOrigin::Asked
        | TurnOrigin::Retried(_)
        | TurnOrigin::Continued(_)
        | TurnOrigin::Branched(_)
        | TurnOrigin::Compared(_) => Some((text, stats)),
    }
}

/// The text of a turn up to its first mask, and its totals.
fn so_far(turn: &Turn) -> (String, Stats) {
    let stats = turn.so_far(turn.text_tokens().count());
    (answer_so_far(turn), stats)
}

/// Leaves a turn whose forward does not end: what is on the canvas is kept, its late news dropped.
pub(super) fn abandon(state: &mut State) -> Vec<Effect> {
    let Some(turn) = state.running() else {
        return Vec::new();
    };
    let (text, stats) = so_far(turn);
    keep(state, text, FinishReason::Stopped, stats);
    state.turn = state.turn.next();
    vec![Effect::Abandon]
}

fn keep(state: &mut State, mut text: String, reason: FinishReason, mut stats: Stats) {
    canvas::turn_ends(state);
    if let (FinishReason::Stopped, StopKeep::All, Some(turn)) =
        (reason, state.stop_keep, state.running())
    {
        text = answer_found(turn);
        stats.text_tokens = turn.so_far(turn.found_tokens().count()).text_tokens;
    }
    if text.trim().is_empty() {
        if reason == FinishReason::Stopped {
            give_prompt_back(state);
        }
        let note = match reason {
            FinishReason::Stopped => "stopped before there was any text",
            FinishReason::Complete | FinishReason::EndToken => "the answer is empty",
            FinishReason::MasksLeft => "the model left masks and no text",
        };
        let was_replayed = state.is_replay_live();
        end(state);
        replay::turn_became(state, was_replayed, None);
        compare::close_if_missing(state);
        state.transcript.push(Entry::Note(note.to_owned()));
        return;
    }
    lay_down(state, text, reason, stats);
}

/// Puts what came of the turn into the transcript.
fn lay_down(state: &mut State, text: String, reason: FinishReason, stats: Stats) {
    let was_replayed = state.is_replay_live();
    let Some(turn) = end(state) else {
        return;
    };
    state.forward = time_per_forward(&turn.params, &stats).or(state.forward);
    let origin = turn.origin;
    let answer = Answer {
        name: turn.speaker(),
        text,
        reason,
        stats,
        params: Box::new(turn.params.clone()),
        trace: Some(Arc::new(turn.at_rest())),
        log_kept: LogKept::No,
    };
    match origin {
        TurnOrigin::Asked => state.transcript.push(Entry::Answer(answer)),
        TurnOrigin::Retried(at) => {
            state
                .transcript
                .set_visibility(at, EntryVisibility::Replaced);
            state.transcript.push(Entry::Answer(answer));
        }
        TurnOrigin::Continued(at) => state.transcript.lengthen(at, answer),
        TurnOrigin::Branched(at) => {
            state.transcript.set_aside_from(at);
            state.transcript.push(Entry::Answer(answer));
        }
        TurnOrigin::Compared(at) => {
            let parent = state
                .transcript
                .entries
                .get(at)
                .and_then(|item| item.parent);
            state.transcript.push(Entry::Answer(answer));
            if let Some(item) = state.transcript.entries.last_mut() {
                (item.parent, item.visibility) = (parent, EntryVisibility::Replaced);
            }
        }
    }
    let part = match origin {
        TurnOrigin::Continued(at) => at,
        TurnOrigin::Asked
        | TurnOrigin::Retried(_)
        | TurnOrigin::Branched(_)
        | TurnOrigin::Compared(_) => state.transcript.entries.len() - 1,
    };
    replay::turn_became(state, was_replayed, Some(part));
    tell_faster(state, stats.elapsed);
}

/// After a slow answer one line says what `fast` would have taken, where that was measured.
fn tell_faster(state: &mut State, took: Duration) {
    const SLOW: Duration = Duration::from_secs(10);
    let speed = state.settings.speed();
    let is_fast = matches!(speed, Some(DialPosition::Fast | DialPosition::Turbo));
    if took < SLOW || is_fast {
        return;
    }
    let cost = state.settings.estimate(DialPosition::Fast, state.forward);
    let Some((cost, seconds)) = cost.and_then(|cost| Some((cost, cost.seconds?))) else {
        return;
    };
    if seconds < took.as_secs_f64() {
        state.notify(format!(
            "{:.1} s; fast takes about {}, {seconds:.1} s: /speed fast",
            took.as_secs_f64(),
            amount::counted(cost.forwards, "forward")
        ));
    }
}

/// The engine is free again; an answer that was to be replaced stands until there is another.
fn end(state: &mut State) -> Option<Box<Turn>> {
    state.playback = Playback::default();
    let Activity::Turn(turn) = std::mem::replace(&mut state.activity, Activity::Idle) else {
        return None;
    };
    match turn.origin {
        TurnOrigin::Asked | TurnOrigin::Branched(_) | TurnOrigin::Compared(_) => (),
        TurnOrigin::Retried(at) | TurnOrigin::Continued(at) => {
            state.transcript.set_visibility(at, EntryVisibility::Seen)
        }
    }
    Some(turn)
}

/// A message without an answer returns to an empty composer; false if that is not empty, or an earlier answer stands.
fn give_prompt_back(state: &mut State) -> bool {
    let asked = |turn: &&Turn| turn.origin == TurnOrigin::Asked;
    let prompt = state
        .running()
        .filter(asked)
        .map(|turn| turn.prompt.clone());
    match prompt {
        Some(prompt) if state.composer.is_empty() => {
            state.composer.replace(&prompt);
            true
        }
        Some(_) | None => false,
    }
}
