use unmask_api::Position;

use super::Begun;
use crate::family::{BlockOrigin, FamilyRules, Predictor};
use crate::params::{CacheMode, Editing, Growth, Transfer};
use crate::sampler::plan::in_range;
use crate::sampler::{
    BlockCursor, Candidate, CanvasEdit, Plan, PlanError, StepPlan, Strategy, StrategyProgress,
    best, quota,
};
use crate::{Canvas, Params};

pub(super) fn begin(canvas: &Canvas, params: &Params, rules: FamilyRules) -> Option<Begun> {
    let threshold = threshold(params, rules)?;
    Some(BlockSteps::new(canvas, params, rules, threshold).map(|it| Box::new(it) as Box<_>))
}

/// True for settings of which this strategy alone makes steps.
pub(super) fn is_meant(params: &Params, rules: FamilyRules) -> bool {
    let is_in_parts = matches!(rules.predictor, Predictor::PositionBeforeInBlock(_))
        && params.transfer == Transfer::Quota;
    let is_grown = matches!(params.growth, Growth::Daedal(_));
    threshold(params, rules).is_some() && !is_in_parts && !is_grown
}

/// What a confidence has to exceed, of settings that ask for this strategy.
fn threshold(params: &Params, rules: FamilyRules) -> Option<f64> {
    match (params.cache, params.transfer) {
        (CacheMode::Off, Transfer::Dynamic(at)) => Some(at),
        (CacheMode::Off, Transfer::Quota) if rules.block_origin == BlockOrigin::Canvas => Some(1.0),
        _ => None,
    }
}

/// Block after block, in steps that write the schedule's share of a whole block, or every candidate that exceeds a threshold
/// if they are as many; with [`Editing`] written tokens too, where another one exceeds a threshold of its own.
///
/// `generate` of LLaDA2.0 and LLaDA2.1 (arXiv:2512.15745, token editing); SDAR's `block_diffusion_generate` (arXiv:2510.06303)
/// with its remasking `low_confidence_dynamic`, `low_confidence_static` and `sequential`.
///
/// Differs from the reference: a step never writes more than the block has masks, which overwrote finished tokens.
struct BlockSteps {
    cursor: BlockCursor,
    threshold: f64,
    editing: Option<Editing>,
    /// Masks that the last step found in the open block.
    found: usize,
    /// Steps of the open block that began without masks.
    edits_alone: usize,
    /// True if the last step changed nothing.
    held_still: bool,
    is_greedy: bool,
}

impl BlockSteps {
    fn new(
        canvas: &Canvas,
        params: &Params,
        rules: FamilyRules,
        threshold: f64,
    ) -> Result<Self, PlanError> {
        let is_share = |it: f64| (0.0..=1.0).contains(&it);
        in_range(is_share(threshold), "dynamic", threshold, "0 to 1")?;
        if let Some(Editing { threshold, .. }) = params.editing {
            in_range(
                is_share(threshold),
                "editing threshold",
                threshold,
                "0 to 1",
            )?;
        }
        let plan = Plan::new(canvas, params, rules.block_origin)?;
        let steps = plan.steps_per_block.get();
        let cursor = BlockCursor::new(plan, CacheMode::Off);
        let cursor = match params.editing {
            None => cursor.going_on(canvas, Clone::clone, |to_lift| steps.min(to_lift)),
            // What is written may be what editing was to change: full blocks alone are passed over.
            Some(_) => cursor,
        };
        Ok(Self {
            cursor,
            threshold,
            editing: params.editing,
            found: usize::MAX,
            edits_alone: 0,
            held_still: false,
            is_greedy: params.temperature == 0.0,
        })
    }

