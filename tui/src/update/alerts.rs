use std::time::Duration;

use crate::effect::Effect;
use crate::state::{AlertMethod, State, TerminalFocus};

/// A turn that took longer is worth an alert.
const LONG: Duration = Duration::from_secs(10);

/// Follows the turns as they begin and end; alerts the user to a long one that has ended unseen.
pub(super) fn follow(state: &mut State) -> Option<Effect> {
    let now = state.now.since_start;
    let running = state.running().map(|_| state.turn);
    let before = state.alerts.turn;
    if before.map(|(turn, _)| turn) == running {
        return None;
    }
    state.alerts.turn = running.map(|turn| (turn, now));
    let (_, begun) = before?;
    let is_due = now.saturating_sub(begun) > LONG
        && state.alerts.focus == TerminalFocus::Unfocused
        && state.alerts.method != AlertMethod::Off;
    is_due.then_some(Effect::Alert(state.alerts.method))
}
