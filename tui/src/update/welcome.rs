use super::{draft, playback};
use crate::effect::Effect;
use crate::state::{DialPosition, PROMPTS, State};

/// Asks the prompt of this number, counted from 1.
pub(super) fn ask(state: &mut State, number: u8) -> Vec<Effect> {
    let prompt = usize::from(number)
        .checked_sub(1)
        .and_then(|at| PROMPTS.get(at));
    let Some(prompt) = prompt.filter(|_| state.welcomed().is_some()) else {
        return Vec::new();
    };
    state.composer.replace(prompt);
    draft::submit(state)
}

/// Puts the first prompt into the draft, to be changed; false if there is no welcome.
pub(super) fn edit(state: &mut State) -> bool {
    let is_shown = state.welcomed().is_some() && state.composer.is_empty();
    if is_shown {
        state.composer.replace(PROMPTS[0]);
    }
    is_shown
}

/// Begins to show the recorded answer, the first time that there is something to chat with.
pub(super) fn begin(state: &mut State) {
    let now = state.now.since_start;
    if let Some(welcome) = &mut state.welcome {
        welcome.began.get_or_insert(now);
    }
}

/// Marks the screen if the welcome shows something else now than it did.
pub(super) fn pass_time(state: &mut State, before: std::time::Duration) {
    let now = state.now.since_start;
    let moves = state.welcomed().is_some_and(|welcome| {
        state.overlays.is_empty()
            && state.motion == crate::state::Motion::Full
            && welcome.shown(before) != welcome.shown(now)
    });
    state.is_dirty |= moves;
}

/// The model that the program carries starts where its colours can be seen: few forwards, shown one by one. What somebody
/// has set is left alone.
pub(super) fn show_colours(state: &mut State) {
    let is_plain = state.settings.speed() == Some(DialPosition::Quality);
    if is_plain && state.settings.delay.is_zero() {
        state.settings.set_speed(DialPosition::Fast);
        state.settings.delay = playback::SLOW;
    }
}

/// The pace of the carried model stays with it, unless somebody has set another one.
pub(super) fn leave_pace(state: &mut State) {
    if state.settings.delay == playback::SLOW {
        state.settings.delay = std::time::Duration::ZERO;
    }
}
