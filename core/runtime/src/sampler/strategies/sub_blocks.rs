use std::ops::Range;

use unmask_api::Position;

use super::Begun;
use crate::family::{FamilyRules, Predictor};
use crate::params::{CacheMode, Transfer};
use crate::sampler::plan::in_range;
use crate::sampler::{
    BlockCursor, Candidate, CanvasEdit, Plan, PlanError, StepPlan, Strategy, StrategyProgress, best,
};
use crate::{Canvas, Params};

pub(super) fn begin(canvas: &Canvas, params: &Params, rules: FamilyRules) -> Option<Begun> {
    let Predictor::PositionBeforeInBlock(_) = rules.predictor else {
        return None;
    };
    let threshold = match params.transfer {
        Transfer::Threshold(at) => at,
        Transfer::Quota => 1.0,
        _ => return None,
    };
    Some(SubBlocks::new(canvas, params, rules, threshold).map(|it| Box::new(it) as Box<_>))
}

/// Block after block in parts, left to right: a step writes every mask of the part whose confidence exceeds the threshold, and
/// always the surest; without a threshold that one alone. The first token of a block comes before all others, from the last row of
/// the block before.
///
/// `generate` of Fast-dLLM v2, arXiv:2509.26328. With a dual cache its hierarchical one: once a part's first token stands, the
/// part alone is fed, against the other parts' K/V as they were when the block was last fed whole; approximate.
///
/// Differs from the reference: a prompt as long as a block is not ignored.
struct SubBlocks {
    cursor: BlockCursor,
    length: usize,
    threshold: f64,
    cache: CacheMode,
    /// Whether the open block's first token was asked for.
    has_asked_first: bool,
    /// Whether the open block was fed whole.
    is_filled: bool,
    /// Masks that the last step found in the open block.
    found: usize,
    is_greedy: bool,
}

impl SubBlocks {
    fn new(
        canvas: &Canvas,
        params: &Params,
        rules: FamilyRules,
        threshold: f64,
    ) -> Result<Self, PlanError> {
        in_range(
            (0.0..=1.0).contains(&threshold),
            "threshold",
            threshold,
            "0 to 1",
        )?;
        if params.sub_block_length == 0 {
            return Err(PlanError::Zero {
                what: "sub-block length",
            });
        }
        let plan = Plan::new(canvas, params, rules.block_origin)?;
        let cursor = BlockCursor::new(plan, CacheMode::Off);
        Ok(Self {
            cursor: cursor.going_on(canvas, Clone::clone, |to_lift| to_lift),
            length: params.sub_block_length,
            threshold,
            cache: params.cache,
            has_asked_first: false,
            is_filled: false,
            found: usize::MAX,
            is_greedy: params.temperature == 0.0,
        })
    }

    /// True if each position has had a step beyond the block's share of the plan.
    fn is_overdue(&self) -> bool {
        let plan = self.cursor.plan();
        self.cursor.step() > plan.steps_per_block.get() + plan.block_length()
    }

    /// The part of the block that holds position `at`.
    fn part_of(&self, at: usize) -> Range<usize> {
        let block = at - at % self.cursor.plan().block_length();
        let start = block + (at - block) / self.length * self.length;
        start..(start + self.length).min(block + self.cursor.plan().block_length())
    }

    /// What a step for the masks of `part` feeds.
    fn fed(&mut self, canvas: &Canvas, part: &Range<usize>, block_end: usize) -> Range<usize> {
        let first = Position(part.start as u32);
        if self.cache == CacheMode::Dual && self.is_filled && !canvas.is_masked(first) {
            return part.start..part.end.min(block_end);
        }
        self.is_filled = true;
        0..block_end
    }
}

