use std::fmt::Debug;

use unmask_api::TokenId;

use super::{Failure, Message, Pin};
use crate::likelihood::Pair;
use crate::text::pins::PinPlaceError;

/// Bytes of a text that is made tokens whole and then measured window by window: making them takes hundreds of times that.
pub const LONGEST_TEXT: usize = 1 << 20;

/// What becomes of special tokens in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecialTokens {
    /// Their names stand there.
    Named,
    /// They are left out.
    LeftOut,
}

/// Turns text into a model's tokens and back, on any thread.
pub trait ModelText: Debug + Send + Sync {
    /// The tokens of plain text; names of special tokens in it become those tokens, and none are added around it.
    ///
    /// # Errors
    /// If the tokenizer has no token for a part of it.
    fn encode(&self, text: &str) -> Result<Vec<TokenId>, Failure>;

    /// The same, but names of special tokens are text as any other, where there are such names.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    fn encode_names_as_text(&self, text: &str) -> Result<Vec<TokenId>, Failure> {
        self.encode(text)
    }

    /// The tokens of a text that need not fit the context, of [`LONGEST_TEXT`] bytes at most.
    ///
    /// # Errors
    /// As [`encode`](Self::encode); also if it is longer.
    fn encode_long(&self, text: &str) -> Result<Vec<TokenId>, Failure>;

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

    /// The text of the prompt for the next answer, in which names of special tokens stand for those tokens: for what is
    /// measured, or denoised as text.
    ///
    /// # Errors
    /// If the template refuses the messages.
    fn render(&self, messages: &[Message]) -> Result<String, Failure>;

    /// The text of tokens as they are.
    ///
    /// # Errors
    /// If the tokenizer fails.
    fn decode(&self, tokens: &[TokenId], special: SpecialTokens) -> Result<String, Failure>;

    /// The text of a finished answer up to the first of these texts; see [`until_text`](crate::text::until_text).
    ///
    /// # Errors
    /// If the tokenizer fails.
    fn until(&self, answer: &[TokenId], stops: &[String]) -> Result<String, Failure>;

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
