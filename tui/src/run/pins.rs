//! Has pins read by the model's tokenizer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::action::Action;
use crate::state::PinQuestion;

/// The tokens of the pins; `None` if the tokenizer panics on them, which ends nothing else.
pub(super) fn read(question: PinQuestion) -> Option<Action> {
    let place = || (question.loaded.text).place(&question.pins, question.length);
    match catch_unwind(AssertUnwindSafe(place)) {
        Ok(tokens) => Some(Action::Placed(question, tokens)),
        Err(_) => {
            tracing::error!("the tokenizer met a bug; pins were not read");
            None
        }
    }
}
