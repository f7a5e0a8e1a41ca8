use std::time::Duration;

use crate::effect::Effect;
use crate::state::{Call, Gaze, State};

/// A turn that took longer is worth a call.
const LONG: Duration = Duration::from_secs(10);

/// Follows the turns as they begin and end; calls the user to a long one that has ended unseen.
pub(super) fn follow(state: &mut State) -> Option<Effect> {
    let now = state.now.since_start;
    let running = state.running().map(|_| state.turn);
    let before = state.attention.turn;
    if before.map(|(turn, _)| turn) == running {
        return None;
    }
    state.attention.turn = running.map(|turn| (turn, now));
    let (_, begun) = before?;
    let is_due = now.saturating_sub(begun) > LONG
        && state.attention.gaze == Gaze::Elsewhere
        && state.attention.call != Call::Off;
    is_due.then_some(Effect::Call(state.attention.call))
}
