//! The token that wins under Gumbel noise: the reference's score in float64, computed only where it can win.
//!
//! As `-ln u >= 1 - u`, no entry's score is above `exp(logit) / (1 - u)^temperature`. So an entry whose `1 - u` is above what
//! the best score so far leaves it, given the best logit of its neighbourhood, is passed by without a logarithm: in a
//! vocabulary all but some dozens.

use pulp::NullaryFnOnce;

use super::vectors::in_vectors;

/// `exp(logit) / (-ln u)^temperature` in float64; the reference's `add_gumbel_noise`.
#[must_use]
pub fn gumbel_score(logit: f64, draw: f64, temperature: f64) -> f64 {
    logit.exp() / (-draw.ln()).powf(temperature)
}

/// The first entry of the highest [`gumbel_score`] of a row, found as the row's draws come in; NaN is never the highest.
pub(super) struct GumbelArgmax<'a> {
    row: &'a [f32],
    temperature: f64,
    /// Entries that were looked at.
    seen: usize,
    best: usize,
    score: f64,
    /// The natural logarithm of `score`, or minus infinity where no bound is to be built on it.
    log_score: f64,
}

/// Entries that share a bound.
const CHUNK: usize = 256;

impl<'a> GumbelArgmax<'a> {
    /// For a row of logits, with a temperature above 0.
    pub(super) fn new(row: &'a [f32], temperature: f64) -> Self {
        Self {
            row,
            temperature,
            seen: 0,
            best: 0,
            score: f64::NEG_INFINITY,
            log_score: f64::NEG_INFINITY,
        }
    }

    /// The next entries' draws; those beyond the row count for nothing.
    pub(super) fn take(&mut self, draws: &[f64]) {
        for draws in draws.chunks(CHUNK) {
            let row = &self.row[self.seen..];
            let (logits, draws) = match row.len() < draws.len() {
                true => (row, &draws[..row.len()]),
                false => (&row[..draws.len()], draws),
            };
            self.take_chunk(logits, draws);
            self.seen += logits.len();
        }
    }

    fn take_chunk(&mut self, logits: &[f32], draws: &[f64]) {
        let (highest, latest) = in_vectors(Greatest { logits, draws });
        let mut limit = self.limit(highest);
        if 1.0 - latest > limit {
            return;
        }
        for (index, (&logit, &draw)) in (self.seen..).zip(logits.iter().zip(draws)) {
            if 1.0 - draw > limit {
                continue;
            }
            let score = gumbel_score(f64::from(logit), draw, self.temperature);
            if score > self.score {
                self.raise(index, score);
                limit = self.limit(highest);
            }
        }
    }

    /// The entry; 0 if every score is NaN.
    pub(super) fn best(&self) -> usize {
        self.best
    }

    fn raise(&mut self, index: usize, score: f64) {
        /// Below it, and at greater powers, numbers lose bits.
        const LEAST: f64 = 1e-290;
        /// The greatest power of `-ln u`, which is 2^-53 and up, that stays above [`LEAST`].
        const MOST: f64 = 16.0;
        self.best = index;
        self.score = score;
        self.log_score = match score >= LEAST && self.temperature <= MOST {
            true => score.ln(),
            false => f64::NEG_INFINITY,
        };
    }

    /// No entry wins whose logit is at most `logit` and whose `1 - u` is above this.
    fn limit(&self, logit: f32) -> f64 {
        /// The exponential of a logit above it may be infinite; of one below its negative it loses bits.
        const MOST: f32 = 700.0;
        /// Far more than the rounding of the scores and of this bound, in the exponent.
        const ROUNDING: f64 = 1e-9;
        if logit > MOST {
            return f64::INFINITY;
        }
        let most = (f64::from(logit.max(-MOST)) - self.log_score + ROUNDING) / self.temperature;
        (most + ROUNDING).exp()
    }
}

const LANES: usize = 16;

/// The [`highest`] logit and the [`latest`] draw.
struct Greatest<'a> {
    logits: &'a [f32],
    draws: &'a [f64],
}

impl NullaryFnOnce for Greatest<'_> {
    type Output = (f32, f64);
    #[inline(always)]
    fn call(self) -> (f32, f64) {
        (highest(self.logits), latest(self.draws))
    }
}

/// The greatest logit, NaN left out; in lanes that the compiler turns into vector code.
#[inline(always)]
fn highest(logits: &[f32]) -> f32 {
    let greater = |most: f32, next: f32| if next > most { next } else { most };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (whole, rest) = logits.as_chunks::<LANES>();
    for group in whole {
        for (lane, &logit) in lanes.iter_mut().zip(group) {
            *lane = greater(*lane, logit);
        }
    }
    lanes
        .iter()
        .chain(rest)
        .copied()
        .fold(f32::NEG_INFINITY, greater)
}

