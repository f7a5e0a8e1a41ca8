//! Whether a command can be carried out now; menu, palette and slash commands all ask here.

use crate::action::Command;
use crate::slash::{Need, Slash};
use crate::state::{Activity, State};

/// Whether `command` can be carried out now.
///
/// # Errors
/// Why not, in a few words.
pub fn command(state: &State, command: &Command) -> Result<(), &'static str> {
    Slash::of(command).map_or(Ok(()), |slash| of(state, slash))
}

/// Whether a slash command can be carried out now.
///
/// # Errors
/// Why not, in a few words.
pub fn of(state: &State, slash: &Slash) -> Result<(), &'static str> {
    match slash.need {
        Need::Nothing => Ok(()),
        Need::Idle => idle(state),
        Need::Model => model(state),
        Need::Ready => model(state).and_then(|()| idle(state)),
        Need::Work if state.machine.getting.is_some() => Ok(()),
        Need::Work if matches!(state.activity, Activity::Idle) => Err("no answer is being written"),
        Need::Work => Ok(()),
        Need::Paused if !state.is_paused() => Err("no answer is paused"),
        Need::Paused => Ok(()),
    }
}

fn idle(state: &State) -> Result<(), &'static str> {
    match state.running() {
        Some(_) => Err("an answer is being written: stop it first"),
        None => Ok(()),
    }
}

fn model(state: &State) -> Result<(), &'static str> {
    match state.model {
        Some(_) => Ok(()),
        None => Err("no model is loaded"),
    }
}
