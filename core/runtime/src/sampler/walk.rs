use std::ops::Range;

use unmask_api::Position;

use super::schedule::step_after;
use super::{Plan, quota};
use crate::Canvas;
use crate::params::{CacheMode, Rules};

/// What one step may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepPlan {
    /// The block, counted from 0.
    pub index: usize,
    /// Its positions.
    pub block: Range<usize>,
    /// The masks in this range are the candidates.
    pub candidates: Range<usize>,
    /// Positions that the forward recomputes; all others come from the K/V cache.
    pub fed: Range<usize>,
    /// Positions to commit under the linear schedule; all candidates if `None`.
    pub quota: Option<usize>,
    /// Names this step's random draws: steps of the plan so far, skipped ones included.
    pub call: usize,
}

/// Goes through the blocks and their steps, under one of the published programs' rules.
#[derive(Debug, Clone)]
pub struct Walk {
    plan: Plan,
    rules: Rules,
    cache: CacheMode,
    block: usize,
    step: usize,
    call: usize,
    /// Masks that the open block was to lift when it was opened.
    masked: usize,
    /// Masks before this position stay.
    given_up: usize,
    /// Steps of the linear schedule that were made before this walk.
    begun: usize,
    /// What the K/V cache holds.
    slot: Slot,
}

/// What the K/V cache holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// Nothing, or what it was before the open block.
    Stale,
    /// All of the canvas, computed in the open block.
    Filled,
}

impl Walk {
    /// Stands before the first step.
    #[must_use]
    pub fn new(plan: Plan, rules: Rules, cache: CacheMode) -> Self {
        Self {
            plan,
            rules,
            cache,
            block: 0,
            step: 0,
            call: 0,
            masked: 0,
            given_up: 0,
            begun: 0,
            slot: Slot::Stale,
        }
    }

    /// Stands where a walk of this plan that left `canvas` would go on: behind the full blocks, and in the first block with
    /// masks behind the steps that had lifted what is lifted there. So a run that was stopped and its continuation make the
    /// forwards of one, with the same draws.
    ///
    /// The place follows from the canvas: what was given was never to be lifted, all else was. Under another plan than that
    /// of the stopped run the new one's pace holds for what is left; with a threshold or a factor, whose steps are not
    /// planned, the place only names the draws. A block that was left with masks, since the model predicted the mask, is
    /// taken up again. The cache begins empty: the first step feeds the whole canvas, so that with a cache tokens may differ
    /// from those of an unbroken run.
    #[must_use]
    pub fn going_on(mut self, canvas: &Canvas) -> Self {
        let is_given = |index: usize| canvas.is_given(Position(index as u32));
        let is_committed = |index| !is_given(index) && !canvas.is_masked(Position(index as u32));
        if !(self.plan.block(0).start..canvas.len()).any(is_committed) {
            return self;
        }
        let steps = self.plan.steps_per_block;
        while self.block < self.plan.blocks {
            let block = self.plan.block(self.block);
            let to_lift = block.clone().filter(|&index| !is_given(index)).count();
            if canvas.masked_in(self.task(&block)).next().is_some() {
                self.masked = to_lift;
                self.step =
                    step_after(block.filter(|&it| is_committed(it)).count(), to_lift, steps);
                self.call += self.step;
                break;
            }
            self.call += match self.rules {
                Rules::Llada => steps.get(),
                Rules::LladaApp if to_lift == 0 => 0,
                Rules::LladaApp => steps.get(),
                Rules::FastV0 | Rules::FastV1 | Rules::Settled => steps.get().min(to_lift),
            };
            self.block += 1;
        }
        self.begun = self.block * steps.get() + self.step;
        self
    }

    /// The plan being walked.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The next step that has something to do, or `None` when the plan is done.
    ///
    /// Differs from the reference: steps of LLaDA's own programs that can commit nothing (more steps than masks) are
    /// skipped; they had no effect on the tokens, and their random draws are not reused.
    pub fn next(&mut self, canvas: &Canvas) -> Option<StepPlan> {
        while self.block < self.plan.blocks {
            let block = self.plan.block(self.block);
            if self.step == 0 {
                self.masked = canvas.masked_in(self.task(&block)).count();
            }
            if self.block_is_over(canvas, &block) {
                self.close_block();
                continue;
            }
            let step = self.step_plan(canvas, block);
            self.slot = Slot::Filled;
            self.step += 1;
            self.call += 1;
            let idle =
                step.quota == Some(0) || canvas.masked_in(step.candidates.clone()).next().is_none();
            if !idle || !matches!(self.rules, Rules::Llada | Rules::LladaApp) {
                return Some(step);
            }
        }
        None
    }

