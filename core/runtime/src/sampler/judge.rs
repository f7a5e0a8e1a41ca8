use rayon::prelude::*;
use unmask_api::{Position, TokenId, TopRows};

use super::Noise;
use crate::Params;
use crate::event::TOP;
use crate::family::SpecialIds;
use crate::params::{ConfidenceType, Remasking};

/// A guess for one position.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Where.
    pub at: Position,
    /// What.
    pub token: TokenId,
    /// What positions are chosen by: the confidence, or a random number.
    pub score: f64,
    /// Softmax probability of `token`, 0 to 1, without noise.
    pub confidence: f64,
    /// Entropy of the row, in nat.
    pub entropy: f32,
    /// The best tokens with their probabilities, best first.
    pub top: Vec<(TokenId, f32)>,
}

/// Turns rows of logits into candidates, as LLaDA's `generate()` does.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// Temperature, remasking, the two EOS flags and the confidence's type are read.
    pub params: &'a Params,
    /// EOS and EOT for the flags.
    pub special: SpecialIds,
    /// Draws for temperature and random remasking.
    pub noise: &'a dyn Noise,
}

impl Judge<'_> {
    /// Judges `rows`, of shape `[positions, vocab]`, on all cores; edits them in place as the flags say.
    #[must_use]
    pub fn judge(&self, call: usize, positions: &[Position], rows: &mut [f32]) -> Vec<Candidate> {
        let vocab = rows.len().checked_div(positions.len()).unwrap_or(0).max(1);
        rows.par_chunks_exact_mut(vocab)
            .zip(positions)
            .map_init(Vec::new, |draws, (row, &at)| {
                self.judge_row(call, at, row, draws)
            })
            .collect()
    }

    /// True if the best entries of each row say all that is needed: no noise, no edited logits.
    #[must_use]
    pub fn can_judge_top(&self) -> bool {
        let params = self.params;
        params.temperature == 0.0 && !params.logits_eos_inf && !params.confidence_eos_eot_inf
    }

    /// Judges rows that a backend has reduced to their best entries; see [`can_judge_top`](Self::can_judge_top).
    #[must_use]
    pub fn judge_top(&self, call: usize, positions: &[Position], rows: &TopRows) -> Vec<Candidate> {
        let judge = |(index, &at): (usize, &Position)| {
            let sum = f64::from(rows.log_sum_exp(index));
            // A sum that was rounded down must not make a probability above 1.
            let probability = |logit: f32| (f64::from(logit) - sum).exp().min(1.0);
            let top: Vec<(TokenId, f32)> = (rows.ids(index).iter())
                .zip(rows.logits(index))
                .map(|(&id, &logit)| (id, probability(logit) as f32))
                .collect();
            let confidence = self.round(probability(rows.logits(index)[0]));
            Candidate {
                at,
                token: rows.ids(index)[0],
                score: self.score(call, at, confidence),
                confidence,
                entropy: rows.entropy(index),
                top,
            }
        };
        positions.iter().enumerate().map(judge).collect()
    }

    fn judge_row(
        &self,
        call: usize,
        at: Position,
        row: &mut [f32],
        draws: &mut Vec<f64>,
    ) -> Candidate {
        let temperature = self.params.temperature;
        let ban = |row: &mut [f32], id: TokenId| {
            if let Some(logit) = row.get_mut(id.index()) {
                *logit = f32::NEG_INFINITY;
            }
        };
        if self.params.logits_eos_inf {
            ban(row, self.special.eos);
        }
        let token = if temperature == 0.0 {
            argmax(row)
        } else {
            draws.resize(row.len(), 0.0);
            self.noise.gumbel(call, at, draws);
            noisy_argmax(row, draws, temperature)
        };
        if self.params.confidence_eos_eot_inf {
            // The reference writes `logits_with_noise[EOS] = logits[EOT] = -inf`; without noise both are one tensor.
            if temperature == 0.0 {
                ban(row, self.special.eos);
            }
            if let Some(eot) = self.special.eot {
                ban(row, eot);
            }
        }
        let best = best_of(row);
        let sums = Sums::of(
            row,
            best.first().map_or(0.0, |&(_, logit)| logit),
            self.params.confidence_type,
        );
        let confidence = self.round(sums.probability(row[token]));
        Candidate {
            at,
            token: TokenId(token as u32),
            score: self.score(call, at, confidence),
            confidence,
            entropy: sums.entropy() as f32,
            top: (best.iter())
                .map(|&(id, logit)| (TokenId(id as u32), sums.probability(logit) as f32))
                .collect(),
        }
    }

    fn score(&self, call: usize, at: Position, confidence: f64) -> f64 {
        match self.params.remasking {
            Remasking::LowConfidence => confidence,
            Remasking::Random => f64::from(self.noise.score(call, at)),
        }
    }

    fn round(&self, probability: f64) -> f64 {
        match self.params.confidence_type {
            ConfidenceType::F64 => probability,
            ConfidenceType::F32 => f64::from(probability as f32),
            ConfidenceType::Bf16 => f64::from(round_to_bf16(probability as f32)),
        }
    }
}

