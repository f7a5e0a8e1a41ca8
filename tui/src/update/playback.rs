//! Slow motion: steps are shown one by one, as far apart as the playback delay says. The engine does not wait.

use unmask_core::engine::TurnEvent;

use super::engine::{self, Next};
use crate::effect::Effect;
use crate::state::{Stage, State};

/// News of the running turn: shown now, or when its time comes.
pub(super) fn hear(state: &mut State, event: TurnEvent) -> Vec<Effect> {
    let waits = match &event {
        TurnEvent::Step(_) | TurnEvent::Finished(_) | TurnEvent::Failed(_) => !is_due(state),
        // The user waits for these.
        TurnEvent::Started { .. } | TurnEvent::Paused(_) | TurnEvent::Resumed => false,
    };
    if waits {
        state.playback.waiting.push_back(event);
        return Vec::new();
    }
    show(state, event, Next::Send)
}

/// Shows what has waited long enough.
pub(super) fn catch_up(state: &mut State) -> Vec<Effect> {
    let mut effects = Vec::new();
    while !is_held(state) && is_time(state) {
        let Some(event) = state.playback.waiting.pop_front() else {
            break;
        };
        state.is_dirty = true;
        effects.extend(show(state, event, Next::Send));
    }
    effects
}

/// Shows everything at once. If the end is among it, messages that wait go on waiting.
pub(super) fn hurry(state: &mut State) {
    while let Some(event) = state.playback.waiting.pop_front() {
        show(state, event, Next::Hold);
    }
}

/// True if steps wait to be shown.
pub(super) fn is_behind(state: &State) -> bool {
    let mut waiting = state.playback.waiting.iter();
    waiting.any(|event| matches!(event, TurnEvent::Step(_)))
}

fn show(state: &mut State, event: TurnEvent, next: Next) -> Vec<Effect> {
    if let TurnEvent::Step(_) = event {
        state.playback.next_at = state.now.since_start + state.settings.delay;
    }
    engine::apply(state, event, next)
}

/// True if news may be shown as it comes.
fn is_due(state: &State) -> bool {
    let is_stopping =
        (state.running()).is_some_and(|turn| matches!(turn.stage, Stage::Stopping { .. }));
    is_stopping || (state.playback.waiting.is_empty() && is_time(state))
}

fn is_time(state: &State) -> bool {
    state.settings.delay.is_zero() || state.playback.next_at <= state.now.since_start
}

/// A pause holds the picture too.
fn is_held(state: &State) -> bool {
    state.is_paused()
}