    /// Leaves the open block with the masks that it and the ones before it still have: its steps commit nothing.
    ///
    /// Not for [`Rules::Llada`] and [`Rules::LladaApp`], whose blocks take their steps whatever the steps do; the programs
    /// behind the other rules would loop or stop with an error.
    pub fn give_up_block(&mut self) {
        self.given_up = self.open_block().end;
        self.close_block();
    }

    fn close_block(&mut self) {
        self.block += 1;
        self.step = 0;
        self.slot = Slot::Stale;
    }

    /// True if the open block has had a step for each of its positions beyond its share of the plan.
    #[must_use]
    pub fn is_overdue(&self) -> bool {
        self.step >= self.plan.steps_per_block.get() + self.open_block().len()
    }

    /// Steps of the plan so far, skipped ones included: the next step's [`StepPlan::call`].
    #[must_use]
    pub fn calls(&self) -> usize {
        self.call
    }

    /// Steps that the linear schedule would have taken to come this far from where this walk began.
    #[must_use]
    pub fn planned(&self) -> usize {
        let per_block = self.plan.steps_per_block.get();
        self.block * per_block + self.step.min(per_block) - self.begun
    }

    /// Steps of the linear schedule from where this walk began.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.plan.steps() - self.begun
    }

    /// The block of the last step, or of the first one to come.
    #[must_use]
    pub fn open_block(&self) -> Range<usize> {
        self.plan.block(self.block.min(self.plan.blocks - 1))
    }

    /// Whose masks the open block is to lift: its own, and under [`Rules::Settled`] those before it too, such as holes in
    /// the prompt, which the published programs may leave.
    fn task(&self, block: &Range<usize>) -> Range<usize> {
        match self.rules {
            Rules::Settled => self.given_up..block.end,
            Rules::Llada | Rules::LladaApp | Rules::FastV0 | Rules::FastV1 => block.clone(),
        }
    }

    fn block_is_over(&self, canvas: &Canvas, block: &Range<usize>) -> bool {
        let full = || canvas.masked_in(self.task(block)).next().is_none();
        let used_up = self.step >= self.plan.steps_per_block.get();
        match (self.rules, self.cache) {
            (Rules::Llada, _) => used_up,
            (Rules::LladaApp, _) => {
                used_up || self.masked == 0 || canvas.masked_in(0..canvas.len()).next().is_none()
            }
            (Rules::Settled, _) => full(),
            (Rules::FastV0 | Rules::FastV1, CacheMode::Off)
            | (Rules::FastV1, CacheMode::Prefix) => self.step >= 1 && full(),
            (Rules::FastV1, CacheMode::Dual) => self.step >= 1 && (full() || used_up),
            (Rules::FastV0, CacheMode::Prefix | CacheMode::Dual) => self.step >= 2 && full(),
        }
    }

    fn step_plan(&self, canvas: &Canvas, block: Range<usize>) -> StepPlan {
        let cached = self.cache != CacheMode::Off && self.slot == Slot::Filled;
        let last = self.step + 1 == self.plan.steps_per_block.get();
        let share = quota(self.masked, self.plan.steps_per_block, self.step);
        let quota = match self.rules {
            Rules::LladaApp if last => None,
            Rules::Settled => Some(share.max(1)),
            Rules::Llada | Rules::LladaApp | Rules::FastV0 | Rules::FastV1 => Some(share),
        };
        let candidates = match self.rules {
            Rules::Settled => self.given_up..block.end,
            Rules::LladaApp => block.clone(),
            Rules::Llada | Rules::FastV0 | Rules::FastV1 if cached => block.clone(),
            Rules::Llada | Rules::FastV0 | Rules::FastV1 => 0..block.end,
        };
        // Every candidate is recomputed; the first one may lie before the block.
        let first = canvas.masked_in(candidates.clone()).next();
        let start = first.map_or(block.start, |at| at.index().min(block.start));
        StepPlan {
            index: self.block,
            fed: match self.cache {
                CacheMode::Prefix if cached => start..canvas.len(),
                CacheMode::Dual if cached => start..block.end,
                CacheMode::Off | CacheMode::Prefix | CacheMode::Dual => 0..canvas.len(),
            },
            candidates,
            block,
            quota,
            call: self.call,
        }
    }
}