/// `exp(logit) / (-ln u)^temperature` in float64; the reference's `add_gumbel_noise`.
#[must_use]
pub fn gumbel_score(logit: f64, draw: f64, temperature: f64) -> f64 {
    logit.exp() / (-draw.ln()).powf(temperature)
}

/// The softmax probability of entry `token` of a row, in float64.
#[must_use]
pub fn softmax_at(row: &[f32], token: TokenId) -> f64 {
    let max = row[argmax(row)];
    Sums::of(row, max, ConfidenceType::F64).probability(row[token.index()])
}

fn noisy_argmax(row: &[f32], draws: &[f64], temperature: f64) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (index, (&logit, &draw)) in row.iter().zip(draws).enumerate() {
        let score = gumbel_score(f64::from(logit), draw, temperature);
        if score > best.1 {
            best = (index, score);
        }
    }
    best.0
}

/// The index of the first maximum, as `torch.argmax` on a CPU.
fn argmax(row: &[f32]) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (index, chunk) in row.chunks(CHUNK).enumerate() {
        let max = max_of(chunk);
        if max > best.1 {
            let within = chunk.iter().position(|&logit| logit == max).unwrap_or(0);
            best = (index * CHUNK + within, max);
        }
    }
    best.0
}

/// The best [`TOP`] entries of a row, best first, the lower index first among equals.
fn best_of(row: &[f32]) -> Vec<(usize, f32)> {
    let mut best: Vec<(usize, f32)> = Vec::with_capacity(TOP + 1);
    let mut bar = f32::NEG_INFINITY;
    for (index, chunk) in row.chunks(CHUNK).enumerate() {
        if best.len() == TOP && max_of(chunk) <= bar {
            continue;
        }
        for (within, &logit) in chunk.iter().enumerate() {
            if best.len() < TOP || logit > bar {
                let rank = best.partition_point(|&(_, other)| other >= logit);
                best.insert(rank, (index * CHUNK + within, logit));
                best.truncate(TOP);
                bar = best.last().map_or(f32::NEG_INFINITY, |&(_, logit)| logit);
            }
        }
    }
    best
}

/// Entries looked at together: their maximum alone is compared first, which the compiler turns into vector code.
const CHUNK: usize = 256;
const LANES: usize = 16;

fn max_of(chunk: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (whole, rest) = chunk.as_chunks::<LANES>();
    for group in whole {
        for (lane, &logit) in lanes.iter_mut().zip(group) {
            *lane = if logit > *lane { logit } else { *lane };
        }
    }
    (lanes.iter().chain(rest)).fold(
        f32::NEG_INFINITY,
        |max, &logit| if logit > max { logit } else { max },
    )
}

/// `Σ exp(l - max)` and `Σ (l - max) exp(l - max)` of a row.
struct Sums {
    max: f64,
    sum: f64,
    weighted: f64,
}

impl Sums {
    fn of(row: &[f32], max: f32, precision: ConfidenceType) -> Self {
        let (mut sum, mut weighted) = (0.0, 0.0);
        for &logit in row {
            let below = match precision {
                ConfidenceType::F64 => f64::from(logit) - f64::from(max),
                ConfidenceType::F32 | ConfidenceType::Bf16 => f64::from(logit - max),
            };
            let share = match precision {
                ConfidenceType::F64 => below.exp(),
                ConfidenceType::F32 | ConfidenceType::Bf16 => f64::from((logit - max).exp()),
            };
            if share > 0.0 {
                sum += share;
                weighted += share * below;
            }
        }
        Self {
            max: f64::from(max),
            sum,
            weighted,
        }
    }

    fn probability(&self, logit: f32) -> f64 {
        if self.sum > 0.0 {
            (f64::from(logit) - self.max).exp() / self.sum
        } else {
            0.0
        }
    }

    /// `-Σ p ln p`, by `ln Σ - (Σ weighted) / Σ`.
    fn entropy(&self) -> f64 {
        if self.sum > 0.0 {
            (self.sum.ln() - self.weighted / self.sum).max(0.0)
        } else {
            0.0
        }
    }
}

