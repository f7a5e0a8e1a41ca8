//! News of a model that is being loaded.

use std::sync::Arc;

use unmask_core::engine::{Failure, Loaded};
use unmask_core::precision::PrecisionReason;

use super::begin::send_next;
use super::{compare, load, scan, welcome};
use crate::clean::clean_line;
use crate::effect::Effect;
use crate::precision::with_reason;
use crate::state::{Activity, Cancellation, Load, Settings, State};

/// How far a load is.
pub(super) fn progress(state: &mut State, key: &str, stage: &str, (done, total): (u64, u64)) {
    let now = state.now.since_start;
    let (cancellation, progress_at) = match &state.activity {
        // The same once more is no news.
        Activity::Loading(load)
            if (load.done, load.total) == (done, total) && load.stage == clean_line(stage) =>
        {
            (load.cancellation, load.progress_at)
        }
        Activity::Loading(load) => (load.cancellation, now),
        Activity::Idle => (Cancellation::NotRequested, now),
        // The turn is what the user looks at.
        Activity::Turn(_) => return,
    };
    state.activity = Activity::Loading(Load {
        key: clean_line(key),
        stage: clean_line(stage),
        done,
        total,
        progress_at,
        cancellation,
    });
}

/// A model is there.
pub(super) fn take_model(state: &mut State, loaded: Arc<Loaded>) -> Vec<Effect> {
    let before = state.model.clone().or(state.machine.away.take());
    let was_carried = before.is_some_and(|it| it.provenance.is_carried);
    take_settings(state, &loaded);
    match (loaded.provenance.is_carried, was_carried) {
        (true, _) if loaded.is_untold => welcome::show_colours(state),
        (false, true) => welcome::leave_pace(state),
        (true, _) | (false, false) => (),
    }
    welcome::begin(state);
    tell_choice(state, &loaded);
    state.model = Some(loaded);
    end_load(state);
    let mut effects = compare::take_model(state);
    effects.extend(send_next(state));
    effects
}

/// A word says which precision was chosen for the memory that is free, unless there is another word.
fn tell_choice(state: &mut State, loaded: &Loaded) {
    match loaded.precision_reason {
        PrecisionReason::Fits { .. } | PrecisionReason::Smallest { .. }
            if state.notice.is_none() =>
        {
            let chosen = with_reason(&loaded.facts.precision, loaded.precision_reason);
            state.notify(format!("Precision: {}", clean_line(&chosen)));
        }
        PrecisionReason::Fits { .. }
        | PrecisionReason::Smallest { .. }
        | PrecisionReason::Named
        | PrecisionReason::First
        | PrecisionReason::Small => (),
    }
}

/// The model's settings; a word says what of them will be rounded. What is the user's own stays: pins and playback.
fn take_settings(state: &mut State, loaded: &Loaded) {
    let before = std::mem::take(&mut state.settings);
    state.settings = Settings {
        delay: before.delay,
        pins: before.pins,
        overflow: before.overflow,
        ..Settings::of(loaded)
    };
    state.forward = None;
    let notes = state.settings.fit().notes;
    if !notes.is_empty() {
        state.notify(notes.join(" · "));
    }
}

/// It is not.
pub(super) fn failed(state: &mut State, key: &str, failure: &Failure) -> Vec<Effect> {
    let was_cancelled = match &state.activity {
        Activity::Loading(load) => load.cancellation == Cancellation::Requested,
        Activity::Idle | Activity::Turn(_) => false,
    };
    end_load(state);
    state.comparing = None;
    load::tell_failed_load(state, key, failure, was_cancelled);
    // The first screen says what there is.
    match state.is_first_run() {
        true => scan::scan(state),
        false => Vec::new(),
    }
}

/// A turn, if one runs, goes on.
fn end_load(state: &mut State) {
    if state.running().is_none() {
        state.activity = Activity::Idle;
    }
}
