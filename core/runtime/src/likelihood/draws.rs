//! Which tokens of a continuation each draw masks.

use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use unmask_api::TokenId;

use super::Pair;

/// One draw: a continuation with some tokens masked.
#[derive(Debug, Clone, PartialEq)]
pub struct Perturbed {
    /// Context and continuation, `[length]`.
    pub tokens: Vec<TokenId>,
    /// Share of the continuation that is masked, above 0 and at most 1.
    pub mask_ratio: f64,
}

/// Draws for one pair, without end; equal for pairs of the same context and the same length of continuation, so that choices
/// are compared under the same masks.
pub(super) struct Draws<'p> {
    pair: &'p Pair,
    mask: TokenId,
    random: Xoshiro256PlusPlus,
}

impl<'p> Draws<'p> {
    pub(super) fn new(pair: &'p Pair, mask: TokenId, seed: u64) -> Self {
        let seed = (pair.context.iter().map(|token| u64::from(token.0)))
            .chain([pair.continuation.len() as u64])
            .fold(seed, |seed, word| mix(seed ^ mix(word)));
        Self {
            pair,
            mask,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
        }
    }

    /// Masks a stratified number of tokens in each of `draws` draws; the reference's `forward_process`.
    pub(super) fn stratum(&mut self, draws: usize) -> Vec<Perturbed> {
        let length = self.pair.continuation.len();
        let first = below(&mut self.random, length) + 1;
        let counts = mask_counts(draws, length, first);
        counts.iter().map(|&count| self.masked(count)).collect()
    }

    fn masked(&mut self, count: usize) -> Perturbed {
        let length = self.pair.continuation.len();
        let mut order: Vec<usize> = (0..length).collect();
        for taken in 0..count {
            order.swap(taken, taken + below(&mut self.random, length - taken));
        }
        perturbed(self.pair, self.mask, order.into_iter().take(count))
    }
}

/// Every way to mask one token or more, `2^L - 1` draws of a continuation of L tokens, 31 at most.
pub(super) fn every_draw(pair: &Pair, mask: TokenId) -> impl Iterator<Item = Perturbed> + '_ {
    let length = pair.continuation.len();
    (1..1_u32 << length).map(move |set| {
        let masked = (0..length).filter(move |at| set & (1 << at) != 0);
        perturbed(pair, mask, masked)
    })
}

fn perturbed(pair: &Pair, mask: TokenId, masked: impl Iterator<Item = usize>) -> Perturbed {
    let mut tokens = pair.sequence();
    let answer = &mut tokens[pair.context.len()..];
    let mut count = 0;
    for at in masked {
        answer[at] = mask;
        count += 1;
    }
    let mask_ratio = f64::from(count) / answer.len() as f64;
    Perturbed { tokens, mask_ratio }
}

/// Masks per row of a batch of 1 and up whose first row has `first`: evenly spread over 1 to `length`, wrapping round.
///
/// The reference's `forward_process`: `(round(linspace(k, k + (b-1) * (t/b), b)) - 1) % t + 1`, in float32, rounding half
/// to even.
#[must_use]
pub fn mask_counts(batch: usize, length: usize, first: usize) -> Vec<usize> {
    let start = first as f32;
    let gaps = batch.saturating_sub(1);
    let end = (first as f64 + gaps as f64 * (length as f64 / batch as f64)) as f32;
    let step = (end - start) / gaps.max(1) as f32;
    let value = |index: usize| {
        // torch.linspace counts its first half up from the start and the second half down from the end.
        if index < batch / 2 || batch == 1 {
            start + step * index as f32
        } else {
            end - step * (gaps - index) as f32
        }
    };
    (0..batch)
        .map(|index| (value(index).round_ties_even() as usize + length - 1) % length + 1)
        .collect()
}

/// A number below `bound`; the bias of the remainder is below 2^-40 for any answer.
fn below(random: &mut Xoshiro256PlusPlus, bound: usize) -> usize {
    (random.next_u64() % bound.max(1) as u64) as usize
}

/// The finaliser of SplitMix64, <https://prng.di.unimi.it/splitmix64.c>.
fn mix(word: u64) -> u64 {
    let mut mixed = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
