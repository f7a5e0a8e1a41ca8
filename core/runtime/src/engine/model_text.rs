use std::fmt::Debug;

use unmask_api::TokenId;

use super::{Failure, Message, Pin};
use crate::likelihood::Pair;
use crate::text::pins::PinPlaceError;

/// Turns text into a model's tokens and back, on any thread.
pub trait ModelText: Debug + Send + Sync {
    /// The tokens of plain text; names of special tokens in it become those tokens, and none are added around it.
    ///
    /// # Errors
    /// If the tokenizer has no token for a part of it.
    fn encode(&self, text: &str) -> Result<Vec<TokenId>, Failure>;

    /// The tokens of a context and its continuation, for [`Engine::measure`](super::Engine::measure); see
    /// [`encode_pair`](crate::text::encode_pair).
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    fn pair(&self, context: &str, continuation: &str) -> Result<Pair, Failure>;

    /// The prompt for the next answer, by the checkpoint's chat template.
    ///
    /// # Errors
    /// If the template refuses the messages.
    fn prompt(&self, messages: &[Message]) -> Result<Vec<TokenId>, Failure>;

    /// The tokens of each pinned word, which lie at its position and behind it in an answer of `length` positions.
    ///
    /// # Errors
    /// The first pin that does not fit.
    fn place(&self, pins: &[Pin], length: usize) -> Result<Vec<Vec<TokenId>>, PinPlaceError>;

    /// The visible text of a finished answer: before the first end token, masks and special tokens left out.
    ///
    /// # Errors
    /// If the tokenizer fails.
    fn finished(&self, answer: &[TokenId]) -> Result<String, Failure>;

    /// The visible text of a stopped answer: as above, up to the first mask.
    ///
    /// # Errors
    /// If the tokenizer fails.
    fn stopped(&self, answer: &[TokenId]) -> Result<String, Failure>;
}
