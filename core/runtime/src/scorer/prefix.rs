use std::ops::Range;

use unmask_api::{Attention, TokenId};

/// The beginning of a sequence whose K/V a slot holds, as every sequence that begins so would make them.
///
/// Where attention is causal, be it by blocks, the K/V of a block depend on nothing behind it: a later forward of this turn or
/// of the next may leave out what has stayed the same. Where it is bidirectional, everything depends on everything, and nothing
/// is ever held.
#[derive(Debug, Clone)]
pub(super) struct Prefix {
    /// Positions that see one another; `None` if all do.
    block: Option<usize>,
    // Invariant: cell p holds the K/V of tokens[p], if the block of p lies within tokens.
    tokens: Vec<TokenId>,
    /// Cells from 0 that were ever written.
    filled: usize,
}

impl Prefix {
    pub(super) fn new(attention: Attention) -> Self {
        let block = match attention {
            Attention::Bidirectional => None,
            Attention::BlockCausal(length) => Some(length.get() as usize),
            Attention::Causal => Some(1),
        };
        Self {
            block,
            tokens: Vec::new(),
            filled: 0,
        }
    }

    /// Whether anything can be held.
    pub(super) fn can_hold(&self) -> bool {
        self.block.is_some()
    }

    /// Cells that positions up to `fed` see of a sequence of so many tokens; those that were never written are not seen.
    pub(super) fn seen_by(&self, fed: usize, length: usize) -> usize {
        let Some(block) = self.block else {
            return length;
        };
        let whole = fed.next_multiple_of(block).min(length);
        whole.min(self.filled.max(fed))
    }

    /// Cells up to `fed` were written.
    pub(super) fn filled_until(&mut self, fed: usize) {
        self.filled = self.filled.max(fed);
    }

    /// Positions of `tokens` from 0 that need not be fed again: whole blocks.
    pub(super) fn held_of(&self, tokens: &[TokenId]) -> usize {
        let Some(block) = self.block else { return 0 };
        let same = self.tokens.iter().zip(tokens).take_while(|(a, b)| a == b);
        let same = same.count();
        same - same % block
    }

    /// Positions from `first` on are about to be written.
    pub(super) fn writing_from(&mut self, first: usize) {
        self.tokens.truncate(first);
    }

    /// Positions `fed` of `tokens` were written, of which the first `held` were held before. Not for tokens behind padding, which
    /// is no part of a sequence that others have in common.
    pub(super) fn written(&mut self, tokens: &[TokenId], held: usize, fed: &Range<usize>) {
        // Behind a gap they were made of what other tokens have left in it.
        let whole = match fed.start <= held {
            true => held.max(fed.end),
            false => held,
        };
        if self.can_hold() {
            self.tokens.clear();
            self.tokens.extend_from_slice(&tokens[..whole]);
        }
    }
}
