use unmask_core::family::BlockOrigin;
use unmask_core::sampler::{
    BlockCursor, Candidate, CanvasEdit, Plan, PlanError, StepPlan, Strategy, StrategyProgress, best,
};
use unmask_core::{Canvas, Params};

/// LLaDA's `app.py`: only the block's masks are candidates; the block's last step commits all of them; full blocks are
/// skipped; the number of blocks is rounded up and the steps per block down.
pub(crate) struct WebDemo {
    cursor: BlockCursor,
    quota: usize,
}

impl WebDemo {
    pub(crate) fn new(canvas: &Canvas, params: &Params) -> Result<Self, PlanError> {
        let block_length = params.block_length.min(canvas.answer().len());
        let params = Params {
            block_length,
            ..params.clone()
        };
        let plan = Plan::rounded(canvas, &params, BlockOrigin::Answer)?;
        Ok(Self {
            cursor: BlockCursor::new(plan, params.cache),
            quota: 0,
        })
    }
}

impl Strategy for WebDemo {
    fn next(&mut self, canvas: &Canvas) -> Option<StepPlan> {
        while let Some(block) = self.cursor.open() {
            let wanted: Vec<_> = canvas.masked_in(block).collect();
            self.cursor.count_masks(wanted.len());
            let is_full = canvas.masked_in(0..canvas.len()).next().is_none();
            if self.cursor.is_used_up() || self.cursor.masked() == 0 || is_full {
                self.cursor.close();
                continue;
            }
            let is_last = self.cursor.step() + 1 == self.cursor.steps_per_block();
            self.quota = match is_last {
                true => wanted.len(),
                false => self.cursor.quota(),
            };
            if self.quota > 0 && !wanted.is_empty() {
                return Some(self.cursor.make(canvas, wanted));
            }
            self.cursor.skip();
        }
        None
    }

    fn decide(&mut self, _: &Canvas, candidates: &[Candidate]) -> Vec<CanvasEdit> {
        CanvasEdit::writes(candidates, &best(candidates, self.quota))
    }

    fn progress(&self) -> StrategyProgress {
        self.cursor.progress()
    }
}