    /// True if the open block, which has so many masks, is done with.
    fn is_over(&self, masks: usize) -> bool {
        let is_same = self.held_still && self.found == masks;
        match self.editing {
            None => masks == 0 || self.cursor.is_used_up(),
            Some(editing) if masks == 0 => {
                let is_begun = self.cursor.step() > 0;
                !is_begun || is_same || self.edits_alone >= editing.most_steps
            }
            // Edits alone may go on for ever, beside a position that predicts the mask.
            Some(_) => {
                let is_overdue = self.found == masks && self.is_overdue();
                (is_same && self.is_greedy) || is_overdue
            }
        }
    }

    fn is_overdue(&self) -> bool {
        self.cursor.step() > self.cursor.steps_per_block() + self.cursor.plan().block_length()
    }

    /// What the step that was made writes at least; editing goes on with the share of the last.
    fn share(&self) -> usize {
        let plan = self.cursor.plan();
        let step = self.cursor.step().min(plan.steps_per_block.get()) - 1;
        quota(plan.block_length(), plan.steps_per_block, step).max(1)
    }
}

impl Strategy for BlockSteps {
    fn next(&mut self, canvas: &Canvas) -> Option<StepPlan> {
        while let Some(block) = self.cursor.open() {
            let masks = canvas.masked_in(block.clone()).count();
            self.cursor.count_masks(masks);
            if self.is_over(masks) {
                self.cursor.close();
                (self.found, self.edits_alone, self.held_still) = (usize::MAX, 0, false);
                continue;
            }
            self.found = masks;
            self.edits_alone += usize::from(masks == 0);
            let may_change = |&at: &Position| {
                canvas.is_masked(at) || (self.editing.is_some() && !canvas.is_given(at))
            };
            let positions = block.start..block.end.min(canvas.len());
            let positions = positions.map(|index| Position(index as u32));
            let wanted = positions.filter(may_change).collect();
            return Some(self.cursor.make(canvas, wanted));
        }
        None
    }

    fn decide(&mut self, canvas: &Canvas, candidates: &[Candidate]) -> Vec<CanvasEdit> {
        let share = self.share();
        let order = best(candidates, candidates.len());
        let is_mask = |&&at: &&usize| canvas.is_masked(candidates[at].at);
        let masks: Vec<usize> = order.iter().filter(is_mask).copied().collect();
        let is_sure = |&&at: &&usize| candidates[at].confidence > self.threshold;
        let sure: Vec<usize> = masks.iter().filter(is_sure).copied().collect();
        let mut picks = match sure.len() >= share {
            true => sure,
            false => masks.into_iter().take(share).collect(),
        };
        if let Some(editing) = self.editing {
            let is_edit = |&at: &usize| {
                let Candidate {
                    at,
                    token,
                    confidence,
                    ..
                } = candidates[at];
                let stands = canvas.tokens()[at.index()];
                stands != canvas.mask() && stands != token && confidence > editing.threshold
            };
            picks.extend(order.into_iter().filter(is_edit));
        }
        self.held_still = picks
            .iter()
            .all(|&at| candidates[at].token == canvas.mask());
        CanvasEdit::writes(candidates, &picks)
    }

    fn progress(&self) -> StrategyProgress {
        self.cursor.progress()
    }

