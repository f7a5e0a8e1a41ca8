use super::Begun;
use crate::family::FamilyRules;
use crate::params::{CacheMode, Transfer};
use crate::sampler::{
    BlockCursor, Candidate, CanvasEdit, Plan, StepPlan, Strategy, StrategyProgress, best,
};
use crate::{Canvas, Params};

/// The linear schedule of LLaDA's `generate.py`: every mask before the block's end is a candidate, and a block takes its
/// share of the steps, so that masks of the prompt may be left.
///
/// Differs from the reference: steps that can commit nothing (more steps than masks) are skipped; they had no effect on the
/// tokens, and their random draws are not reused.
#[derive(Debug, Clone)]
pub struct Linear {
    cursor: BlockCursor,
    quota: usize,
}

impl Linear {
    /// Goes through the blocks of a plan, from where `canvas` has come to.
    #[must_use]
    pub fn new(plan: Plan, params: &Params, canvas: &Canvas) -> Self {
        let steps = plan.steps_per_block.get();
        let cursor = BlockCursor::new(plan, params.cache);
        Self {
            cursor: cursor.going_on(canvas, Clone::clone, |_| steps),
            quota: 0,
        }
    }
}

pub(super) fn begin(canvas: &Canvas, params: &Params, rules: FamilyRules) -> Option<Begun> {
    let is_meant = params.transfer == Transfer::Quota && params.cache == CacheMode::Off;
    is_meant.then(|| {
        let plan = Plan::new(canvas, params, rules.block_origin)?;
        Ok(Box::new(Linear::new(plan, params, canvas)) as Box<dyn Strategy>)
    })
}

impl Strategy for Linear {
    fn next(&mut self, canvas: &Canvas) -> Option<StepPlan> {
        while let Some(block) = self.cursor.open() {
            self.cursor
                .count_masks(canvas.masked_in(block.clone()).count());
            if self.cursor.is_used_up() {
                self.cursor.close();
                continue;
            }
            self.quota = self.cursor.quota();
            let wanted: Vec<_> = canvas.masked_in(0..block.end).collect();
            if self.quota > 0 && !wanted.is_empty() {
                return Some(self.cursor.make(canvas, wanted));
            }
            self.cursor.skip();
        }
        None
    }

    /// A pick that is the mask writes nothing, as in the reference: its position stays a candidate and the count is not
    /// repaired.
    fn decide(&mut self, _: &Canvas, candidates: &[Candidate]) -> Vec<CanvasEdit> {
        CanvasEdit::writes(candidates, &best(candidates, self.quota))
    }

    fn progress(&self) -> StrategyProgress {
        self.cursor.progress()
    }
}

#[cfg(test)]
mod tests {
    use unmask_api::TokenId;

    use super::*;
    use crate::family::BlockOrigin;

    #[test]
    fn steps_that_may_commit_nothing_are_skipped() {
        let mut canvas = Canvas::new(&[TokenId(1), TokenId(1)], 4, TokenId(0));
        let params = Params {
            steps: 8,
            block_length: 2,
            ..Params::default()
        };
        let plan = Plan::new(&canvas, &params, BlockOrigin::Answer).expect("the plan divides");
        let mut strategy = Linear::new(plan, &params, &canvas);
        let mut calls = Vec::new();
        while let Some(step) = strategy.next(&canvas) {
            canvas.commit(step.wanted[0], TokenId(9));
            calls.push(step.call);
        }
        assert_eq!(calls, [0, 1, 4, 5]);
    }
}
