use std::collections::HashMap;

use rayon::prelude::*;
use unmask_api::{Position, RowSummary};

use super::{Begun, FullBlocks};
use crate::family::FamilyRules;
use crate::params::{Klass, Transfer};
use crate::sampler::plan::in_range;
use crate::sampler::{Candidate, CanvasEdit, StepPlan, Strategy, StrategyProgress, best};
use crate::{Canvas, Params};

pub(super) fn begin(canvas: &Canvas, params: &Params, rules: FamilyRules) -> Option<Begun> {
    let Transfer::Klass(klass) = params.transfer else {
        return None;
    };
    // Else a confidence may be more than any probability of the row.
    let is_of_row = params.temperature == 0.0
        && params.top_p.is_none()
        && params.top_k.is_none()
        && !params.logits_eos_inf
        && !params.confidence_eos_eot_inf;
    let is_in = (0.0..=1.0).contains(&klass.threshold);
    let checked = in_range(is_in, "klass", klass.threshold, "0 to 1");
    let blocks = checked.and_then(|()| FullBlocks::of(canvas, params, rules, Box::new(best)));
    Some(blocks.map(|blocks| {
        Box::new(KlassDecoding {
            blocks,
            klass,
            least_kept: if is_of_row { least_kept(klass) } else { 0.0 },
            of_block: 0,
            seen: HashMap::new(),
        }) as Box<dyn Strategy>
    }))
}

/// Commits every candidate that is confident and whose prediction has held still for some steps; the linear schedule's share
/// where there is none.
///
/// KLASS, arXiv:2511.05664; `stable_confident_decode`. As there, all masks of the canvas are watched, those behind the block
/// too, so that a block may begin with predictions that are settled.
struct KlassDecoding {
    blocks: FullBlocks,
    klass: Klass,
    /// Rows whose best token is less probable than this are forgotten.
    least_kept: f64,
    /// Candidates of the step that are of the open block; the others are watched alone.
    of_block: usize,
    seen: HashMap<Position, Seen>,
}

/// What a position predicted at the step before.
struct Seen {
    probabilities: Vec<f32>,
    /// Steps in a row whose divergence from the one before stayed below the bound.
    settled: usize,
}

impl Strategy for KlassDecoding {
    fn next(&mut self, canvas: &Canvas) -> Option<StepPlan> {
        let mut plan = self.blocks.next(canvas)?;
        self.of_block = plan.wanted.len();
        let behind = plan.wanted.last().map_or(0, |at| at.index() + 1);
        // With a cache not all of the canvas is computed.
        let behind = canvas.masked_in(behind..plan.fed.end);
        plan.wanted.extend(behind);
        Some(plan)
    }

    fn sees_rows(&self) -> bool {
        true
    }

    fn see(&mut self, _: &Canvas, wanted: &[Position], rows: &mut [f32]) {
        let vocab = rows.len().checked_div(wanted.len()).unwrap_or(0).max(1);
        let mut before = std::mem::take(&mut self.seen);
        let before: Vec<Option<Seen>> = wanted.iter().map(|at| before.remove(at)).collect();
        let (bound, least_kept) = (self.klass.divergence, self.least_kept);
        let look = |((row, &at), before): ((&mut [f32], &Position), Option<Seen>)| {
            let probabilities = softmax(row, least_kept)?;
            let is_settled = |it: &Seen| divergence(&probabilities, &it.probabilities) < bound;
            let settled = before.filter(is_settled).map_or(0, |it| it.settled + 1);
            let seen = Seen {
                probabilities,
                settled,
            };
            Some((at, seen))
        };
        let rows = rows.par_chunks_exact_mut(vocab).zip(wanted).zip(before);
        self.seen = rows.filter_map(look).collect();
    }

    fn decide(&mut self, canvas: &Canvas, candidates: &[Candidate]) -> Vec<CanvasEdit> {
        let may_be_settled = self.blocks.step() >= self.klass.history;
        let is_ready = |it: &Candidate| {
            let seen = self.seen.get(&it.at);
            let is_settled = seen.is_some_and(|it| it.settled >= self.klass.history);
            may_be_settled && is_settled && it.confidence > self.klass.threshold
        };
        let select = |candidates: &[Candidate], quota: usize| {
            let mut picks = best(candidates, candidates.len());
            picks.retain(|&pick| is_ready(&candidates[pick]));
            match picks.is_empty() {
                true => best(candidates, quota),
                false => picks,
            }
        };
        let of_block = &candidates[..self.of_block.min(candidates.len())];
        self.blocks.picked(canvas, of_block, &select)
    }

