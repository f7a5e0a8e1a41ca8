use std::sync::Arc;

use unmask_core::engine::{
    EngineEvent, Failure, FailureKind, Loaded, Outcome, TurnEvent, TurnId, TurnInput, TurnRequest,
};
use unmask_core::event::{FinishReason, Stats};
use unmask_core::sampler::Fit;

use super::{canvas, machine};
use crate::action::{Command, Order};
use crate::amount;
use crate::clean::clean_line;
use crate::effect::Effect;
use crate::keymap;
use crate::layout::answer_so_far;
use crate::state::{
    Activity, Answer, Confirm, Entry, Load, Overlay, Settings, Stage, State, Toast, Turn, View,
    Wish, first_words,
};

/// News of the engine.
pub(super) fn hear(state: &mut State, event: EngineEvent) -> Vec<Effect> {
    match event {
        EngineEvent::Loading {
            key,
            stage,
            done,
            total,
        } => loading(state, &key, &stage, (done, total)),
        EngineEvent::Loaded(loaded) => return take_model(state, loaded),
        EngineEvent::Unloaded(loaded) => {
            state.model = None;
            state.machine.away = Some(loaded);
        }
        EngineEvent::LoadFailed { key, failure } => return load_failed(state, &key, &failure),
        EngineEvent::Turn(turn, event) if turn == state.turn => return hear_turn(state, event),
        // Late news of a turn that was abandoned.
        EngineEvent::Turn(..) => (),
    }
    Vec::new()
}

fn loading(state: &mut State, key: &str, stage: &str, (done, total): (u64, u64)) {
    let wish = match &state.activity {
        Activity::Loading(load) => load.wish,
        Activity::Idle => Wish::Finish,
        // The turn is what the user looks at.
        Activity::Turn(_) => return,
    };
    state.activity = Activity::Loading(Load {
        key: clean_line(key),
        stage: clean_line(stage),
        done,
        total,
        heard_at: state.now.since_start,
        wish,
    });
}

fn take_model(state: &mut State, loaded: Arc<Loaded>) -> Vec<Effect> {
    take_settings(state, &loaded);
    state.model = Some(loaded);
    state.machine.away = None;
    end_load(state);
    send_next(state)
}

/// The model's settings, rounded so that they divide; a word says what was rounded.
fn take_settings(state: &mut State, loaded: &Loaded) {
    let mut params = loaded.defaults.clone();
    let mut notes = Vec::new();
    if params.steps > loaded.default_length {
        notes.push(format!(
            "steps {} → {}, one for each token",
            params.steps, loaded.default_length
        ));
        params.steps = loaded.default_length;
    }
    let fit = Fit::new(loaded.default_length, &params);
    notes.extend(fit.notes);
    if !notes.is_empty() {
        state.notify(notes.join(" · "));
    }
    state.settings = Settings {
        params: fit.params,
        length: fit.length,
        overflow: state.settings.overflow,
    };
}

fn load_failed(state: &mut State, key: &str, failure: &Failure) -> Vec<Effect> {
    let was_cancelled = match &state.activity {
        Activity::Loading(load) => load.wish == Wish::Cancel,
        Activity::Idle | Activity::Turn(_) => false,
    };
    end_load(state);
    machine::tell_failed_load(state, key, failure, was_cancelled);
    // The first screen says what there is.
    match state.is_first_run() {
        true => machine::scan(state),
        false => Vec::new(),
    }
}

/// A turn, if one runs, goes on.
fn end_load(state: &mut State) {
    if state.running().is_none() {
        state.activity = Activity::Idle;
    }
}

fn hear_turn(state: &mut State, event: TurnEvent) -> Vec<Effect> {
    let Some(turn) = state.running_mut() else {
        return Vec::new();
    };
    match event {
        TurnEvent::Started {
            canvas,
            params,
            left_out,
        } => {
            turn.lay_out(canvas, &params);
            state.transcript.roll_off(left_out);
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
        TurnEvent::Finished(outcome) => return finish(state, outcome),
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
    let was_begun = state.running().is_some_and(|turn| turn.blocks > 0);
    let is_back = give_prompt_back(state);
    state.activity = Activity::Idle;
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
                let keys = keymap::menu_keys(state, Command::New);
                failure.hint = format!("{}\n{keys} begins a new conversation", failure.hint);
            }
        }
        FailureKind::Config
        | FailureKind::Model
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
        order: Order::Length(length),
    }));
}

