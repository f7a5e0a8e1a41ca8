use unmask_api::Position;

use super::Begun;
use crate::family::{BlockOrigin, FamilyRules};
use crate::params::{CacheMode, Daedal, Growth};
use crate::sampler::plan::in_range;
use crate::sampler::{
    Candidate, CanvasEdit, PlanError, StepPlan, Strategy, StrategyProgress, best_first,
};
use crate::{Canvas, Params};

pub(super) fn begin(canvas: &Canvas, params: &Params, rules: FamilyRules) -> Option<Begun> {
    let Growth::Daedal(daedal) = params.growth else {
        return None;
    };
    let is_meant = rules.block_origin == BlockOrigin::Answer;
    is_meant.then(|| {
        beside(params)?;
        let sizes = params
            .block_length
            .min(daedal.expansion)
            .min(daedal.checked);
        in_range(
            sizes > 0,
            "block length",
            params.block_length as f64,
            "1 or more",
        )?;
        let answer = canvas.answer_start()..canvas.len();
        let is_new = canvas.masked_in(answer.clone()).count() == answer.len();
        let decoding = DaedalDecoding {
            daedal,
            block_length: params.block_length,
            phase: if is_new {
                Phase::Sizing
            } else {
                Phase::Filling
            },
            calls: 0,
        };
        Ok(Box::new(decoding) as Box<dyn Strategy>)
    })
}

/// Refuses what an answer that finds its length would ignore.
fn beside(params: &Params) -> Result<(), PlanError> {
    let ignored = match (params.cache, params.transfer) {
        (CacheMode::Off, transfer) if transfer.is_scheduled() => return Ok(()),
        (CacheMode::Off, transfer) => format!("{transfer:?}"),
        (cache, _) => format!("cache {cache:?}"),
    };
    Err(PlanError::Beside {
        what: ignored,
        other: "length auto, which has a rule of its own",
        instead: "turn it off, or give the answer a length",
    })
}

/// An answer that finds its length: first masks are appended until the model expects an end, then blocks are filled, and a
/// position that it is unsure of becomes several where it expects no end.
///
/// DAEDAL, arXiv:2508.00819; `generate` of its `LLaDA_DAEDAL.py`.
struct DaedalDecoding {
    daedal: Daedal,
    block_length: usize,
    phase: Phase,
    calls: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Sizing,
    Filling,
    /// A step has changed nothing.
    Stuck,
}

impl DaedalDecoding {
    /// Where the block begins that has the first mask, if there is one.
    fn block_start(&self, canvas: &Canvas) -> Option<usize> {
        let start = canvas.answer_start();
        let first = canvas.masked_in(start..canvas.len()).next()?;
        Some(first.index() - (first.index() - start) % self.block_length)
    }

    /// How sure it is that the answer ends on this canvas, 0 to 1: the mean over the last positions that are expected to be the
    /// end of text.
    fn end_confidence(&self, candidates: &[Candidate]) -> f64 {
        let ends = candidates
            .iter()
            .rev()
            .filter(|it| it.token == self.daedal.eos);
        let sum: f64 = ends.take(self.daedal.checked).map(|it| it.confidence).sum();
        sum / self.daedal.checked as f64
    }

    fn size(&mut self, canvas: &Canvas, end_confidence: f64) -> Vec<CanvasEdit> {
        let (length, daedal) = (canvas.answer().len(), self.daedal);
        let (token, by) = match end_confidence < daedal.enough && length < daedal.ceiling {
            true => (canvas.mask(), daedal.expansion),
            false => {
                self.phase = Phase::Filling;
                (daedal.eos, daedal.checked / 2)
            }
        };
        let end = canvas.len();
        let by = by.min(daedal.ceiling.saturating_sub(length));
        (end..end + by)
            .map(|at| CanvasEdit::Insert(Position(at as u32), token))
            .collect()
    }

    fn fill(&mut self, canvas: &Canvas, candidates: &[Candidate], start: usize) -> Vec<CanvasEdit> {
        let daedal = self.daedal;
        let block = start..start + self.block_length;
        let is_open = |it: &Candidate| block.contains(&it.at.index()) && canvas.is_masked(it.at);
        let mut open = best_first(candidates, |it| it.confidence);
        open.retain(|&at| is_open(&candidates[at]));
        let is_token = |&at: &usize| candidates[at].token != canvas.mask();
        let is_sure = |&at: &usize| candidates[at].confidence > daedal.high && is_token(&at);
        let mut picks: Vec<usize> = open.iter().copied().filter(is_sure).collect();
        if picks.is_empty() {
            picks.extend(open.iter().copied().find(is_token));
        }
        let mut edits = CanvasEdit::writes(candidates, &picks);
        let is_unsure = |at: &&usize| candidates[**at].confidence < daedal.low;
        // The first of the least sure, as the reference's `min` finds it.
        let unsure = open
            .iter()
            .filter(|at| !picks.contains(at))
            .filter(is_unsure);
        let least = unsure.copied().min_by(|&a, &b| {
            let order = candidates[a]
                .confidence
                .total_cmp(&candidates[b].confidence);
            order.then(a.cmp(&b))
        });
        let grows = self.end_confidence(candidates) < daedal.expands_below
            && canvas.answer().len() < daedal.ceiling;
        if let Some(least) = least.filter(|_| grows) {
            edits.extend(self.expansion(canvas, candidates[least].at));
        }
        if edits.is_empty() {
            self.phase = Phase::Stuck;
        }
        edits
    }

