//! The sequence being denoised.

use std::ops::Range;

use unmask_api::{Position, TokenId};

use crate::event::{Commit, CommitKind};

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

    /// Becomes `other`, in the memory that it has.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        let Self {
            tokens,
            given,
            mask,
            answer_start,
            padding,
        } = other;
        self.tokens.clone_from(tokens);
        self.given.clone_from(given);
        (self.mask, self.answer_start, self.padding) = (*mask, *answer_start, *padding);
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

    /// Puts another token in the place of one; returns the one that stood there.
    ///
    /// # Panics
    /// If `at` is beyond the canvas.
    pub fn edit(&mut self, at: Position, token: TokenId) -> TokenId {
        std::mem::replace(&mut self.tokens[at.index()], token)
    }

    /// Masks a position again, which is then no longer given; returns the token that stood there.
    ///
    /// # Panics
    /// If `at` is beyond the canvas.
    pub fn remask(&mut self, at: Position) -> TokenId {
        self.given[at.index()] = false;
        self.edit(at, self.mask)
    }

    /// Makes room for a token before `at`, which may be the canvas's end. Where the answer begins it becomes the answer's
    /// first, and behind the padding the prompt's.
    ///
    /// # Panics
    /// If `at` is beyond the canvas's end.
    pub fn insert(&mut self, at: Position, token: TokenId) {
        self.tokens.insert(at.index(), token);
        self.given.insert(at.index(), false);
        self.answer_start += usize::from(at.index() < self.answer_start);
        self.padding += usize::from(at.index() < self.padding);
    }

    /// Takes a position away; returns the token that stood there.
    ///
    /// # Panics
    /// If `at` is beyond the canvas.
    pub fn remove(&mut self, at: Position) -> TokenId {
        self.given.remove(at.index());
        self.answer_start -= usize::from(at.index() < self.answer_start);
        self.padding -= usize::from(at.index() < self.padding);
        self.tokens.remove(at.index())
    }

    /// Writes the canvas to `tokens` as guidance's unconditional half sees it: every token masked that was there before
    /// denoising began.
    pub(crate) fn hide_given(&self, tokens: &mut Vec<TokenId>) {
        let hidden = self.tokens.iter().zip(&self.given);
        tokens.clear();
        tokens.extend(hidden.map(|(&token, &is_given)| match is_given {
            true => self.mask,
            false => token,
        }));
    }

    /// Does what `commit` tells.
    ///
    /// # Panics
    /// If its position is beyond the canvas.
    pub fn apply(&mut self, commit: &Commit) {
        let Commit { at, token, .. } = *commit;
        match commit.kind {
            CommitKind::New => self.commit(at, token),
            CommitKind::Changed => drop(self.edit(at, token)),
            CommitKind::Remasked => drop(self.remask(at)),
            CommitKind::Inserted => self.insert(at, token),
            CommitKind::Deleted => drop(self.remove(at)),
            CommitKind::Pinned => self.pin(at, token),
        }
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

    /// The masked positions of `range`, in order; what lies beyond the canvas has none.
    pub fn masked_in(&self, range: Range<usize>) -> impl Iterator<Item = Position> + '_ {
        (range.start..range.end.min(self.len()))
            .map(|index| Position(index as u32))
            .filter(|&at| self.is_masked(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: TokenId = TokenId(0);

    /// Two positions of padding, two of prompt, and an answer of two masks and a pin.
    fn canvas() -> Canvas {
        let mut canvas = Canvas::new(&[9, 9, 3, 4].map(TokenId), 3, MASK).with_padding(2);
        canvas.pin(Position(6), TokenId(7));
        canvas
    }

    /// Tokens, then where padding ends, where the answer begins and where the pins end.
    #[track_caller]
    fn check(
        change: impl FnOnce(&mut Canvas),
        tokens: &[u32],
        padding: usize,
        answer: usize,
        pins: usize,
    ) {
        let mut canvas = canvas();
        change(&mut canvas);
        let got: Vec<u32> = canvas.tokens().iter().map(|token| token.0).collect();
        assert_eq!(got, tokens);
        let places = (
            canvas.padding(),
            canvas.answer_start(),
            canvas.pinned_until(),
        );
        assert_eq!(places, (padding, answer, pins));
    }

    #[test]
    fn what_is_inserted_moves_all_that_stands_behind_it() {
        let insert = |at| move |canvas: &mut Canvas| canvas.insert(Position(at), TokenId(5));
        check(insert(0), &[5, 9, 9, 3, 4, 0, 0, 7], 3, 5, 8);
        check(insert(2), &[9, 9, 5, 3, 4, 0, 0, 7], 2, 5, 8);
        check(insert(4), &[9, 9, 3, 4, 5, 0, 0, 7], 2, 4, 8);
        check(insert(6), &[9, 9, 3, 4, 0, 0, 5, 7], 2, 4, 8);
        check(insert(7), &[9, 9, 3, 4, 0, 0, 7, 5], 2, 4, 7);
    }

    #[test]
    fn what_is_removed_draws_all_behind_it_nearer() {
        let remove = |at| {
            move |canvas: &mut Canvas| {
                canvas.remove(Position(at));
            }
        };
        check(remove(1), &[9, 3, 4, 0, 0, 7], 1, 3, 6);
        check(remove(3), &[9, 9, 3, 0, 0, 7], 2, 3, 6);
        check(remove(4), &[9, 9, 3, 4, 0, 7], 2, 4, 6);
        check(remove(6), &[9, 9, 3, 4, 0, 0], 2, 4, 4);
    }

    #[test]
    fn a_pin_that_is_masked_again_is_given_no_more_and_one_that_is_edited_still_is() {
        check(
            |it| {
                it.remask(Position(6));
            },
            &[9, 9, 3, 4, 0, 0, 0],
            2,
            4,
            4,
        );
        check(
            |it| {
                it.edit(Position(6), TokenId(8));
            },
            &[9, 9, 3, 4, 0, 0, 8],
            2,
            4,
            7,
        );
    }
}
