use std::collections::HashMap;

use unmask_api::{Position, RowSummary, TokenId};

use super::{Begun, FullBlocks, threshold};
use crate::family::FamilyRules;
use crate::params::{Credit, Remasking, Transfer};
use crate::sampler::plan::in_range;
use crate::sampler::{Candidate, CanvasEdit, StepPlan, Strategy, StrategyProgress};
use crate::{Canvas, Params};

pub(super) fn begin(canvas: &Canvas, params: &Params, rules: FamilyRules) -> Option<Begun> {
    let Transfer::Credit(credit) = params.transfer else {
        return None;
    };
    let select = move |candidates: &[Candidate], _| sure(candidates, credit.threshold);
    let is_in = (0.0..=1.0).contains(&credit.threshold);
    let checked = in_range(is_in, "credit", credit.threshold, "0 to 1");
    let blocks = checked.and_then(|()| FullBlocks::of(canvas, params, rules, Box::new(select)));
    Some(blocks.map(|blocks| Box::new(CreditDecoding::new(blocks, credit)) as Box<dyn Strategy>))
}

/// A threshold on logits that were raised by what led at the same position in the steps before.
///
/// dInfer's credit decoding, arXiv:2510.08666; `CreditThresholdParallelDecoder.decode`. A block's credit ends with it.
struct CreditDecoding {
    blocks: FullBlocks,
    credit: Credit,
    /// The block that credit was given in.
    block: usize,
    /// What each position's leading tokens have, all of it since the block was opened.
    given: HashMap<Position, Vec<(TokenId, f64)>>,
}

impl CreditDecoding {
    fn new(blocks: FullBlocks, credit: Credit) -> Self {
        Self {
            blocks,
            credit,
            block: 0,
            given: HashMap::new(),
        }
    }
}

impl Strategy for CreditDecoding {
    fn next(&mut self, canvas: &Canvas) -> Option<StepPlan> {
        let plan = self.blocks.next(canvas)?;
        if plan.block != self.block {
            self.block = plan.block;
            self.given.clear();
        }
        Some(plan)
    }

    fn sees_rows(&self) -> bool {
        true
    }

    fn see(&mut self, _: &Canvas, wanted: &[Position], rows: &mut [f32]) {
        let vocab = rows.len().checked_div(wanted.len()).unwrap_or(0).max(1);
        for (at, row) in wanted.iter().zip(rows.chunks_exact_mut(vocab)) {
            let summary = RowSummary::of(row, &[], 1);
            let Some(&(leads, logit)) = summary.best.first() else {
                continue;
            };
            let earned = summary.probability(logit).powf(self.credit.gamma);
            raise(
                self.given.entry(*at).or_default(),
                leads,
                earned,
                self.credit.beta,
            );
            for &(token, credit) in &self.given[at] {
                let logit = &mut row[token.index()];
                *logit = (f64::from(*logit) + self.credit.alpha * credit.ln_1p()) as f32;
            }
        }
    }

    fn decide(&mut self, canvas: &Canvas, candidates: &[Candidate]) -> Vec<CanvasEdit> {
        self.blocks.decide(canvas, candidates)
    }

    fn progress(&self) -> StrategyProgress {
        self.blocks.progress()
    }
}

/// Lets the credit of a position fade to its share `left` and adds what its leading token has earned.
fn raise(given: &mut Vec<(TokenId, f64)>, leads: TokenId, earned: f64, left: f64) {
    given.iter_mut().for_each(|(_, credit)| *credit *= left);
    match given.iter_mut().find(|(token, _)| *token == leads) {
        Some((_, credit)) => *credit += earned,
        None => given.push((leads, earned)),
    }
}

/// What reaches the threshold; where nothing does, all that come within a hundred-thousandth of the best.
fn sure(candidates: &[Candidate], at: f64) -> Vec<usize> {
    let best = candidates.iter().map(|it| it.confidence);
    let best = best.fold(f64::NEG_INFINITY, f64::max);
    threshold(candidates, Remasking::LowConfidence, at.min(best - 1e-5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::rank::tests::candidates;

    #[test]
    fn credit_fades_and_is_added_to_what_leads_again() {
        let (a, b) = (TokenId(3), TokenId(4));
        let mut given = Vec::new();
        for (leads, earned) in [(a, 1.0), (b, 0.5), (a, 0.25)] {
            raise(&mut given, leads, earned, 0.5);
        }
        assert_eq!(given, [(a, 0.5), (b, 0.25)]);
    }

    #[test]
    fn where_nothing_is_sure_the_nearly_best_are_taken() {
        assert_eq!(sure(&candidates(&[0.5, 0.2, 0.5 - 1e-6]), 0.9), [0, 2]);
        assert_eq!(sure(&candidates(&[0.95, 0.9, 0.5]), 0.9), [0, 1]);
    }
}
