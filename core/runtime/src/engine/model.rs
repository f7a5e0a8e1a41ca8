use std::ops::ControlFlow;
use std::sync::Arc;

use unmask_api::{LoadProgress, Model, TokenId};

use super::{Failure, LoadRequest, Loaded, Message, Pin};
use crate::text::pins::PinPlaceError;

/// Turns text into a model's tokens and back.
pub trait ModelText: Send {
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

/// A model that is ready for turns.
pub struct ReadyModel {
    /// The weights.
    pub model: Box<dyn Model>,
    /// Its text.
    pub text: Box<dyn ModelText>,
    /// What the world may know of it.
    pub loaded: Arc<Loaded>,
}

/// Finds and loads models for the engine.
pub trait Loader: Send {
    /// Loads what `request` names; `progress` hears of it and may break it off.
    ///
    /// # Errors
    /// If the model or its backend is missing, damaged, too large, or the load was broken off.
    fn load(
        &mut self,
        request: &LoadRequest,
        progress: &(dyn Fn(LoadProgress<'_>) -> ControlFlow<()> + Sync),
    ) -> Result<ReadyModel, Failure>;
}
