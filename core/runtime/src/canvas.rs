//! The sequence being denoised.

use std::ops::Range;

use unmask_api::{Position, TokenId};

/// A prompt followed by an answer, some of whose tokens are still the mask.
///
/// It also knows which tokens were *given* (prompt, pins) rather than committed by a sampler: guidance hides exactly those
/// from its unconditional half, as the reference's `prompt_index = (x != mask_id)` does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canvas {
    // Invariant: given.len() == tokens.len(), padding <= answer_start <= tokens.len().
    tokens: Vec<TokenId>,
    given: Vec<bool>,
    mask: TokenId,
    answer_start: usize,
    padding: usize,
}

impl Canvas {
    /// `prompt` followed by `answer_length` masks. Masks inside the prompt are denoised too.
    #[must_use]
    pub fn new(prompt: &[TokenId], answer_length: usize, mask: TokenId) -> Self {
        let mut tokens = prompt.to_vec();
        tokens.resize(prompt.len() + answer_length, mask);
        Self {
            given: tokens.iter().map(|&token| token != mask).collect(),
            tokens,
            mask,
            answer_start: prompt.len(),
            padding: 0,
        }
    }

    /// Marks the first `padding` tokens as left padding: they are never attended to.
    ///
    /// # Panics
    /// If the padding is longer than the prompt.
    #[must_use]
    pub fn with_padding(mut self, padding: usize) -> Self {
        assert!(
            padding <= self.answer_start,
            "padding is part of the prompt"
        );
        self.padding = padding;
        self
    }

    /// Gives the token at `at`, before denoising begins.
    ///
    /// # Panics
    /// If `at` is beyond the canvas.
    pub fn pin(&mut self, at: Position, token: TokenId) {
        self.tokens[at.index()] = token;
        self.given[at.index()] = token != self.mask;
    }

    /// Fixes one position, as a sampler does.
    ///
    /// # Panics
    /// If `at` is beyond the canvas.
    pub fn commit(&mut self, at: Position, token: TokenId) {
        self.tokens[at.index()] = token;
    }

    /// Every token, masks included.
    #[must_use]
    pub fn tokens(&self) -> &[TokenId] {
        &self.tokens
    }

    /// The tokens after the prompt.
    #[must_use]
    pub fn answer(&self) -> &[TokenId] {
        &self.tokens[self.answer_start..]
    }

    /// Where the answer begins.
    #[must_use]
    pub fn answer_start(&self) -> usize {
        self.answer_start
    }

    /// Length of the left padding.
    #[must_use]
    pub fn padding(&self) -> usize {
        self.padding
    }

    /// The mask's id.
    #[must_use]
    pub fn mask(&self) -> TokenId {
        self.mask
    }

    /// All positions, prompt included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// True for a canvas of no positions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// True if the token at `at` is the mask.
    #[must_use]
    pub fn is_masked(&self, at: Position) -> bool {
        self.tokens[at.index()] == self.mask
    }

    /// True if the token at `at` was there before denoising began: prompt or pin.
    #[must_use]
    pub fn is_given(&self, at: Position) -> bool {
        self.given[at.index()]
    }

    /// One past the last token of the answer that was given, or where the answer begins if none was.
    ///
    /// An end token before it ends nothing: what the user pinned is part of the answer.
    #[must_use]
    pub fn pinned_until(&self) -> usize {
        let pinned = |&index: &usize| self.given[index];
        let last = (self.answer_start..self.len()).rev().find(pinned);
        last.map_or(self.answer_start, |index| index + 1)
    }

    /// The masked positions of `range`, in order.
    pub fn masked_in(&self, range: Range<usize>) -> impl Iterator<Item = Position> + '_ {
        range
            .map(|index| Position(index as u32))
            .filter(|&at| self.is_masked(at))
    }
}