#[cfg(test)]
mod tests {
    use unmask_api::{Position, TokenId};

    use super::*;
    use crate::Params;

    /// Walks a canvas of 2 + 4 positions in blocks of 2 and commits `lift` positions a step.
    fn walk(
        rules: Rules,
        cache: CacheMode,
        steps: usize,
        lift: usize,
    ) -> Vec<(usize, Range<usize>)> {
        let mut canvas = Canvas::new(&[TokenId(1), TokenId(1)], 4, TokenId(0));
        let params = Params {
            steps,
            block_length: 2,
            rules,
            ..Params::default()
        };
        let plan = Plan::new(&canvas, &params).expect("the plan divides");
        let mut walk = Walk::new(plan, rules, cache);
        let mut seen = Vec::new();
        while let Some(step) = walk.next(&canvas) {
            let picks: Vec<Position> = canvas
                .masked_in(step.candidates.clone())
                .take(lift)
                .collect();
            picks.iter().for_each(|&at| canvas.commit(at, TokenId(9)));
            seen.push((step.index, step.fed));
            assert!(seen.len() < 20, "the walk does not end");
        }
        seen
    }

    #[test]
    fn steps_that_may_commit_nothing_are_skipped() {
        assert_eq!(walk(Rules::Llada, CacheMode::Off, 8, 1).len(), 4);
    }

    #[test]
    fn the_dual_cache_feeds_the_block_after_one_whole_forward() {
        let fed = walk(Rules::Settled, CacheMode::Dual, 4, 1);
        assert_eq!(fed, [(0, 0..6), (0, 2..4), (1, 0..6), (1, 4..6)]);
    }

    #[test]
    fn a_hole_in_the_prompt_is_lifted_under_settled_rules_and_fed_to_the_cache() {
        let lift = |cache| {
            let mut canvas = Canvas::new(&[TokenId(1), TokenId(0), TokenId(1)], 2, TokenId(0));
            let params = Params {
                steps: 2,
                block_length: 2,
                rules: Rules::Settled,
                ..Params::default()
            };
            let plan = Plan::new(&canvas, &params).expect("the plan divides");
            let mut walk = Walk::new(plan, Rules::Settled, cache);
            let mut fed = Vec::new();
            while let Some(step) = walk.next(&canvas) {
                // The answer first, the hole last.
                let last = canvas.masked_in(step.candidates.clone()).last();
                canvas.commit(last.expect("a step has candidates"), TokenId(9));
                fed.push(step.fed);
            }
            assert_eq!(canvas.masked_in(0..5).count(), 0, "{cache:?}");
            fed
        };
        assert_eq!(lift(CacheMode::Off), [0..5, 0..5, 0..5]);
        assert_eq!(lift(CacheMode::Prefix), [0..5, 1..5, 1..5]);
        assert_eq!(lift(CacheMode::Dual), [0..5, 1..5, 1..5]);
    }

    #[test]
    fn the_web_demo_makes_no_forward_for_a_full_block() {
        // Six steps a block of two masks: the last one, which takes all that is left, has nothing to take.
        let steps = walk(Rules::LladaApp, CacheMode::Off, 12, 1);
        assert_eq!(steps.len(), 4);
    }

    #[test]
    fn the_prefix_cache_feeds_the_block_and_all_after_it() {
        let fed = walk(Rules::FastV1, CacheMode::Prefix, 4, 1);
        assert_eq!(fed, [(0, 0..6), (0, 2..6), (1, 0..6), (1, 4..6)]);
    }

    #[test]
    fn the_first_fast_dllm_makes_a_cached_forward_that_v1_saves() {
        assert_eq!(walk(Rules::FastV0, CacheMode::Dual, 4, 2).len(), 4);
        assert_eq!(walk(Rules::FastV1, CacheMode::Dual, 4, 2).len(), 2);
    }
}
