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
    let is_in = (0.0..=1.0).contains(&klass.threshold);
    let checked = in_range(is_in, "klass", klass.threshold, "0 to 1");
    let blocks = checked.and_then(|()| FullBlocks::of(canvas, params, rules, Box::new(best)));
    Some(blocks.map(|blocks| {
        Box::new(KlassDecoding {
            blocks,
            klass,
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
        let bound = self.klass.divergence;
        let look = |((row, &at), before): ((&mut [f32], &Position), Option<Seen>)| {
            let probabilities = softmax(row);
            let is_settled = |it: &Seen| divergence(&probabilities, &it.probabilities) < bound;
            let settled = before.filter(is_settled).map_or(0, |it| it.settled + 1);
            let seen = Seen {
                probabilities,
                settled,
            };
            (at, seen)
        };
        let rows = rows.par_chunks_exact_mut(vocab).zip(wanted).zip(before);
        self.seen = rows.map(look).collect();
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

fn softmax(row: &[f32]) -> Vec<f32> {
    let summary = RowSummary::of(row, &[], 1);
    let share = |&logit: &f32| summary.probability(logit) as f32;
    row.iter().map(share).collect()
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
}
