use std::ops::Range;

use unmask_api::Position;

use super::schedule::step_after;
use super::{Plan, StepPlan, StrategyProgress, quota};
use crate::Canvas;
use crate::family::BlockOrigin;
use crate::params::CacheMode;

/// Goes through the blocks of a plan, step by step; strategies that denoise in blocks decide when a block is over and what
/// its steps may do.
#[derive(Debug, Clone)]
pub struct BlockCursor {
    plan: Plan,
    cache: CacheMode,
    block: usize,
    step: usize,
    call: usize,
    /// Masks that the open block was to lift when it was opened.
    masked: usize,
    /// Steps of the plan that were made before this cursor.
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

impl BlockCursor {
    /// Stands before the first step.
    #[must_use]
    pub fn new(plan: Plan, cache: CacheMode) -> Self {
        Self {
            plan,
            cache,
            block: 0,
            step: 0,
            call: 0,
            masked: 0,
            begun: 0,
            slot: Slot::Stale,
        }
    }

    /// Stands where a run of this plan that left `canvas` would go on: behind the full blocks, and in the first block with
    /// masks behind the steps that had lifted what is lifted there. So a run that was stopped and its continuation make the
    /// forwards of one, with the same draws. `task` says which positions' masks a block is to lift, `calls` how many steps a
    /// block of so many masks took in all.
    ///
    /// The place follows from the canvas: what was given was never to be lifted, all else was. Under another plan than that
    /// of the stopped run the new one's pace holds for what is left; with a threshold or a factor, whose steps are not
    /// planned, the place only names the draws. A block that was left with masks, since the model predicted the mask, is
    /// taken up again. The cache begins empty: the first step feeds the whole canvas, so that with a cache tokens may differ
    /// from those of an unbroken run.
    #[must_use]
    pub fn going_on(
        mut self,
        canvas: &Canvas,
        task: impl Fn(&Range<usize>) -> Range<usize>,
        calls: impl Fn(usize) -> usize,
    ) -> Self {
        let is_given = |index: usize| canvas.is_given(Position(index as u32));
        let is_committed = |index| !is_given(index) && !canvas.is_masked(Position(index as u32));
        if !(self.plan.block(0).start..canvas.len()).any(is_committed) {
            return self;
        }
        let steps = self.plan.steps_per_block;
        while let Some(block) = self.open() {
            let to_lift = block.clone().filter(|&index| !is_given(index)).count();
            if canvas.masked_in(task(&block)).next().is_some() {
                self.masked = to_lift;
                let lifted = block.filter(|&it| is_committed(it)).count();
                self.step = step_after(lifted, to_lift, steps);
                self.call += self.step;
                break;
            }
            self.call += calls(to_lift);
            self.block += 1;
        }
        self.begun = self.block * steps.get() + self.step;
        self
    }

    /// The positions of the open block, or `None` behind the last one.
    #[must_use]
    pub fn open(&self) -> Option<Range<usize>> {
        (self.block < self.plan.blocks).then(|| self.plan.block(self.block))
    }

    /// The steps that the open block has had.
    #[must_use]
    pub fn step(&self) -> usize {
        self.step
    }

    /// The steps that each block may take.
    #[must_use]
    pub fn steps_per_block(&self) -> usize {
        self.plan.steps_per_block.get()
    }

    /// True if the open block has had its steps.
    #[must_use]
    pub fn is_used_up(&self) -> bool {
        self.step >= self.steps_per_block()
    }

    /// Notes the masks that a block has to lift as it is opened; changes nothing in a block that was begun.
    pub fn count_masks(&mut self, masked: usize) {
        if self.step == 0 {
            self.masked = masked;
        }
    }

    /// The masks that the open block was to lift when it was opened.
    #[must_use]
    pub fn masked(&self) -> usize {
        self.masked
    }

    /// The plan that it goes through.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Masks that the linear schedule lifts at the next step.
    #[must_use]
    pub fn quota(&self) -> usize {
        quota(self.masked, self.plan.steps_per_block, self.step)
    }

    /// True if the K/V of the whole canvas were computed in the open block and are kept.
    #[must_use]
    pub fn is_cached(&self) -> bool {
        self.cache != CacheMode::Off && self.slot == Slot::Filled
    }

    /// Makes the next step, which asks for `wanted`, in the open block.
    pub fn make(&mut self, canvas: &Canvas, wanted: Vec<Position>) -> StepPlan {
        let plan = StepPlan {
            block: self.block,
            fed: self.fed(canvas, &wanted),
            wanted,
            verified: None,
            call: self.call,
        };
        self.slot = Slot::Filled;
        self.skip();
        plan
    }

    /// Passes over a step that has nothing to do.
    pub fn skip(&mut self) {
        self.step += 1;
        self.call += 1;
    }

    /// Leaves the open block.
    pub fn close(&mut self) {
        self.block += 1;
        self.step = 0;
        self.slot = Slot::Stale;
    }

    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> StrategyProgress {
        let per_block = self.steps_per_block();
        StrategyProgress {
            calls: self.call,
            steps: self.plan.steps() - self.begun,
            planned: self.block * per_block + self.step.min(per_block) - self.begun,
            blocks: self.plan.blocks,
        }
    }

    /// What a step recomputes: every wanted position is among it, and the first one may lie before the block.
    fn fed(&self, canvas: &Canvas, wanted: &[Position]) -> Range<usize> {
        let block = self.plan.block(self.block);
        let start = wanted
            .first()
            .map_or(block.start, |at| at.index().min(block.start));
        match self.cache {
            CacheMode::Prefix if self.is_cached() => start..canvas.len(),
            CacheMode::Dual if self.is_cached() => start..block.end,
            CacheMode::Off | CacheMode::Prefix | CacheMode::Dual => match self.plan.origin() {
                BlockOrigin::Answer => 0..canvas.len(),
                // Blocks that are counted from position 0 do not see those behind them.
                BlockOrigin::Canvas => 0..block.end.min(canvas.len()),
            },
        }
    }
}