    fn final_until(&self, canvas: &Canvas) -> usize {
        match (self.editing, self.cursor.open()) {
            (Some(_), Some(block)) => block.start,
            (None, _) | (_, None) => canvas.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use unmask_api::TokenId;

    use super::*;
    use crate::sampler::rank::tests::candidates;

    fn strategy(canvas: &Canvas, editing: Option<Editing>) -> BlockSteps {
        let params = Params {
            steps: 2,
            block_length: 4,
            editing,
            ..Params::default()
        };
        let rules = FamilyRules {
            block_origin: BlockOrigin::Canvas,
            ..FamilyRules::default()
        };
        BlockSteps::new(canvas, &params, rules, 0.9).expect("the settings fit")
    }

    /// Where the edits of a step write.
    fn written(edits: &[CanvasEdit]) -> Vec<u32> {
        let at = |edit: &CanvasEdit| match edit {
            CanvasEdit::Write { at, .. } => at.0,
            other => panic!("it writes alone: {other:?}"),
        };
        edits.iter().map(at).collect()
    }

    #[test]
    fn a_step_writes_its_share_or_all_that_are_sure_if_they_are_as_many() {
        let canvas = Canvas::new(&[], 4, TokenId(0));
        let mut strategy = strategy(&canvas, None);
        strategy.next(&canvas).expect("there are masks");
        let mut told =
            |confidences: &[f64]| written(&strategy.decide(&canvas, &candidates(confidences)));
        assert_eq!(told(&[0.95, 0.2, 0.3, 0.1]), [0, 2]);
        assert_eq!(told(&[0.95, 0.92, 0.3, 0.91]), [0, 1, 3]);
    }

    #[test]
    fn written_tokens_change_where_another_is_surer_and_given_ones_never() {
        let mut canvas = Canvas::new(&[TokenId(5)], 3, TokenId(0));
        canvas.commit(Position(1), TokenId(7));
        canvas.commit(Position(2), TokenId(1));
        let mut strategy = strategy(&canvas, Some(Editing::new(0.6)));
        let step = strategy.next(&canvas).expect("there is a mask");
        assert_eq!(step.wanted, [Position(1), Position(2), Position(3)]);
        assert_eq!(strategy.final_until(&canvas), 1);
        let mut told = candidates(&[0.7, 0.99, 0.5]);
        told.iter_mut()
            .zip(1..)
            .for_each(|(it, at)| it.at = Position(at));
        // The second wants the token that stands there already.
        assert_eq!(written(&strategy.decide(&canvas, &told)), [3, 1]);
    }

    #[test]
    fn a_mask_that_stays_beside_a_token_that_flips_ends() {
        let mut canvas = Canvas::new(&[], 4, TokenId(0));
        let mut strategy = strategy(&canvas, Some(Editing::new(0.6)));
        let mut made = 0;
        while let Some(step) = strategy.next(&canvas) {
            let mut told = candidates(&[0.95; 4]);
            told.truncate(step.wanted.len());
            for (it, at) in told.iter_mut().zip(&step.wanted) {
                let token = if at.0 == 3 { 0 } else { 5 + made % 2 };
                (it.at, it.token) = (*at, TokenId(token));
            }
            for at in written(&strategy.decide(&canvas, &told)) {
                canvas.commit(Position(at), told[at as usize].token);
            }
            made += 1;
            assert!(made < 20, "it does not end");
        }
        assert_eq!(canvas.masked_in(0..4).count(), 1);
    }

    #[test]
    fn editing_ends_when_nothing_changes_or_after_so_many_steps() {
        let mut canvas = Canvas::new(&[], 4, TokenId(0));
        let steps = |strategy: &mut BlockSteps, canvas: &mut Canvas, wants: &[u32]| {
            for (made, &want) in wants.iter().cycle().take(40).enumerate() {
                let Some(step) = strategy.next(canvas) else {
                    return made;
                };
                let mut told = candidates(&[0.95; 4]);
                told.truncate(step.wanted.len());
                for (it, at) in told.iter_mut().zip(&step.wanted) {
                    (it.at, it.token) = (*at, TokenId(want));
                }
                for at in written(&strategy.decide(canvas, &told)) {
                    canvas.commit(Position(at), TokenId(want));
                }
            }
            panic!("it does not end");
        };
        let editing = Some(Editing {
            threshold: 0.6,
            most_steps: 3,
        });
        let mut still = strategy(&canvas, editing);
        assert_eq!(steps(&mut still, &mut canvas, &[5]), 2);
        canvas = Canvas::new(&[], 4, TokenId(0));
        let mut restless = strategy(&canvas, editing);
        assert_eq!(steps(&mut restless, &mut canvas, &[5, 6]), 4);
    }
}
