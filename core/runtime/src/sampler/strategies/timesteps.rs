use unmask_api::Position;

use super::Begun;
use crate::family::FamilyRules;
use crate::params::{CacheMode, Remasking, Transfer};
use crate::sampler::plan::in_range;
use crate::sampler::{
    BlockCursor, Candidate, CanvasEdit, Plan, StepPlan, Strategy, StrategyProgress, best,
    timestep_share,
};
use crate::{Canvas, Params};

pub(super) fn begin(canvas: &Canvas, params: &Params, rules: FamilyRules) -> Option<Begun> {
    let Transfer::Timesteps(eps) = params.transfer else {
        return None;
    };
    let is_meant = params.cache == CacheMode::Off;
    is_meant.then(|| {
        in_range(
            eps > 0.0 && eps < 1.0,
            "the last time",
            eps,
            "between 0 and 1",
        )?;
        let plan = Plan::new(canvas, params, rules.block_origin)?;
        let steps = plan.steps_per_block.get();
        let cursor = BlockCursor::new(plan, CacheMode::Off);
        let timesteps = Timesteps {
            cursor: cursor.going_on(canvas, Clone::clone, |_| steps),
            eps,
            is_random: params.remasking == Remasking::Random,
            share: 0.0,
            count: 0,
        };
        Ok(Box::new(timesteps) as Box<dyn Strategy>)
    })
}

/// Dream's `diffusion_generate`, arXiv:2508.15487: at each step the share of the masks that its time says, rounded down; under
/// random remasking each with that probability (`origin`). Dream has one block, as long as the answer.
///
/// Differs from the reference: steps that can commit nothing are skipped.
struct Timesteps {
    cursor: BlockCursor,
    eps: f64,
    is_random: bool,
    /// Of the step that is made.
    share: f32,
    count: usize,
}

impl Strategy for Timesteps {
    fn next(&mut self, canvas: &Canvas) -> Option<StepPlan> {
        while let Some(block) = self.cursor.open() {
            let wanted: Vec<Position> = canvas.masked_in(0..block.end).collect();
            self.cursor.count_masks(wanted.len());
            if self.cursor.is_used_up() || wanted.is_empty() {
                self.cursor.close();
                continue;
            }
            let steps = self.cursor.plan().steps_per_block;
            self.share = timestep_share(self.eps, steps, self.cursor.step());
            self.count = (wanted.len() as f32 * self.share) as usize;
            if self.count > 0 || self.is_random {
                return Some(self.cursor.make(canvas, wanted));
            }
            self.cursor.skip();
        }
        None
    }

    fn decide(&mut self, _: &Canvas, candidates: &[Candidate]) -> Vec<CanvasEdit> {
        let picks = match self.is_random {
            false => best(candidates, self.count),
            true => {
                let is_drawn = |&at: &usize| candidates[at].score < f64::from(self.share);
                (0..candidates.len()).filter(is_drawn).collect()
            }
        };
        CanvasEdit::writes(candidates, &picks)
    }

    fn progress(&self) -> StrategyProgress {
        self.cursor.progress()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::rank::tests::candidates;

    #[test]
    fn the_first_of_as_many_steps_as_masks_commits_nothing_and_is_skipped() {
        let mut canvas = Canvas::new(&[], 16, unmask_api::TokenId(0));
        let params = Params {
            steps: 16,
            block_length: 16,
            transfer: Transfer::Timesteps(1e-3),
            ..Params::default()
        };
        let begun = begin(&canvas, &params, FamilyRules::default()).expect("it is asked for");
        let mut strategy = begun.expect("it divides");
        let mut calls = Vec::new();
        while let Some(step) = strategy.next(&canvas) {
            calls.push(step.call);
            let confidences = vec![0.5; step.wanted.len()];
            for edit in strategy.decide(&canvas, &candidates(&confidences)) {
                let CanvasEdit::Write { candidate, .. } = edit else {
                    panic!("it writes alone: {edit:?}");
                };
                canvas.commit(step.wanted[candidate], unmask_api::TokenId(9));
            }
        }
        assert_eq!(calls, (1..16).collect::<Vec<_>>());
        assert_eq!(canvas.masked_in(0..16).count(), 0);
    }
}
