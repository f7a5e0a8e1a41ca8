//! A text with blanks: the answer is that text, and only its blanks are denoised, from both sides.

use unmask_core::engine::FillPart;

use super::{begin, last_turn};
use crate::effect::Effect;
use crate::state::{MessageKind, State};

/// Has the blanks filled. What was said before is the context, and the text itself what is asked.
pub(super) fn fill(state: &mut State, template: String, parts: Vec<FillPart>) -> Vec<Effect> {
    let Some(loaded) = last_turn::free_model(state) else {
        return Vec::new();
    };
    let (start, messages) = begin::say(state, loaded, template, MessageKind::Blanks);
    let params = state.settings.fit().params;
    vec![begin::ask_fill(state, start, messages, parts, params)]
}
