use crate::action::Order;
use crate::clean::clean_line;
use crate::effect::Effect;
use crate::state::State;

/// What a slash command with an argument, or a panel, asks for.
pub(super) fn carry_out(state: &mut State, order: Order) -> Vec<Effect> {
    match order {
        Order::Rename(title) => state.title = clean_line(&title),
    }
    Vec::new()
}
