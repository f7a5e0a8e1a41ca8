//! Slow motion: steps are shown one by one, as far apart as the playback delay says. The engine does not wait.

use std::time::Duration;

use unmask_core::engine::TurnEvent;

use crate::state::{Stage, State};

/// How far apart steps are shown where they can be seen one by one.
pub(super) const SLOW: Duration = Duration::from_millis(60);

/// Shows steps as they come, or one by one again.
pub(super) fn change_pace(state: &mut State) {
    state.settings.delay = match state.settings.delay.is_zero() {
        true => SLOW,
        false => Duration::ZERO,
    };
    state.notify(match state.settings.delay.is_zero() {
        true => "Steps are shown as fast as they come",
        false => "Steps are shown one by one",
    });
}

/// News of the running turn, if it is shown now; else it waits for its time.
pub(super) fn due(state: &mut State, event: TurnEvent) -> Option<TurnEvent> {
    let waits = match &event {
        TurnEvent::Step(_) | TurnEvent::Finished(_) | TurnEvent::Failed(_) => !is_due(state),
        // The user waits for these.
        TurnEvent::Started { .. } | TurnEvent::Paused(_) | TurnEvent::Resumed => false,
    };
    if waits {
        state.playback.waiting.push_back(event);
        return None;
    }
    Some(shown(state, event))
}

/// The next of what has waited long enough.
pub(super) fn next(state: &mut State) -> Option<TurnEvent> {
    match !is_held(state) && is_time(state) {
        true => next_at_once(state),
        false => None,
    }
}

/// The next of what waits, however long it has.
pub(super) fn next_at_once(state: &mut State) -> Option<TurnEvent> {
    let event = state.playback.waiting.pop_front()?;
    Some(shown(state, event))
}

/// True if steps wait to be shown.
pub(super) fn is_behind(state: &State) -> bool {
    let mut waiting = state.playback.waiting.iter();
    waiting.any(|event| matches!(event, TurnEvent::Step(_)))
}

fn shown(state: &mut State, event: TurnEvent) -> TurnEvent {
    if let TurnEvent::Step(_) = event {
        state.playback.next_at = state.now.since_start + state.settings.delay;
    }
    event
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
