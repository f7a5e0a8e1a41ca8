use super::Begun;
use crate::family::FamilyRules;
use crate::sampler::{
    BlockCursor, Candidate, CanvasEdit, Plan, PlanError, StepPlan, Strategy, StrategyProgress,
};
use crate::{Canvas, Params};

/// Which of a step's candidates are committed: their indices, best first, and one at least if there is one. The number is
/// what the linear schedule would commit, 1 and up.
pub type Select = Box<dyn Fn(&[Candidate], usize) -> Vec<usize> + Send>;

/// Parallel decoding in blocks: a block ends when no mask is left in it or before it, however many steps that takes. The
/// block rule of Fast-dLLM (arXiv:2505.22618), without its cap on the steps and with the masks that it may leave.
///
/// Positions that predict the mask itself wait for the others, and stay masked if nothing else is left.
pub struct FullBlocks {
    cursor: BlockCursor,
    select: Select,
    /// True if a step that committed nothing would be the same again.
    is_greedy: bool,
    /// Masks before this position stay.
    given_up: usize,
    /// Masks that the last step found.
    found: usize,
    quota: usize,
}

impl FullBlocks {
    /// Goes through the blocks of a plan, from where `canvas` has come to.
    #[must_use]
    pub fn new(plan: Plan, params: &Params, canvas: &Canvas, select: Select) -> Self {
        let steps = plan.steps_per_block.get();
        let cursor = BlockCursor::new(plan, params.cache);
        Self {
            cursor: cursor.going_on(canvas, |block| 0..block.end, |to_lift| steps.min(to_lift)),
            select,
            is_greedy: params.temperature == 0.0,
            given_up: 0,
            found: usize::MAX,
            quota: 1,
        }
    }

    /// As a [`Begin`](super::Begin) does.
    pub(super) fn begin(
        canvas: &Canvas,
        params: &Params,
        rules: FamilyRules,
        select: Select,
    ) -> Begun {
        Ok(Box::new(Self::of(canvas, params, rules, select)?))
    }

    /// For the strategies that go through blocks as this one does.
    pub(super) fn of(
        canvas: &Canvas,
        params: &Params,
        rules: FamilyRules,
        select: Select,
    ) -> Result<Self, PlanError> {
        let plan = Plan::new(canvas, params, rules.block_origin)?;
        Ok(Self::new(plan, params, canvas, select))
    }

    /// True if a block whose last step committed nothing is to be left: another step would answer the same, or each position
    /// has had a step beyond the block's share of the plan.
    fn may_give_up(&self, block_length: usize) -> bool {
        self.is_greedy || self.cursor.step() >= self.cursor.steps_per_block() + block_length
    }
}

impl FullBlocks {
    /// What another selection than its own writes.
    pub(super) fn picked(
        &self,
        canvas: &Canvas,
        candidates: &[Candidate],
        select: &dyn Fn(&[Candidate], usize) -> Vec<usize>,
    ) -> Vec<CanvasEdit> {
        if candidates.iter().all(|it| it.token != canvas.mask()) {
            return CanvasEdit::writes(candidates, &select(candidates, self.quota));
        }
        let is_token = |&index: &usize| candidates[index].token != canvas.mask();
        let kept: Vec<usize> = (0..candidates.len()).filter(is_token).collect();
        let tokens: Vec<Candidate> = kept.iter().map(|&at| candidates[at].clone()).collect();
        let picks = select(&tokens, self.quota);
        let picks: Vec<usize> = picks.iter().map(|&pick| kept[pick]).collect();
        CanvasEdit::writes(candidates, &picks)
    }

    /// Steps that the open block has had, the one that was made last included.
    pub(super) fn step(&self) -> usize {
        self.cursor.step()
    }
}

impl Strategy for FullBlocks {
    fn next(&mut self, canvas: &Canvas) -> Option<StepPlan> {
        while let Some(block) = self.cursor.open() {
            let wanted: Vec<_> = canvas.masked_in(self.given_up..block.end).collect();
            self.cursor.count_masks(wanted.len());
            let is_stuck = self.cursor.step() > 0 && wanted.len() == self.found;
            if is_stuck && self.may_give_up(block.len()) {
                self.given_up = block.end;
            } else if !wanted.is_empty() {
                self.found = wanted.len();
                self.quota = self.cursor.quota().max(1);
                return Some(self.cursor.make(canvas, wanted));
            }
            self.cursor.close();
        }
        None
    }

    fn decide(&mut self, canvas: &Canvas, candidates: &[Candidate]) -> Vec<CanvasEdit> {
        self.picked(canvas, candidates, &self.select)
    }

    fn progress(&self) -> StrategyProgress {
        self.cursor.progress()
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use unmask_api::TokenId;

    use super::*;
    use crate::family::BlockOrigin;
    use crate::params::CacheMode;

    fn strategy(canvas: &Canvas, params: &Params) -> FullBlocks {
        let plan = Plan::new(canvas, params, BlockOrigin::Answer).expect("the plan divides");
        FullBlocks::new(plan, params, canvas, Box::new(|_, _| Vec::new()))
    }

    fn params(steps: usize, block_length: usize, cache: CacheMode) -> Params {
        Params {
            steps,
            block_length,
            cache,
            ..Params::default()
        }
    }

    /// What is fed until the canvas is full, if each step commits its last candidate.
    fn fed(mut canvas: Canvas, params: &Params) -> Vec<(usize, Range<usize>)> {
        let mut strategy = strategy(&canvas, params);
        let mut fed = Vec::new();
        while let Some(step) = strategy.next(&canvas) {
            let last = step.wanted.last().expect("a step has candidates");
            canvas.commit(*last, TokenId(9));
            fed.push((step.block, step.fed));
            assert!(fed.len() < 20, "it does not end");
        }
        assert_eq!(canvas.masked_in(0..canvas.len()).count(), 0);
        fed
    }

    #[test]
    fn a_cache_feeds_the_block_after_one_whole_forward() {
        let canvas = || Canvas::new(&[TokenId(1), TokenId(1)], 4, TokenId(0));
        let fed = |cache| fed(canvas(), &params(4, 2, cache));
        assert_eq!(
            fed(CacheMode::Dual),
            [(0, 0..6), (0, 2..4), (1, 0..6), (1, 4..6)]
        );
        assert_eq!(
            fed(CacheMode::Prefix),
            [(0, 0..6), (0, 2..6), (1, 0..6), (1, 4..6)]
        );
    }

    #[test]
    fn a_hole_in_the_prompt_is_lifted_and_fed_to_the_cache() {
        let canvas = || Canvas::new(&[TokenId(1), TokenId(0), TokenId(1)], 2, TokenId(0));
        let fed = |cache| fed(canvas(), &params(2, 2, cache));
        assert_eq!(fed(CacheMode::Off), [(0, 0..5), (0, 0..5), (0, 0..5)]);
        assert_eq!(fed(CacheMode::Prefix), [(0, 0..5), (0, 1..5), (0, 1..5)]);
        assert_eq!(fed(CacheMode::Dual), [(0, 0..5), (0, 1..5), (0, 1..5)]);
    }

    #[test]
    fn every_position_of_a_long_block_is_tried_before_it_is_given_up() {
        let canvas = Canvas::new(&[], 4, TokenId(0));
        let steps = |temperature| {
            let params = Params {
                temperature,
                ..params(1, 4, CacheMode::Off)
            };
            let mut strategy = strategy(&canvas, &params);
            std::iter::from_fn(|| strategy.next(&canvas)).count()
        };
        assert_eq!((steps(0.0), steps(0.5)), (1, 5));
    }
}
