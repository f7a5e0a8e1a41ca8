//! Candidates out of the short form of rows of logits, where no setting needs whole rows: the same as out of those.

use unmask_api::{Position, TokenId, TopRows};

use super::{Judge, margin};
use crate::event::TOP;
use crate::sampler::Candidate;
use crate::scorer::ShortForm;

impl Judge<'_> {
    /// What of each row says all that is needed; `None` if noise needs the whole row.
    #[must_use]
    pub fn short_form(&self) -> Option<ShortForm> {
        let params = self.params;
        if params.temperature > 0.0 || params.top_p.is_some() || params.top_k.is_some() {
            return None;
        }
        let mut banned = match params.confidence_eos_eot_inf {
            true => self.special.ends().collect(),
            false => Vec::new(),
        };
        if params.logits_eos_inf {
            banned.extend(self.special.ends_of_text());
        }
        banned.sort_unstable();
        banned.dedup();
        Some(ShortForm {
            asked: self.asked(),
            banned,
        })
    }

    /// End tokens that may be the best although they count for nothing in the confidence.
    fn asked(&self) -> Vec<TokenId> {
        if !self.params.confidence_eos_eot_inf {
            return Vec::new();
        }
        match self.params.logits_eos_inf {
            true => self.special.eot.into_iter().collect(),
            false => self.special.ends().collect(),
        }
    }

    /// Judges rows of [`short_form`](Self::short_form): the same candidates as from whole rows.
    pub fn judge_top(
        &self,
        call: usize,
        positions: &[Position],
        rows: &TopRows,
        candidates: &mut Vec<Candidate>,
    ) {
        let asked = self.asked();
        let judge = |(index, &at): (usize, &Position)| {
            let probability = |logit: f32| rows.probability(index, logit);
            let shares = rows.logits(index).iter().map(|&logit| probability(logit));
            let best = (rows.ids(index)[0], rows.logits(index)[0]);
            let mut token = best;
            for (&id, &logit) in asked.iter().zip(rows.asked(index)) {
                if logit > token.1 || (logit == token.1 && id < token.0) {
                    token = (id, logit);
                }
            }
            // An end token that was banned from the softmax has no share in it.
            let confidence = match token.0 == best.0 {
                true => probability(best.1),
                false => 0.0,
            };
            let top = rows
                .ids(index)
                .iter()
                .copied()
                .zip(shares.clone())
                .take(TOP);
            self.ranked(
                call,
                Candidate {
                    at,
                    token: token.0,
                    score: 0.0,
                    confidence: self.round(confidence),
                    entropy: rows.entropy(index),
                    margin: margin(shares),
                    top: top.map(|(id, share)| (id, share as f32)).collect(),
                },
            )
        };
        candidates.extend(positions.iter().enumerate().map(judge));
    }
}

#[cfg(test)]
mod tests {
    use unmask_api::{RowSummary, TopRequest};

    use super::super::tests::{SPECIAL, whole};
    use super::*;
    use crate::Params;
    use crate::sampler::Seeded;

    /// Numbers that look random, the same for the same seed.
    fn row(seed: u32, vocab: usize) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 8) as f32 / (1 << 24) as f32
        };
        (0..vocab).map(|_| next() * next() * 30.0 - 4.0).collect()
    }

    #[test]
    fn the_short_form_gives_the_same_candidates_as_whole_rows() {
        for seed in 0..10_000 {
            let (params, row) = (
                Params {
                    logits_eos_inf: seed % 2 == 1,
                    confidence_eos_eot_inf: seed % 3 == 1,
                    ..Params::default()
                },
                row(seed, 40),
            );
            let judge = Judge {
                params: &params,
                special: &SPECIAL,
                noise: &Seeded(1),
            };
            let form = judge.short_form().expect("there is no noise");
            let request = TopRequest {
                rows: &[0],
                banned: &form.banned,
                asked: &form.asked,
                divergence: false,
            };
            let mut rows = TopRows::default();
            rows.reset(&request, TOP);
            let summary = RowSummary::of(&row, &form.banned, TOP);
            rows.view().put(0, &summary, &row, &request);
            let at = [Position(3)];
            let mut short = Vec::new();
            judge.judge_top(0, &at, &rows, &mut short);
            assert_eq!(short, [whole(judge, &row)], "seed {seed}");
        }
    }
}
