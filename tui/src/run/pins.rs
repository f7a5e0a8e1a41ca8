//! Has pins and other text read by the model's tokenizer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::action::Action;
use crate::state::{PinQuestion, TextQuestion};

/// What a tokenizer is asked.
pub(super) enum TokenizerQuestion {
    /// Where pins go.
    Pins(PinQuestion),
    /// What text comes to.
    Text(TextQuestion),
}

/// The answer to a question.
pub(super) fn answer(question: TokenizerQuestion) -> Option<Action> {
    match question {
        TokenizerQuestion::Pins(question) => read(question),
        TokenizerQuestion::Text(question) => encode(question),
    }
}

fn encode(question: TextQuestion) -> Option<Action> {
    let encode = || question.loaded.text.encode(&question.text);
    let tokens = match catch_unwind(AssertUnwindSafe(encode)) {
        Ok(tokens) => tokens.map_err(|failure| failure.to_string()),
        Err(_) => Err("the tokenizer met a bug on this text".to_owned()),
    };
    Some(Action::Encoded(question, tokens))
}

/// The tokens of the pins; `None` if the tokenizer panics on them, which ends nothing else.
fn read(question: PinQuestion) -> Option<Action> {
    let place = || (question.loaded.text).place(&question.pins, question.length);
    match catch_unwind(AssertUnwindSafe(place)) {
        Ok(tokens) => Some(Action::Placed(question, tokens)),
        Err(_) => {
            tracing::error!("the tokenizer met a bug; pins were not read");
            None
        }
    }
}
