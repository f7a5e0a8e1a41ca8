//! What each position would be, out of whole rows of logits.

mod short_form;

use arrayvec::ArrayVec;
use rayon::prelude::*;
use unmask_api::{Position, RowSummary, TokenId};

use super::gumbel::GumbelArgmax;
use super::keep_top::keep_top;
use super::noise::TOGETHER;
use super::summarised::summarised;
use super::{Candidate, Noise, rank};
use crate::Params;
use crate::event::TOP;
use crate::family::SpecialIds;
use crate::params::{ConfidenceOf, ConfidenceType, Remasking};

/// Turns rows of logits into candidates, as LLaDA's `generate()` does.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// Temperature, remasking, the two EOS flags and the confidence's type are read.
    pub params: &'a Params,
    /// EOS and EOT for the flags.
    pub special: &'a SpecialIds,
    /// Draws for temperature and random remasking.
    pub noise: &'a dyn Noise,
}

impl Judge<'_> {
    /// Judges `rows`, of shape `[positions, vocab]`, on all cores; edits them in place as the flags say. The candidates are put
    /// behind those that there are.
    pub fn judge(
        &self,
        call: usize,
        positions: &[Position],
        rows: &mut [f32],
        candidates: &mut Vec<Candidate>,
    ) {
        let vocab = rows.len().checked_div(positions.len()).unwrap_or(0).max(1);
        let before = candidates.len();
        candidates.extend(positions.iter().map(|&at| Candidate::unjudged(at)));
        // Noise is made for several rows at once, as long as each thread has some.
        let together = match self.params.temperature > 0.0 {
            true => (positions.len() / rayon::current_num_threads()).clamp(1, TOGETHER),
            false => 1,
        };
        rows.par_chunks_mut(vocab * together)
            .zip(positions.par_chunks(together))
            .zip(candidates[before..].par_chunks_mut(together))
            .for_each(|((rows, positions), to)| self.judge_rows(call, positions, rows, to));
    }

    /// How likely the tokens are that stand at `positions`, by `rows` of shape `[positions, vocab]`, put behind the candidates
    /// that there are.
    pub fn verify(
        &self,
        positions: &[Position],
        stands: impl Fn(&Position) -> TokenId + Sync,
        rows: &[f32],
        candidates: &mut Vec<Candidate>,
    ) {
        let vocab = rows.len().checked_div(positions.len()).unwrap_or(0).max(1);
        let verify = |(row, at): (&[f32], &Position)| {
            let (summary, token) = (summarised(row, 1), stands(at));
            Candidate {
                at: *at,
                token,
                score: 0.0,
                confidence: self.round(summary.probability(row[token.index()])),
                entropy: summary.entropy,
                margin: 0.0,
                top: ArrayVec::new(),
            }
        };
        candidates.par_extend(rows.par_chunks_exact(vocab).zip(positions).map(verify));
    }

    /// Judges at most [`TOGETHER`] rows.
    fn judge_rows(
        &self,
        call: usize,
        positions: &[Position],
        rows: &mut [f32],
        to: &mut [Candidate],
    ) {
        let vocab = rows.len() / positions.len();
        for row in rows.chunks_exact_mut(vocab) {
            self.prepare(row);
        }
        let tokens = self.tokens(call, positions, rows);
        let rows = rows.chunks_exact_mut(vocab).zip(tokens);
        for ((row, token), to) in rows.zip(to) {
            if self.params.confidence_eos_eot_inf {
                // The reference writes `logits_with_noise[EOS] = logits[EOT] = -inf`; without noise both are one tensor.
                if self.params.temperature == 0.0 {
                    ban(row, self.special.ends_of_text());
                }
                ban(row, self.special.eot);
            }
            *to = self.candidate(call, to.at, row, token);
        }
    }

    /// Edits a row's logits before a token is chosen.
    fn prepare(&self, row: &mut [f32]) {
        let Params {
            top_p,
            top_k,
            first_filter,
            temperature,
            ..
        } = *self.params;
        if self.params.logits_eos_inf {
            ban(row, self.special.ends_of_text());
        }
        if self.is_tempered() {
            row.iter_mut().for_each(|it| *it /= temperature as f32);
        }
        keep_top(row, top_p, top_k, first_filter);
    }

    /// Whether logits are divided by the temperature, so that the noise has none.
    fn is_tempered(&self) -> bool {
        self.params.temperature > 0.0 && self.params.confidence_of == ConfidenceOf::Drawn
    }

    /// The token that each row gives, under noise if there is a temperature.
    fn tokens(
        &self,
        call: usize,
        positions: &[Position],
        rows: &[f32],
    ) -> ArrayVec<usize, TOGETHER> {
        let vocab = rows.len() / positions.len();
        let rows = rows.chunks_exact(vocab);
        if self.params.temperature == 0.0 {
            return rows.map(argmax).collect();
        }
        let noise = match self.is_tempered() {
            true => 1.0,
            false => self.params.temperature,
        };
        let mut best: ArrayVec<GumbelArgmax<'_>, TOGETHER> =
            rows.map(|row| GumbelArgmax::new(row, noise)).collect();
        let take = &mut |place: usize, draws: &[f64]| best[place].take(draws);
        self.noise.uniforms_together(call, positions, vocab, take);
        best.iter().map(GumbelArgmax::best).collect()
    }

    fn candidate(&self, call: usize, at: Position, row: &[f32], token: usize) -> Candidate {
        let summary = summarised(row, TOP);
        let shares = (summary.best.iter()).map(|&(id, logit)| (id, summary.probability(logit)));
        self.ranked(
            call,
            Candidate {
                at,
                token: TokenId(token as u32),
                score: 0.0,
                confidence: self.round(summary.probability(row[token])),
                entropy: summary.entropy,
                margin: margin(shares.clone().map(|(_, share)| share)),
                top: shares.map(|(id, share)| (id, share as f32)).collect(),
            },
        )
    }

    /// Gives a candidate its score.
    fn ranked(&self, call: usize, mut candidate: Candidate) -> Candidate {
        let draw = || self.noise.uniform(call, candidate.at);
        candidate.score = rank::score(self.params.remasking, &candidate, draw);
        // What is random has no order, and its draw is the score itself.
        let is_random = self.params.remasking == Remasking::Random;
        if self.params.order_temperature > 0.0 && !is_random {
            let draw = f64::from(self.noise.uniform(call, candidate.at));
            // The best under Gumbel noise are drawn without replacement.
            candidate.score = candidate.score / self.params.order_temperature - (-draw.ln()).ln();
        }
        candidate
    }

    fn round(&self, probability: f64) -> f64 {
        match self.params.confidence_type {
            ConfidenceType::F64 => probability,
            ConfidenceType::F32 => f64::from(probability as f32),
        }
    }
}

