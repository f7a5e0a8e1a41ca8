use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use unmask_api::Position;

/// Where a sampler's randomness comes from. Draws are named by the call (step of the plan, skipped ones included) and the
/// position, so that they do not depend on which positions are looked at or on how many threads look.
pub trait Noise: Send + Sync {
    /// Gives `take` one uniform draw from [0, 1) per vocabulary entry, in their order, some at a time: what a position's
    /// Gumbel noise is made of.
    fn uniforms(&self, call: usize, at: Position, vocab: usize, take: &mut dyn FnMut(&[f64]));

    /// One uniform draw from [0, 1): the score of a position under random remasking.
    fn uniform(&self, call: usize, at: Position) -> f32;
}

/// Noise from a seed: the same seed gives the same draws on every machine.
///
/// Differs from the reference: its draws come from PyTorch's generator, which is not reproduced.
#[derive(Debug, Clone, Copy)]
pub struct Seeded(pub u64);

/// Draws that are given at a time: few enough to be at hand when they are used.
const RUN: usize = 1024;

impl Seeded {
    fn stream(self, kind: u64, call: usize, at: Position) -> Xoshiro256PlusPlus {
        let call = call as u64;
        // Odd multipliers spread the names over the seeds; `seed_from_u64` mixes the bits.
        let name = kind
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add(call.wrapping_mul(0xbf58_476d_1ce4_e5b9))
            .wrapping_add(u64::from(at.0).wrapping_mul(0x94d0_49bb_1331_11eb));
        Xoshiro256PlusPlus::seed_from_u64(self.0 ^ name)
    }
}

impl Noise for Seeded {
    fn uniforms(&self, call: usize, at: Position, vocab: usize, take: &mut dyn FnMut(&[f64])) {
        let mut stream = self.stream(1, call, at);
        let mut run = [0.0; RUN];
        let mut left = vocab;
        while left > 0 {
            let run = &mut run[..left.min(RUN)];
            for draw in &mut *run {
                *draw = (stream.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
            }
            take(run);
            left -= run.len();
        }
    }

    fn uniform(&self, call: usize, at: Position) -> f32 {
        (self.stream(2, call, at).next_u64() >> 40) as f32 / (1_u64 << 24) as f32
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
    fn single_draws_are_uniform_enough() {
        let mean = (0..4096)
            .map(|at| f64::from(Seeded(7).uniform(0, Position(at))))
            .sum::<f64>()
            / 4096.0;
        assert!((mean - 0.5).abs() < 0.03, "{mean}");
    }
}