/// The greatest draw, as [`highest`].
#[inline(always)]
fn latest(draws: &[f64]) -> f64 {
    let greater = |most: f64, next: f64| if next > most { next } else { most };
    let mut lanes = [f64::NEG_INFINITY; LANES];
    let (whole, rest) = draws.as_chunks::<LANES>();
    for group in whole {
        for (lane, &draw) in lanes.iter_mut().zip(group) {
            *lane = greater(*lane, draw);
        }
    }
    lanes
        .iter()
        .chain(rest)
        .copied()
        .fold(f64::NEG_INFINITY, greater)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unmask_api::Position;

    use super::*;
    use crate::sampler::{Noise as _, Seeded};

    /// Every score, compared in order: what the bound must not change.
    fn naive(row: &[f32], draws: &[f64], temperature: f64) -> usize {
        let mut best = (0, f64::NEG_INFINITY);
        for (index, (&logit, &draw)) in row.iter().zip(draws).enumerate() {
            let score = gumbel_score(f64::from(logit), draw, temperature);
            if score > best.1 {
                best = (index, score);
            }
        }
        best.0
    }

    fn draws(seed: u64, count: usize) -> Vec<f64> {
        let mut draws = Vec::with_capacity(count);
        let take = &mut |run: &[f64]| draws.extend_from_slice(run);
        Seeded(seed).uniforms(0, Position(0), count, take);
        draws
    }

    /// In runs of `run` draws.
    #[track_caller]
    fn check(row: &[f32], draws: &[f64], temperature: f64, run: usize) {
        let mut argmax = GumbelArgmax::new(row, temperature);
        draws.chunks(run).for_each(|draws| argmax.take(draws));
        let expected = naive(row, draws, temperature);
        assert_eq!(argmax.best(), expected, "temperature {temperature}");
    }

    /// From hardly any noise to hardly anything else, and where powers lose bits.
    const TEMPERATURES: [f64; 12] = [
        1e-300, 1e-12, 1e-3, 0.1, 0.5, 0.7, 1.0, 1.5, 5.0, 16.0, 17.0, 300.0,
    ];

    #[test]
    fn the_bound_changes_no_winner_of_random_rows() {
        // Flat, gentle, as a network's, and beyond where exponentials overflow or vanish.
        for (kind, spread) in (0_u64..).zip([0.0, 1.0, 8.0, 60.0, 800.0, 3000.0]) {
            for seed in 0..400 {
                let length = 1 + (seed as usize * 37) % 3000;
                let logits = draws(seed ^ (kind << 32), length);
                let row: Vec<f32> = logits
                    .iter()
                    .map(|it| ((it - 0.5) * spread) as f32)
                    .collect();
                let noise = draws(seed + 1_000_000, length);
                let temperature = TEMPERATURES[seed as usize % TEMPERATURES.len()];
                check(&row, &noise, temperature, CHUNK);
            }
        }
    }

    #[test]
    fn the_bound_changes_no_winner_of_whole_vocabularies() {
        for seed in 0..40 {
            let logits = draws(seed, 126_464);
            // Nearly normal, and one row in four with a favourite.
            let mut row: Vec<f32> = (logits.windows(4))
                .map(|it| (it.iter().sum::<f64>() - 2.0) as f32 * 6.0)
                .collect();
            if seed % 4 == 0 {
                row[(seed as usize * 997) % 126_000] = 14.0;
            }
            let temperature = TEMPERATURES[3 + seed as usize % 6];
            check(&row, &draws(seed + 99, row.len()), temperature, CHUNK);
        }
    }

    #[test]
    fn equal_scores_and_odd_numbers_go_as_they_would_without_the_bound() {
        let odd = [
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            0.0,
            -0.0,
            709.0,
            710.0,
            -744.0,
            -746.0,
            f32::MAX,
            f32::MIN,
        ];
        let last = 1.0 - f64::EPSILON / 2.0;
        let edges = [0.0, 5e-324, 0.5, 0.5, last, last, f64::NAN];
        for seed in 0..4000 {
            let mixed = draws(seed, 700);
            let pick = |at: usize, of: usize| (mixed[at] * of as f64) as usize;
            let row: Vec<f32> = (0..600)
                .map(|at| odd[pick(at, 1 + seed as usize % odd.len())])
                .collect();
            let noise: Vec<f64> = (0..600)
                .map(|at| edges[pick(at + 100, edges.len())])
                .collect();
            check(
                &row,
                &noise,
                TEMPERATURES[seed as usize % TEMPERATURES.len()],
                1 + seed as usize % 300,
            );
        }
        check(&[], &[], 1.0, CHUNK);
        check(&[1.0; 700], &[0.25; 700], 1.0, CHUNK);
    }

    proptest! {
        #[test]
        fn the_bound_changes_no_winner(
            entries in proptest::collection::vec((-900_f32..900.0, 0_f64..1.0), 0..900),
            exponent in -12_f64..3.0,
        ) {
            let (row, noise): (Vec<f32>, Vec<f64>) = entries.into_iter().unzip();
            check(&row, &noise, 10_f64.powf(exponent), CHUNK);
        }
    }
}
