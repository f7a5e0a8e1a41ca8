use unmask_core::family::BlockOrigin;
use unmask_core::params::{CacheMode, Transfer};
use unmask_core::sampler::strategies::{factor, threshold};
use unmask_core::sampler::{
    BlockCursor, Candidate, CanvasEdit, Plan, PlanError, StepPlan, Strategy, StrategyProgress, best,
};
use unmask_core::{Canvas, Params};

/// Which release of Fast-dLLM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// The first: a block ends when it is full, after at least one cached forward.
    V0,
    /// v1: as above without the extra forward; the dual cache stops after the block's share of steps, so that masks may be
    /// left. A factor also takes the last candidate if it alone fails.
    V1,
}

/// Fast-dLLM's block rules: before the cache is filled every mask before the block's end is a candidate, then those of the
/// block.
pub(crate) struct FastDllm {
    version: Version,
    params: Params,
    cursor: BlockCursor,
    /// Masks before the block's end that the last step found.
    found: usize,
    quota: usize,
}

impl FastDllm {
    pub(crate) fn new(
        version: Version,
        canvas: &Canvas,
        params: &Params,
    ) -> Result<Self, PlanError> {
        let plan = Plan::new(canvas, params, BlockOrigin::Answer)?;
        Ok(Self {
            version,
            params: params.clone(),
            cursor: BlockCursor::new(plan, params.cache),
            found: usize::MAX,
            quota: 0,
        })
    }

    /// True if the open block is done with, `is_full` or not.
    fn is_over(&self, is_full: bool) -> bool {
        let step = self.cursor.step();
        match (self.version, self.params.cache) {
            (_, CacheMode::Off) | (Version::V1, CacheMode::Prefix) => step >= 1 && is_full,
            (Version::V1, CacheMode::Dual) => step >= 1 && (is_full || self.cursor.is_used_up()),
            (Version::V0, CacheMode::Prefix | CacheMode::Dual) => step >= 2 && is_full,
        }
    }
}

/// Picks as a release does; `quota` counts under [`Transfer::Quota`].
pub(crate) fn select(
    version: Version,
    params: &Params,
    candidates: &[Candidate],
    quota: usize,
) -> Vec<usize> {
    match params.transfer {
        Transfer::Threshold(at) => threshold(candidates, params.remasking, at),
        Transfer::Factor(of) => {
            let picks = factor(candidates, params.remasking, of);
            match version == Version::V1 && picks.len() + 1 == candidates.len() {
                true => best(candidates, candidates.len()),
                false => picks,
            }
        }
        _ => best(candidates, quota),
    }
}

impl Strategy for FastDllm {
    fn next(&mut self, canvas: &Canvas) -> Option<StepPlan> {
        while let Some(block) = self.cursor.open() {
            let masked = canvas.masked_in(block.clone()).count();
            self.cursor.count_masks(masked);
            let candidates = match self.cursor.is_cached() {
                true => block.clone(),
                false => 0..block.end,
            };
            let wanted: Vec<_> = canvas.masked_in(candidates).collect();
            // The programs loop for ever, or stop with an error, if a greedy step commits nothing.
            let found = canvas.masked_in(0..block.end).count();
            let is_stuck = self.cursor.step() > 0 && masked > 0 && found == self.found;
            if self.is_over(masked == 0) || is_stuck {
                self.cursor.close();
                continue;
            }
            self.found = found;
            self.quota = self.cursor.quota();
            return Some(self.cursor.make(canvas, wanted));
        }
        None
    }

    fn decide(&mut self, _: &Canvas, candidates: &[Candidate]) -> Vec<CanvasEdit> {
        let picks = select(self.version, &self.params, candidates, self.quota);
        CanvasEdit::writes(candidates, &picks)
    }

    fn progress(&self) -> StrategyProgress {
        self.cursor.progress()
    }
}
