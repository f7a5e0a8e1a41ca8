use unmask_api::Position;

use super::Begun;
use crate::family::{BlockOrigin, FamilyRules, Predictor};
use crate::params::{CacheMode, Transfer, Wino};
use crate::sampler::plan::in_range;
use crate::sampler::{
    BlockCursor, Candidate, CanvasEdit, Plan, PlanError, StepPlan, Strategy, StrategyProgress,
    Verified, best_first,
};
use crate::{Canvas, Params};

pub(super) fn begin(canvas: &Canvas, params: &Params, rules: FamilyRules) -> Option<Begun> {
    let Transfer::Wino(wino) = params.transfer else {
        return None;
    };
    let is_plain = rules.block_origin == BlockOrigin::Answer;
    let is_plain = is_plain && rules.predictor == Predictor::SamePosition;
    let is_meant = params.cache == CacheMode::Off && is_plain;
    is_meant.then(|| Ok(Box::new(WinoDecoding::new(canvas, params, rules, wino)?) as Box<_>))
}

/// Draft and verify: each step writes every candidate that is confident, and masks those again that their own context, seen
/// without them, does not bear out.
///
/// WINO, arXiv:2507.18578; `decoding_wino`.
///
/// Differs from the reference: a candidate that is the mask is never accepted, which kept its loop from ending.
struct WinoDecoding {
    cursor: BlockCursor,
    wino: Wino,
    /// Tokens that the step before has accepted.
    accepted: usize,
    /// Candidates of the step that are drafts; verdicts follow.
    drafts: usize,
    /// True if the last step changed nothing, so that the next would not either.
    is_stuck: bool,
}

/// What is accepted at once at most: `min(max(⌊0.7 masks⌋, 5), 20)`.
fn most(masks: usize) -> usize {
    ((masks as f32 * 0.7) as usize).clamp(5, 20)
}

/// As if so many had been accepted before a block's first step.
const FIRST: usize = 30;

impl WinoDecoding {
    fn new(
        canvas: &Canvas,
        params: &Params,
        rules: FamilyRules,
        wino: Wino,
    ) -> Result<Self, PlanError> {
        let is_in = |share: f64| (0.0..=1.0).contains(&share);
        in_range(is_in(wino.draft), "wino", wino.draft, "0 to 1")?;
        let guidance = f64::from(params.cfg_scale);
        in_range(guidance == 0.0, "cfg scale", guidance, "0 beside wino")?;
        let plan = Plan::new(canvas, params, rules.block_origin)?;
        let steps = plan.steps_per_block.get();
        let cursor = BlockCursor::new(plan, CacheMode::Off);
        Ok(Self {
            cursor: cursor.going_on(canvas, Clone::clone, |to_lift| steps.min(to_lift)),
            wino,
            accepted: FIRST,
            drafts: 0,
            is_stuck: false,
        })
    }
}

impl Strategy for WinoDecoding {
    fn next(&mut self, canvas: &Canvas) -> Option<StepPlan> {
        while let Some(block) = self.cursor.open() {
            let drafts: Vec<Position> = canvas.masked_in(block.clone()).collect();
            self.cursor.count_masks(drafts.len());
            if drafts.is_empty() || self.is_stuck {
                self.cursor.close();
                (self.accepted, self.is_stuck) = (FIRST, false);
                continue;
            }
            self.drafts = drafts.len();
            let positions = block.clone().map(|index| Position(index as u32));
            let is_written = |&at: &Position| !canvas.is_masked(at) && !canvas.is_given(at);
            let at: Vec<Position> = positions.filter(is_written).collect();
            let verified = (!at.is_empty()).then_some(Verified { block, at });
            let plan = self.cursor.make(canvas, drafts);
            return Some(StepPlan { verified, ..plan });
        }
        None
    }

    fn decide(&mut self, canvas: &Canvas, candidates: &[Candidate]) -> Vec<CanvasEdit> {
        let (drafts, verdicts) = candidates.split_at(self.drafts.min(candidates.len()));
        let mut picks = best_first(drafts, |it| it.confidence);
        picks.retain(|&pick| drafts[pick].token != canvas.mask());
        let is_sure = |&&pick: &&usize| drafts[pick].confidence > self.wino.draft;
        let sure = picks.iter().take_while(is_sure).count();
        picks.truncate(sure.clamp(1, most(drafts.len())));
        let mut refuted = Vec::new();
        if picks.len() > 1 {
            refuted = best_first(verdicts, |it| -it.confidence);
            refuted.retain(|&it| verdicts[it].confidence < self.wino.verify);
            refuted.truncate(self.accepted - 1);
        }
        if !picks.is_empty() {
            self.accepted = picks.len();
        }
        self.is_stuck = picks.is_empty();
        let mut edits = CanvasEdit::writes(candidates, &picks);
        edits.extend(
            refuted
                .iter()
                .map(|&it| CanvasEdit::Remask(verdicts[it].at)),
        );
        edits
    }

    fn progress(&self) -> StrategyProgress {
        self.cursor.progress()
    }

    /// Of the open block every token may be masked again, until no mask is left in it.
    fn final_until(&self, canvas: &Canvas) -> usize {
        let Some(block) = self.cursor.open() else {
            return canvas.len();
        };
        match canvas.masked_in(block.clone()).next() {
            Some(_) => block.start,
            None => block.end,
        }
    }
}

#[cfg(test)]
mod tests {
    use unmask_api::TokenId;

    use super::*;
    use crate::sampler::rank::tests::candidates;

    fn strategy(canvas: &Canvas) -> WinoDecoding {
        let params = Params {
            steps: 8,
            block_length: 8,
            ..Params::default()
        };
        WinoDecoding::new(canvas, &params, FamilyRules::default(), Wino::default())
            .expect("it divides")
    }

    #[test]
    fn what_its_context_does_not_bear_out_is_masked_again_and_given_tokens_are_not_asked() {
        let mut canvas = Canvas::new(&[], 8, TokenId(0));
        canvas.pin(Position(1), TokenId(5));
        let mut strategy = strategy(&canvas);
        let first = strategy.next(&canvas).expect("there are masks");
        assert_eq!(first.verified, None);
        canvas.commit(Position(3), TokenId(7));
        canvas.commit(Position(6), TokenId(7));
        let second = strategy.next(&canvas).expect("there are masks");
        let verified = Verified {
            block: 0..8,
            at: vec![Position(3), Position(6)],
        };
        assert_eq!(second.verified, Some(verified));
        assert_eq!(strategy.final_until(&canvas), 0);
        let mut told = candidates(&[0.7, 0.8, 0.1, 0.2, 0.3, 0.5, 0.95]);
        (told[5].at, told[6].at) = (Position(3), Position(6));
        let edits = strategy.decide(&canvas, &told);
        let write = |at, candidate| CanvasEdit::Write {
            at: Position(at),
            candidate,
        };
        assert_eq!(
            edits,
            [write(1, 1), write(0, 0), CanvasEdit::Remask(Position(3))]
        );
    }

    #[test]
    fn a_step_that_accepts_one_masks_none() {
        let mut canvas = Canvas::new(&[], 8, TokenId(0));
        let mut strategy = strategy(&canvas);
        canvas.commit(Position(7), TokenId(7));
        strategy.next(&canvas).expect("there are masks");
        let mut told = candidates(&[0.1, 0.2, 0.3, 0.4, 0.3, 0.2, 0.1, 0.0]);
        told[7].at = Position(7);
        let edits = strategy.decide(&canvas, &told);
        assert_eq!(edits.len(), 1);
    }
}
