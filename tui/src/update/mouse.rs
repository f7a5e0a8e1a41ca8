use super::text_selection;
use crate::effect::{Effect, Mouse};
use crate::state::State;

/// Gives the mouse to the screen or to the terminal.
pub(super) fn give(state: &mut State, mouse: Mouse) -> Vec<Effect> {
    state.mouse = mouse;
    text_selection::let_go(state);
    state.notify(match mouse {
        Mouse::Captured => {
            "The mouse is captured: the wheel scrolls, drag selects; with Shift the terminal does"
        }
        Mouse::Released => "The mouse is the terminal's: drag selects",
    });
    vec![Effect::Mouse(mouse)]
}

/// Gives it to the other one.
pub(super) fn toggle(state: &mut State) -> Vec<Effect> {
    let other = match state.mouse {
        Mouse::Captured => Mouse::Released,
        Mouse::Released => Mouse::Captured,
    };
    give(state, other)
}