    /// Makes a mask several; what is pushed over the ceiling is cut off.
    fn expansion(&self, canvas: &Canvas, at: Position) -> impl Iterator<Item = CanvasEdit> + use<> {
        let (mask, more) = (canvas.mask(), self.daedal.expansion - 1);
        let beyond = (canvas.answer().len() + more).saturating_sub(self.daedal.ceiling);
        let end = canvas.len() + more;
        let inserted = (0..more).map(move |_| CanvasEdit::Insert(at, mask));
        let removed =
            (0..beyond).map(move |it| CanvasEdit::Remove(Position((end - 1 - it) as u32)));
        inserted.chain(removed)
    }
}

impl Strategy for DaedalDecoding {
    fn next(&mut self, canvas: &Canvas) -> Option<StepPlan> {
        let start = self.block_start(canvas)?;
        if self.phase == Phase::Stuck {
            return None;
        }
        let answer = canvas.answer_start()..canvas.len();
        self.calls += 1;
        Some(StepPlan {
            block: (start - answer.start) / self.block_length,
            wanted: answer.map(|index| Position(index as u32)).collect(),
            verified: None,
            fed: 0..canvas.len(),
            call: self.calls - 1,
        })
    }

    fn decide(&mut self, canvas: &Canvas, candidates: &[Candidate]) -> Vec<CanvasEdit> {
        match (self.phase, self.block_start(canvas)) {
            (Phase::Sizing, _) => self.size(canvas, self.end_confidence(candidates)),
            (Phase::Filling | Phase::Stuck, Some(start)) => self.fill(canvas, candidates, start),
            (Phase::Filling | Phase::Stuck, None) => Vec::new(),
        }
    }

    /// The canvas decides how many steps there will be: at least those that were made.
    fn progress(&self) -> StrategyProgress {
        StrategyProgress {
            calls: self.calls,
            steps: self.calls,
            planned: self.calls,
            blocks: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use unmask_api::TokenId;

    use super::*;
    use crate::params::Transfer;
    use crate::sampler::rank::tests::candidates;

    const EOS: TokenId = TokenId(2);

    fn decoding(phase: Phase) -> DaedalDecoding {
        DaedalDecoding {
            daedal: Daedal {
                expansion: 3,
                checked: 4,
                ..Daedal::new(EOS, 10)
            },
            block_length: 4,
            phase,
            calls: 0,
        }
    }

    #[test]
    fn what_it_would_ignore_is_refused() {
        let canvas = Canvas::new(&[], 8, TokenId(0));
        let begun = |cache, transfer| {
            let params = Params {
                growth: Growth::Daedal(Daedal::new(EOS, 10)),
                cache,
                transfer,
                ..Params::default()
            };
            let begun = begin(&canvas, &params, FamilyRules::default());
            begun.expect("it is asked for").map(drop)
        };
        for transfer in [Transfer::Quota, Transfer::Timesteps(1e-3)] {
            assert_eq!(begun(CacheMode::Off, transfer), Ok(()));
        }
        let told = begun(CacheMode::Dual, Transfer::Quota).map_err(|error| error.to_string());
        assert_eq!(
            told.expect_err("it is ignored"),
            "cache Dual does nothing with length auto, which has a rule of its own; turn it off, or give the answer a length"
        );
        assert!(begun(CacheMode::Off, Transfer::Threshold(0.9)).is_err());
    }

    #[test]
    fn masks_are_appended_until_an_end_is_expected_then_a_tail_of_ends() {
        let canvas = Canvas::new(&[], 4, TokenId(0));
        let mut decoding = decoding(Phase::Sizing);
        let unsure = candidates(&[0.9; 4]);
        let insert = |at, token| CanvasEdit::Insert(Position(at), token);
        let masks: Vec<_> = (4..7).map(|at| insert(at, TokenId(0))).collect();
        assert_eq!(decoding.decide(&canvas, &unsure), masks);
        let mut sure = unsure;
        sure[1..].iter_mut().for_each(|it| it.token = EOS);
        assert_eq!(
            decoding.decide(&canvas, &sure),
            [insert(4, EOS), insert(5, EOS)]
        );
        assert_eq!(decoding.phase, Phase::Filling);
    }

    #[test]
    fn the_least_sure_position_becomes_several_and_none_beyond_the_ceiling_stay() {
        let canvas = Canvas::new(&[], 9, TokenId(0));
        let mut decoding = decoding(Phase::Filling);
        let told = candidates(&[0.95, 0.05, 0.08, 0.5, 0.01, 0.01, 0.01, 0.01, 0.01]);
        let mask = CanvasEdit::Insert(Position(1), TokenId(0));
        let write = CanvasEdit::Write {
            at: Position(0),
            candidate: 0,
        };
        let remove = CanvasEdit::Remove(Position(10));
        assert_eq!(decoding.decide(&canvas, &told), [write, mask, mask, remove]);
    }
}