fn finish(state: &mut State, outcome: Outcome) -> Vec<Effect> {
    keep(state, outcome.text, outcome.reason, outcome.stats);
    match outcome.reason {
        FinishReason::Complete | FinishReason::EndToken => send_next(state),
        // Who stops an answer wants to look before the next one begins; Enter sends it.
        FinishReason::Stopped => Vec::new(),
    }
}

/// Leaves a turn whose forward does not end: what is on the canvas is kept, its late news dropped.
pub(super) fn abandon(state: &mut State) -> Vec<Effect> {
    let Some(turn) = state.running() else {
        return Vec::new();
    };
    let text = answer_so_far(turn);
    let stats = Stats {
        steps: turn.step,
        nfe: turn.nfe,
        committed: turn.committed,
        elapsed: turn.elapsed,
        text_tokens: turn.text_tokens().count(),
        ..Stats::default()
    };
    keep(state, text, FinishReason::Stopped, stats);
    state.turn = state.turn.next();
    vec![Effect::Abandon]
}

fn keep(state: &mut State, text: String, reason: FinishReason, stats: Stats) {
    canvas::turn_ends(state);
    if text.trim().is_empty() {
        if reason == FinishReason::Stopped {
            give_prompt_back(state);
        }
        let note = match reason {
            FinishReason::Stopped => "stopped before there was any text",
            FinishReason::Complete | FinishReason::EndToken => "the answer is empty",
        };
        state.transcript.push(Entry::Note(note.to_owned()));
        state.activity = Activity::Idle;
    } else if let Activity::Turn(turn) = std::mem::replace(&mut state.activity, Activity::Idle) {
        state.transcript.push(Entry::Answer(Answer {
            name: turn.speaker(),
            text,
            reason,
            stats,
            params: turn.params.clone(),
            trace: Some(Arc::new(turn.at_rest())),
        }));
    }
}

/// A message without an answer returns to an empty composer; false if that is not empty.
fn give_prompt_back(state: &mut State) -> bool {
    let prompt = state.running().map(|turn| turn.prompt.clone());
    match prompt {
        Some(prompt) if state.composer.is_empty() => {
            state.composer.replace(&prompt);
            true
        }
        Some(_) | None => false,
    }
}

/// Begins a turn for the oldest message that waits, if there is one and the engine is free.
pub(super) fn send_next(state: &mut State) -> Vec<Effect> {
    if state.saved.opening.is_some() {
        return Vec::new();
    }
    let (Activity::Idle, Some(loaded)) = (&state.activity, state.model.clone()) else {
        return Vec::new();
    };
    let Some(text) = state.queue.pop_front() else {
        return Vec::new();
    };
    let mut messages = state.transcript.messages();
    messages.push(unmask_core::engine::Message {
        role: unmask_core::engine::Role::User,
        content: text.clone(),
    });
    if state.title.is_empty() {
        state.title = first_words(&text);
    }
    state.transcript.push(Entry::You {
        text: text.clone(),
        at: state.now.clock,
    });
    state.transcript.view = View::Follow;
    vec![Effect::Start(start(state, loaded, text, messages))]
}

fn start(
    state: &mut State,
    loaded: Arc<Loaded>,
    prompt: String,
    messages: Vec<unmask_core::engine::Message>,
) -> TurnRequest {
    state.turn = TurnId(state.turn.0 + 1);
    state.activity = Activity::Turn(Box::new(Turn::new(state.turn, loaded, prompt)));
    TurnRequest {
        turn: state.turn,
        input: TurnInput::Chat {
            messages,
            pins: Vec::new(),
            length: state.settings.length,
            overflow: state.settings.overflow,
        },
        params: state.settings.params.clone(),
    }
}