/// Takes tokens out of the choice.
fn ban(row: &mut [f32], ids: impl IntoIterator<Item = TokenId>) {
    for id in ids {
        if let Some(logit) = row.get_mut(id.index()) {
            *logit = f32::NEG_INFINITY;
        }
    }
}

/// How far the first of the shares, best first, is above the second; 0 counts for one that is missing.
fn margin(mut shares: impl Iterator<Item = f64>) -> f64 {
    let mut next = || shares.next().unwrap_or(0.0);
    next() - next()
}

/// The index of the first maximum, as `torch.argmax` on a CPU.
fn argmax(row: &[f32]) -> usize {
    let best = RowSummary::best(row, &[], 1);
    best.first().map_or(0, |(id, _)| id.index())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::Seeded;

    pub(super) const SPECIAL: SpecialIds = SpecialIds {
        mask: TokenId(0),
        eos: TokenId(1),
        eot: Some(TokenId(2)),
        other_ends: Vec::new(),
        bos: None,
    };

    pub(super) fn whole(judge: Judge<'_>, row: &[f32]) -> Candidate {
        let mut candidates = Vec::new();
        judge.judge(0, &[Position(3)], &mut row.to_vec(), &mut candidates);
        candidates.remove(0)
    }

    fn judge(params: &Params, row: &[f32]) -> Candidate {
        let judge = Judge {
            params,
            special: &SPECIAL,
            noise: &Seeded(1),
        };
        whole(judge, row)
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
            (found.entropy - entropy).abs() < 1e-4,
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
    fn a_confidence_of_what_is_drawn_is_that_of_the_tempered_row_and_its_best_tokens() {
        let row = [0.0, 2.0_f32.ln(), 4.0_f32.ln(), 0.0];
        let confidence = |temperature, top_k| {
            let params = Params {
                temperature,
                top_k,
                confidence_of: ConfidenceOf::Drawn,
                ..Params::default()
            };
            let found = judge(&params, &row);
            let share = |at: u32| found.top.iter().find(|(id, _)| id.0 == at).map(|it| it.1);
            assert_eq!(Some(found.confidence as f32), share(found.token.0));
            share(2).expect("it is among the best")
        };
        assert!((confidence(0.5, None) - 16.0 / 22.0).abs() < 1e-6);
        assert!((confidence(0.5, Some(2)) - 16.0 / 20.0).abs() < 1e-6);
        assert!((confidence(0.0, Some(2)) - 4.0 / 6.0).abs() < 1e-6);
    }

    #[test]
    fn noise_on_the_order_changes_scores_and_nothing_else() {
        let noisy = Params {
            order_temperature: 0.5,
            ..Params::default()
        };
        let row = [0.0, 1.0, 2.0];
        let (plain, noisy) = (judge(&Params::default(), &row), judge(&noisy, &row));
        assert_ne!(plain.score, noisy.score);
        let score = plain.score;
        assert_eq!(plain, Candidate { score, ..noisy });
        let random = |order_temperature| {
            let params = Params {
                remasking: Remasking::Random,
                order_temperature,
                ..Params::default()
            };
            judge(&params, &row).score
        };
        assert_eq!(random(0.5), random(0.0));
    }

    #[test]
    fn a_row_of_nothing_but_minus_infinity_is_survived() {
        let found = judge(&Params::default(), &[f32::NEG_INFINITY; 8]);
        assert_eq!((found.confidence, found.entropy), (0.0, 0.0));
    }
}
