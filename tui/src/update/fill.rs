//! A text with blanks: the answer is that text, and only its blanks are denoised, from both sides.

use unmask_core::engine::{FillPart, Message, Role};

use super::begin::{self, TurnStart};
use super::last_turn;
use crate::effect::Effect;
use crate::state::{Entry, State, TurnOrigin, View, first_words};

/// Has the blanks filled. What was said before is the context, and the text itself what is asked.
pub(super) fn fill(state: &mut State, template: String, parts: Vec<FillPart>) -> Vec<Effect> {
    let Some(loaded) = last_turn::free_model(state) else {
        return Vec::new();
    };
    let mut messages = state.transcript.messages();
    messages.push(Message {
        role: Role::User,
        content: template.clone(),
    });
    if state.title.is_empty() {
        state.title = first_words(&template);
    }
    state.transcript.push(Entry::You {
        text: template.clone(),
        at: state.now.clock,
    });
    state.transcript.view = View::Follow;
    let start = TurnStart {
        loaded,
        prompt: template,
        origin: TurnOrigin::Asked,
        seed: None,
    };
    vec![begin::ask_fill(state, start, messages, parts)]
}