/// Rounds to the nearest bfloat16, ties to even.
fn round_to_bf16(value: f32) -> f32 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) & 0xffff_0000;
    f32::from_bits(rounded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::Seeded;

    const SPECIAL: SpecialIds = SpecialIds {
        mask: TokenId(0),
        eos: TokenId(1),
        eot: Some(TokenId(2)),
        bos: None,
    };

    fn judge(params: &Params, row: &[f32]) -> Candidate {
        let judge = Judge {
            params,
            special: SPECIAL,
            noise: &Seeded(1),
        };
        judge.judge(0, &[Position(3)], &mut row.to_vec()).remove(0)
    }

    #[test]
    fn the_best_token_and_its_probability_are_found() {
        let row: Vec<f32> = (0..1000)
            .map(|index| if index == 700 { 9.0 } else { 1.0 })
            .collect();
        let found = judge(&Params::default(), &row);
        let share = 8.0_f64.exp();
        let confidence = share / (share + 999.0);
        assert_eq!(found.token, TokenId(700));
        assert!((found.confidence - confidence).abs() < 1e-6, "{found:?}");
        let entropy = -(confidence * confidence.ln())
            - (1.0 - confidence) * ((1.0 - confidence) / 999.0).ln();
        assert!(
            (f64::from(found.entropy) - entropy).abs() < 1e-4,
            "{} {entropy}",
            found.entropy
        );
        assert_eq!(
            found.top.iter().map(|(id, _)| id.0).collect::<Vec<_>>(),
            [700, 0, 1, 2, 3]
        );
    }

    #[test]
    fn eos_is_never_predicted_under_logits_eos_inf() {
        let params = Params {
            logits_eos_inf: true,
            ..Params::default()
        };
        assert_eq!(judge(&params, &[0.0, 5.0, 1.0, 2.0]).token, TokenId(3));
    }

    #[test]
    fn an_end_token_has_no_confidence_under_confidence_eos_eot_inf() {
        let params = Params {
            confidence_eos_eot_inf: true,
            ..Params::default()
        };
        let found = judge(&params, &[0.0, 5.0, 1.0, 2.0]);
        assert_eq!((found.token, found.confidence), (TokenId(1), 0.0));
        let other = judge(&params, &[0.0, 1.0, 5.0, 7.0]);
        assert!((other.confidence - 7.0_f64.exp() / (1.0 + 7.0_f64.exp())).abs() < 1e-6);
    }

    #[test]
    fn temperature_changes_the_token_and_leaves_the_confidence_noise_free() {
        let params = Params {
            temperature: 1.0,
            ..Params::default()
        };
        let row = [0.0_f32; 64];
        let found = judge(&params, &row);
        assert!((found.confidence - 1.0 / 64.0).abs() < 1e-7);
        let other = Params {
            seed: 0,
            ..params.clone()
        };
        assert_eq!(
            judge(&other, &row),
            found,
            "the noise decides, not the seed setting"
        );
    }

    #[test]
    fn a_row_of_nothing_but_minus_infinity_is_survived() {
        let found = judge(&Params::default(), &[f32::NEG_INFINITY; 8]);
        assert_eq!((found.confidence, found.entropy), (0.0, 0.0));
    }

    #[test]
    fn top_rows_give_the_same_candidate_as_whole_rows() {
        let row = [0.5_f32, -1.0, 3.0, 2.0, 0.0, 1.0, 2.5];
        let whole = judge(&Params::default(), &row);
        let mut rows = TopRows::default();
        rows.reset(1, TOP);
        let view = rows.view();
        let mut order: Vec<usize> = (0..row.len()).collect();
        order.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
        for (slot, &id) in order.iter().take(TOP).enumerate() {
            view.ids[slot] = TokenId(id as u32);
            view.logits[slot] = row[id];
        }
        let sum: f64 = row.iter().map(|&logit| f64::from(logit).exp()).sum();
        view.log_sum_exp[0] = sum.ln() as f32;
        view.entropy[0] = whole.entropy;
        let params = Params::default();
        let judge = Judge {
            params: &params,
            special: SPECIAL,
            noise: &Seeded(1),
        };
        let top = judge.judge_top(0, &[Position(3)], &rows).remove(0);
        assert_eq!(top.token, whole.token);
        assert!((top.confidence - whole.confidence).abs() < 1e-6);
        assert_eq!(top.top.len(), whole.top.len());
    }
}
