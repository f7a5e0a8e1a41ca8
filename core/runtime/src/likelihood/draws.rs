//! Which tokens of a continuation each draw masks.

use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
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

/// How many tokens the draws of a stratum mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountRule {
    /// The reference's rounding, [`mask_counts`]: where counts fall on halves, even ones come up to three times as often.
    #[default]
    Reference,
    /// Every count comes equally often.
    Uniform,
}

/// Which pairs are masked alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pairing {
    /// Those of one context and one length of continuation, so that choices are compared under the same masks.
    #[default]
    SameLength,
    /// Only equal ones.
    Independent,
}

/// What the masks of a pair follow from, besides the pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Masking {
    /// Of all draws.
    pub seed: u64,
    /// How many tokens are masked.
    pub rule: CountRule,
    /// Which pairs are masked alike.
    pub pairing: Pairing,
}

/// Draws for one pair, without end.
pub(super) struct Draws<'p> {
    pair: &'p Pair,
    mask: TokenId,
    rule: CountRule,
    random: Xoshiro256PlusPlus,
}

impl<'p> Draws<'p> {
    pub(super) fn new(pair: &'p Pair, mask: TokenId, masking: Masking) -> Self {
        let alone: &[TokenId] = match masking.pairing {
            Pairing::SameLength => &[],
            Pairing::Independent => &pair.continuation,
        };
        let word = |token: &TokenId| u64::from(token.0);
        let seed = (pair.context.iter().map(word))
            .chain([pair.continuation.len() as u64])
            .chain(alone.iter().map(word))
            .fold(masking.seed, |seed, word| mix(seed ^ mix(word)));
        Self {
            pair,
            mask,
            rule: masking.rule,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
        }
    }

    /// Masks a stratified number of tokens in each of `draws` draws; the reference's `forward_process`.
    pub(super) fn stratum(&mut self, draws: usize) -> Vec<Perturbed> {
        let length = self.pair.continuation.len();
        let counts = match self.rule {
            CountRule::Reference => {
                let first = below(&mut self.random, length) + 1;
                mask_counts(draws, length, first)
            }
            // 53 bits are what a float holds of [0, 1).
            CountRule::Uniform => {
                let offset = (self.random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
                uniform_counts(draws, length, offset)
            }
        };
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

/// Masks per row of a batch: evenly spread from `offset`, 0 to 1, over 1 to `length`, wrapping round; each count is that of
/// an equal share of all offsets.
pub(super) fn uniform_counts(batch: usize, length: usize, offset: f64) -> Vec<usize> {
    let share = |index: usize| (offset + index as f64 / batch as f64).fract();
    let count = |index| (share(index) * length as f64) as usize + 1;
    (0..batch).map(|index| count(index).min(length)).collect()
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