    fn progress(&self) -> StrategyProgress {
        self.blocks.progress()
    }
}

/// The probabilities of a row; `None` if none reaches `least`.
fn softmax(row: &[f32], least: f64) -> Option<Vec<f32>> {
    let summary = RowSummary::of(row, &[], 1);
    let best = (summary.best.first()).map_or(0.0, |(_, logit)| summary.probability(*logit));
    let share = |&logit: &f32| summary.probability(logit) as f32;
    (best >= least).then(|| row.iter().map(share).collect())
}

/// How probable the best token of a row has to be if a candidate that comes of it may be committed within `history` steps: of all
/// others nothing need be kept, so that memory is needed for few masks.
///
/// A candidate that is committed has a token of more than `threshold`, and each of its last rows diverges from the one before by
/// less than the bound. That is at least the divergence of the token alone from all others (data processing), so the token
/// has been nearly as probable in the row before.
fn least_kept(klass: Klass) -> f64 {
    // Rows are rounded to f32.
    const ROUNDING: f64 = 1e-5;
    let steps = 0..klass.history;
    let least = steps.fold(klass.threshold, |now, _| {
        least_before(now, klass.divergence)
    });
    least - ROUNDING
}

/// The least probability from which one of `now` diverges by no more than `bound`, from below.
fn least_before(now: f64, bound: f64) -> f64 {
    let term = |now: f64, before: f64| {
        if now > 0.0 {
            now * (now / before).ln()
        } else {
            0.0
        }
    };
    let (mut low, mut high) = (0.0, now);
    for _ in 0..50 {
        let middle = (low + high) / 2.0;
        match term(now, middle) + term(1.0 - now, 1.0 - middle) <= bound {
            true => high = middle,
            false => low = middle,
        }
    }
    low
}

/// Kullback-Leibler divergence of `now` from `before`, in nat, with the reference's 1e-12 in both logarithms.
fn divergence(now: &[f32], before: &[f32]) -> f64 {
    let log = |share: f32| (f64::from(share) + 1e-12).ln();
    let term = |(&now, &before): (&f32, &f32)| f64::from(now) * (log(now) - log(before));
    now.iter().zip(before).map(term).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prediction_diverges_from_another_and_not_from_itself() {
        let (now, before) = ([0.5, 0.5, 0.0], [0.25, 0.75, 0.0]);
        let expected = 0.5 * 2.0_f64.ln() + 0.5 * (0.5_f64 / 0.75).ln();
        assert!((divergence(&now, &before) - expected).abs() < 1e-9);
        assert!(divergence(&now, &now).abs() < 1e-12);
    }

    #[test]
    fn no_row_is_forgotten_that_a_settled_and_confident_one_may_follow() {
        let klass = Klass::default();
        let least = least_kept(klass);
        assert!((0.75..klass.threshold).contains(&least), "{least}");
        // Every pair of rows of three tokens, in hundredths.
        let share = |parts: u32| f64::from(parts) as f32 / 100.0;
        let rows = || (0..=100_u32).flat_map(|a| (0..=100 - a).map(move |b| [a, b, 100 - a - b]));
        let one = Klass {
            history: 1,
            ..klass
        };
        let least = least_kept(one) as f32;
        for now in rows().filter(|it| it[0] > 90).map(|it| it.map(share)) {
            for before in rows().map(|it| it.map(share)) {
                if divergence(&now, &before) < klass.divergence {
                    assert!(before[0] >= least, "{now:?} after {before:?}");
                }
            }
        }
    }

    #[test]
    fn without_a_threshold_every_row_is_kept() {
        let all = Klass {
            threshold: 0.0,
            ..Klass::default()
        };
        assert!(least_kept(all) <= 0.0);
        assert!(softmax(&[0.0; 4], least_kept(all)).is_some());
        assert!(softmax(&[0.0; 4], 0.3).is_none());
    }
}
