use pulp::NullaryFnOnce;
use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};
use unmask_api::Position;

use super::vectors::in_vectors;

/// Where a sampler's randomness comes from. Draws are named by the call (step of the plan, skipped ones included) and the
/// position, so that they do not depend on which positions are looked at or on how many threads look.
pub trait Noise: Send + Sync {
    /// Gives `take` one uniform draw from [0, 1) per vocabulary entry, in their order, some at a time: what a position's
    /// Gumbel noise is made of.
    fn uniforms(&self, call: usize, at: Position, vocab: usize, take: &mut dyn FnMut(&[f64]));

    /// The same for several positions, by turns: `take` gets the place of a position among `positions` and its next draws.
    fn uniforms_together(
        &self,
        call: usize,
        positions: &[Position],
        vocab: usize,
        take: &mut dyn FnMut(usize, &[f64]),
    ) {
        for (place, &at) in positions.iter().enumerate() {
            self.uniforms(call, at, vocab, &mut |draws| take(place, draws));
        }
    }

    /// One uniform draw from [0, 1): the score of a position under random remasking.
    fn uniform(&self, call: usize, at: Position) -> f32;
}

/// Noise from a seed: the same seed gives the same draws on every machine.
///
/// Differs from the reference: its draws come from PyTorch's generator, which is not reproduced.
#[derive(Debug, Clone, Copy)]
pub struct Seeded(pub u64);

/// Draws that are given at a time: few enough to be at hand when they are used.
const RUN: usize = 256;

/// Positions whose draws are made together, one in each lane of a vector.
pub(super) const TOGETHER: usize = 8;

/// So few positions at least: all lanes cost the same, whether they are used or not.
const WORTH_IT: usize = 3;

impl Seeded {
    /// What the stream of a name is seeded with.
    fn seed(self, kind: u64, call: usize, at: Position) -> u64 {
        let call = call as u64;
        // Odd multipliers spread the names over the seeds; seeding mixes the bits.
        let name = kind
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add(call.wrapping_mul(0xbf58_476d_1ce4_e5b9))
            .wrapping_add(u64::from(at.0).wrapping_mul(0x94d0_49bb_1331_11eb));
        self.0 ^ name
    }

    fn stream(self, kind: u64, call: usize, at: Position) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(self.seed(kind, call, at))
    }
}

/// What kind of draws a stream is for.
const GUMBEL: u64 = 1;
const SCORE: u64 = 2;

impl Noise for Seeded {
    fn uniforms(&self, call: usize, at: Position, vocab: usize, take: &mut dyn FnMut(&[f64])) {
        let mut stream = self.stream(GUMBEL, call, at);
        let mut run = [0.0; RUN];
        let mut left = vocab;
        while left > 0 {
            let run = &mut run[..left.min(RUN)];
            for draw in &mut *run {
                *draw = uniform(stream.next_u64());
            }
            take(run);
            left -= run.len();
        }
    }

    fn uniforms_together(
        &self,
        call: usize,
        positions: &[Position],
        vocab: usize,
        take: &mut dyn FnMut(usize, &[f64]),
    ) {
        for (first, positions) in (0..).step_by(TOGETHER).zip(positions.chunks(TOGETHER)) {
            if positions.len() < WORTH_IT {
                for (place, &at) in (first..).zip(positions) {
                    self.uniforms(call, at, vocab, &mut |draws| take(place, draws));
                }
                continue;
            }
            let mut streams = Streams::default();
            for (place, &at) in positions.iter().enumerate() {
                streams.seed(place, self.seed(GUMBEL, call, at));
            }
            let mut left = vocab;
            while left > 0 {
                let count = left.min(RUN);
                in_vectors(Advance(&mut streams));
                for (place, run) in streams.runs.iter().enumerate().take(positions.len()) {
                    take(first + place, &run[..count]);
                }
                left -= count;
            }
        }
    }