impl Strategy for SubBlocks {
    fn next(&mut self, canvas: &Canvas) -> Option<StepPlan> {
        while let Some(block) = self.cursor.open() {
            let end = block.end.min(canvas.len());
            let masks = canvas.masked_in(block.clone()).count();
            self.cursor.count_masks(masks);
            let first = canvas.masked_in(block.clone()).next();
            let may_give_up = self.is_greedy || self.is_overdue();
            let is_stuck = self.has_asked_first && may_give_up && masks == self.found;
            let Some(first) = first.filter(|_| !is_stuck) else {
                self.cursor.close();
                (self.has_asked_first, self.is_filled) = (false, false);
                self.found = usize::MAX;
                continue;
            };
            let is_edge =
                first.index() > 0 && first.index() % self.cursor.plan().block_length() == 0;
            if is_edge && !std::mem::replace(&mut self.has_asked_first, true) {
                let plan = self.cursor.make(canvas, vec![first]);
                return Some(StepPlan {
                    fed: 0..first.index(),
                    ..plan
                });
            }
            self.has_asked_first = true;
            self.found = masks;
            let part = self.part_of(first.index());
            let wanted = canvas.masked_in(first.index()..part.end.min(end)).collect();
            let fed = self.fed(canvas, &part, end);
            return Some(StepPlan {
                fed,
                ..self.cursor.make(canvas, wanted)
            });
        }
        None
    }

    fn decide(&mut self, _: &Canvas, candidates: &[Candidate]) -> Vec<CanvasEdit> {
        let mut rank = 0..;
        let mut picks = best(candidates, candidates.len());
        picks.retain(|&at| {
            let is_best = rank.next() == Some(0);
            is_best || candidates[at].confidence > self.threshold
        });
        CanvasEdit::writes(candidates, &picks)
    }

    fn progress(&self) -> StrategyProgress {
        self.cursor.progress()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use unmask_api::{Attention, TokenId};

    use super::*;
    use crate::family::Shift;

    /// What is wanted and fed until the canvas is full, if each step writes its last candidate.
    fn steps(prompt: usize, length: usize, cache: CacheMode) -> Vec<(Vec<u32>, Range<usize>)> {
        let mut canvas = Canvas::new(&vec![TokenId(5); prompt], length, TokenId(0));
        let params = Params {
            block_length: 4,
            sub_block_length: 2,
            transfer: Transfer::Threshold(0.9),
            cache,
            ..Params::default()
        };
        let block = NonZeroU32::new(4).expect("it is not 0");
        let rules = FamilyRules::of(Attention::BlockCausal(block), Shift::OneInBlock);
        let begun = begin(&canvas, &params, rules).expect("it is asked for");
        let mut strategy = begun.expect("the settings fit");
        let mut steps = Vec::new();
        while let Some(step) = strategy.next(&canvas) {
            let wanted = step.wanted.iter().map(|at| at.0).collect();
            canvas.commit(*step.wanted.last().expect("it asks"), TokenId(9));
            steps.push((wanted, step.fed));
            assert!(steps.len() < 20, "it does not end");
        }
        steps
    }

    #[test]
    fn a_model_that_keeps_drawing_the_mask_ends() {
        let canvas = Canvas::new(&[TokenId(5); 2], 4, TokenId(0));
        let params = Params {
            steps: 4,
            block_length: 4,
            sub_block_length: 2,
            temperature: 1.0,
            ..Params::default()
        };
        let block = NonZeroU32::new(4).expect("it is not 0");
        let rules = FamilyRules::of(Attention::BlockCausal(block), Shift::OneInBlock);
        let begun = begin(&canvas, &params, rules).expect("it is asked for");
        let mut strategy = begun.expect("the settings fit");
        let steps = std::iter::from_fn(|| strategy.next(&canvas)).take(100);
        assert!((2..100).contains(&steps.count()));
    }

    #[test]
    fn parts_are_filled_in_order_and_a_block_begins_with_the_row_before_it() {
        assert_eq!(
            steps(2, 4, CacheMode::Off),
            [
                (vec![2, 3], 0..4),
                (vec![2], 0..4),
                (vec![4], 0..4),
                (vec![5], 0..6),
            ]
        );
    }

    #[test]
    fn with_a_hierarchical_cache_a_part_is_fed_alone_once_its_first_token_stands() {
        assert_eq!(
            steps(4, 4, CacheMode::Dual),
            [
                (vec![4], 0..4),
                (vec![5], 0..8),
                (vec![6, 7], 0..8),
                (vec![6], 0..8),
            ]
        );
        assert_eq!(steps(1, 3, CacheMode::Dual)[0], (vec![1], 0..4));
    }
}
