use crossterm::event::KeyEvent;

use super::{
    canvas, compare, completion, draft, engine, export, find, first_run, fork, getting, overlay,
    playback, replay, text_selection,
};
use crate::action::Action;
use crate::contexts;
use crate::effect::Effect;
use crate::keymap;
use crate::state::{Activity, Cancellation, Focus, FocusedBy, Stage, State};

/// A key: what the key map says, else what it writes.
pub(super) fn press(state: &mut State, event: KeyEvent) -> Vec<Effect> {
    match (contexts::lookup(state, event), keymap::written(event)) {
        (Some(command), _) => super::apply(state, Action::Do(command)),
        (None, Some(character)) if !state.overlays.is_empty() => overlay::write(state, character),
        // What is typed is never lost: it goes to the composer, and the focus with it.
        (None, Some(character)) => {
            canvas::leave(state);
            draft::write(state, character);
            Vec::new()
        }
        (None, None) => Vec::new(),
    }
}

/// One level back; it never destroys.
pub(super) fn back(state: &mut State) -> Vec<Effect> {
    // A toast lies on top of everything.
    if state.toast.take().is_some() || state.overlays.pop().is_some() || completion::close(state) {
        return Vec::new();
    }
    if text_selection::clear(state)
        || compare::close(state)
        || replay::close(state)
        || find::close(state)
        || fork::give_up(state)
    {
        return Vec::new();
    }
    if state.focus == Focus::Canvas {
        canvas::leave(state);
        return Vec::new();
    }
    let since = state.now.since_start;
    match &mut state.activity {
        Activity::Idle => Vec::new(),
        Activity::Loading(_) => {
            state.comparing = None;
            cancel_load(state)
        }
        Activity::Turn(turn) => match turn.stage {
            Stage::Denoising => {
                // While steps wait to be shown, what is to rest is the picture.
                turn.stage = match state.playback.waiting.is_empty() {
                    true => Stage::Pausing { since },
                    false => Stage::Paused,
                };
                if state.composer.is_empty() {
                    canvas::enter(state, FocusedBy::Pause);
                }
                vec![Effect::Pause]
            }
            Stage::Paused => stop(state),
            Stage::Pausing { .. } | Stage::Stopping { .. } => Vec::new(),
        },
    }
}

/// Ends the turn after the running step. In slow motion it ends with the step that is seen: the engine may be far ahead, and
/// the rest comes again when the answer goes on.
fn stop(state: &mut State) -> Vec<Effect> {
    let since = state.now.since_start;
    if playback::is_behind(state) {
        return engine::abandon(state);
    }
    if let Some(turn) = state.running_mut() {
        turn.stage = Stage::Stopping { since };
    }
    engine::hurry(state);
    match state.running() {
        Some(_) => vec![Effect::Stop],
        // Its end was among it.
        None => Vec::new(),
    }
}

pub(super) fn interrupt(state: &mut State) -> Vec<Effect> {
    match &mut state.activity {
        Activity::Loading(load) if load.cancellation == Cancellation::NotRequested => {
            cancel_load(state)
        }
        Activity::Turn(turn) => match turn.stage {
            Stage::Denoising | Stage::Pausing { .. } | Stage::Paused => stop(state),
            Stage::Stopping { .. } => engine::abandon(state),
        },
        Activity::Idle | Activity::Loading(_) => match state.composer.is_empty() {
            true => getting::stop(state).unwrap_or_else(|| clear_or_quit(state)),
            false => clear_or_quit(state),
        },
    }
}

fn cancel_load(state: &mut State) -> Vec<Effect> {
    match &mut state.activity {
        Activity::Loading(load) if load.cancellation == Cancellation::NotRequested => {
            load.cancellation = Cancellation::Requested;
            vec![Effect::CancelLoad]
        }
        Activity::Loading(_) | Activity::Idle | Activity::Turn(_) => Vec::new(),
    }
}

fn clear_or_quit(state: &mut State) -> Vec<Effect> {
    const QUIT_WITHIN: std::time::Duration = std::time::Duration::from_secs(2);
    if !state.composer.is_empty() {
        let draft = state.composer.take();
        state.history.add(&draft);
        state.editing = None;
        return Vec::new();
    }
    if state.quit_until.is_some() {
        return quit(state);
    }
    state.quit_until = Some(state.now.since_start + QUIT_WITHIN);
    Vec::new()
}

/// Leaves, unless a file is being written and the user would rather wait.
pub(super) fn quit(state: &mut State) -> Vec<Effect> {
    match export::ask_to_leave(state) {
        true => Vec::new(),
        false => leave(state),
    }
}

/// What a running turn has come to is kept like a stopped answer.
pub(super) fn leave(state: &mut State) -> Vec<Effect> {
    let mut effects = engine::abandon(state);
    effects.push(Effect::Quit);
    effects
}

pub(super) fn up(state: &mut State) {
    if completion::step(state, -1) || first_run::step(state, -1) {
        return;
    }
    if state.composer.is_empty() && !state.queue.is_empty() {
        if let Some(text) = state.queue.pop_back() {
            state.composer.replace(&text);
        }
    } else if !state.composer.row_up(draft::width(state)) {
        let draft = state.composer.text();
        if let Some(text) = state.history.older(&draft) {
            state.composer.replace(&text);
        }
    }
}

pub(super) fn down(state: &mut State) {
    if completion::step(state, 1) || first_run::step(state, 1) {
        return;
    }
    if !state.composer.row_down(draft::width(state))
        && let Some(text) = state.history.newer()
    {
        state.composer.replace(&text);
    }
}
