//! How the screen changes: pure functions. [`update`] is the only writer of the state.

mod draft;
mod engine;
mod keys;
mod order;
mod overlay;
mod prepare;
mod scroll;

#[cfg(test)]
mod tests;

pub use prepare::prepare;

use crate::action::{Action, Moment};
use crate::effect::Effect;
use crate::state::{Activity, Stage, State};

/// Applies one action; the effects are for the loop to carry out, in order.
pub fn update(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Time(moment) => {
            pass_time(state, moment);
            return draft::send_held(state);
        }
        Action::Resize(size) if size == state.size => return Vec::new(),
        Action::Resize(size) => state.size = size,
        Action::Wheel(rows) => scroll::by(state, rows),
        Action::Paste(text) => {
            draft::write_held(state);
            draft::paste(state, &text);
        }
        Action::Burst(text) => {
            draft::write_held(state);
            draft::burst(state, &text);
        }
        Action::Key(event) => {
            state.is_dirty = true;
            draft::write_held(state);
            return keys::press(state, event);
        }
        Action::Do(command) => {
            state.is_dirty = true;
            return keys::perform(state, command);
        }
        Action::Order(order) => {
            state.is_dirty = true;
            return order::carry_out(state, order);
        }
        Action::Engine(event) => {
            state.is_dirty = true;
            return engine::hear(state, event);
        }
    }
    state.is_dirty = true;
    Vec::new()
}

/// Lets notices go and counters move; nothing else is drawn anew because time passes.
fn pass_time(state: &mut State, moment: Moment) {
    state.now = moment;
    let now = moment.since_start;
    if state.notice.as_ref().is_some_and(|it| it.until <= now) {
        state.notice = None;
        state.is_dirty = true;
    }
    if state.quit_until.is_some_and(|until| until <= now) {
        state.quit_until = None;
        state.is_dirty = true;
    }
    state.is_dirty |= match &state.activity {
        Activity::Idle => false,
        Activity::Loading(_) => true,
        Activity::Turn(turn) => match turn.stage {
            Stage::Pausing { .. } | Stage::Stopping { .. } => true,
            Stage::Denoising | Stage::Paused => false,
        },
    };
}