    fn uniform(&self, call: usize, at: Position) -> f32 {
        (self.stream(SCORE, call, at).next_u64() >> 40) as f32 / (1_u64 << 24) as f32
    }
}

#[inline(always)]
fn uniform(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// Several streams of xoshiro256++ (Blackman and Vigna, arXiv:1805.01407) side by side, and the last draws of each.
struct Streams {
    states: [[u64; TOGETHER]; 4],
    runs: [[f64; RUN]; TOGETHER],
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            states: [[0; TOGETHER]; 4],
            runs: [[0.0; RUN]; TOGETHER],
        }
    }
}

impl Streams {
    /// Begins a stream as `Xoshiro256PlusPlus::seed_from_u64` does.
    fn seed(&mut self, place: usize, seed: u64) {
        let mut words = SplitMix64::seed_from_u64(seed);
        for state in &mut self.states {
            state[place] = words.next_u64();
        }
    }
}

/// Makes the next draws of all streams.
struct Advance<'a>(&'a mut Streams);

impl NullaryFnOnce for Advance<'_> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Streams { states, runs } = self.0;
        let [mut a, mut b, mut c, mut d] = *states;
        for first in (0..RUN).step_by(TOGETHER) {
            let mut draws = [[0.0; TOGETHER]; TOGETHER];
            for draws in &mut draws {
                for (lane, draw) in draws.iter_mut().enumerate() {
                    let sum = a[lane].wrapping_add(d[lane]);
                    *draw = uniform(sum.rotate_left(23).wrapping_add(a[lane]));
                    let shifted = b[lane] << 17;
                    c[lane] ^= a[lane];
                    d[lane] ^= b[lane];
                    b[lane] ^= c[lane];
                    a[lane] ^= d[lane];
                    c[lane] ^= shifted;
                    d[lane] = d[lane].rotate_left(45);
                }
            }
            for (lane, run) in runs.iter_mut().enumerate() {
                for (to, draws) in run[first..first + TOGETHER].iter_mut().zip(&draws) {
                    *to = draws[lane];
                }
            }
        }
        *states = [a, b, c, d];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_the_names_alone() {
        let draw = |seed, call, at| {
            let mut draws = Vec::new();
            let take = &mut |run: &[f64]| draws.extend_from_slice(run);
            Seeded(seed).uniforms(call, Position(at), RUN + 3, take);
            draws
        };
        assert_eq!(draw(1, 2, 3).len(), RUN + 3);
        assert_eq!(draw(1, 2, 3), draw(1, 2, 3));
        for other in [draw(2, 2, 3), draw(1, 3, 3), draw(1, 2, 4)] {
            assert_ne!(draw(1, 2, 3), other);
        }
        assert!(draw(1, 2, 3).iter().all(|u| (0.0..1.0).contains(u)));
    }

    #[test]
    fn draws_made_together_are_those_made_alone() {
        for (count, vocab) in [(1, 1), (3, RUN), (8, RUN + 3), (17, 3 * RUN - 1)] {
            let positions: Vec<Position> = (0..count).map(|at| Position(7 * at + 2)).collect();
            let mut together = vec![Vec::new(); positions.len()];
            let take = &mut |place: usize, run: &[f64]| together[place].extend_from_slice(run);
            Seeded(9).uniforms_together(4, &positions, vocab, take);
            for (&at, together) in positions.iter().zip(together) {
                let mut alone = Vec::new();
                Seeded(9).uniforms(4, at, vocab, &mut |run| alone.extend_from_slice(run));
                assert_eq!(together, alone, "{at:?} of {count}");
            }
        }
    }

    #[test]
    fn single_draws_are_uniform_enough() {
        let mean = (0..4096)
            .map(|at| f64::from(Seeded(7).uniform(0, Position(at))))
            .sum::<f64>()
            / 4096.0;
        assert!((mean - 0.5).abs() < 0.03, "{mean}");
    }
}
