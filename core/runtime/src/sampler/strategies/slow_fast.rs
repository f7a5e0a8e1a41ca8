use super::{Begun, FullBlocks};
use crate::family::FamilyRules;
use crate::params::{SlowFast, Transfer};
use crate::sampler::plan::in_range;
use crate::sampler::{Candidate, CanvasEdit, StepPlan, Strategy, StrategyProgress, best};
use crate::{Canvas, Params};

pub(super) fn begin(canvas: &Canvas, params: &Params, rules: FamilyRules) -> Option<Begun> {
    let Transfer::SlowFast(settings) = params.transfer else {
        return None;
    };
    let is_in = (0.0..=1.0).contains(&settings.high);
    let checked = in_range(is_in, "slow fast", settings.high, "0 to 1");
    let blocks = checked.and_then(|()| FullBlocks::of(canvas, params, rules, Box::new(best)));
    Some(blocks.map(|blocks| {
        Box::new(SlowFastDecoding {
            blocks,
            block: 0,
            phases: Phases::new(settings),
        }) as Box<dyn Strategy>
    }))
}

/// Slow steps of the linear schedule's share, until the horizon of what the model is confident of holds still; then fast
/// ones, which commit everything confident before the horizon.
///
/// SlowFast, arXiv:2506.10848, from its formula: there is no reference case for it. The cache of its fast phase is
/// [`CacheMode`](crate::params::CacheMode)'s business.
struct SlowFastDecoding {
    blocks: FullBlocks,
    block: usize,
    phases: Phases,
}

impl Strategy for SlowFastDecoding {
    fn next(&mut self, canvas: &Canvas) -> Option<StepPlan> {
        let plan = self.blocks.next(canvas)?;
        if plan.block != self.block {
            self.block = plan.block;
            self.phases = Phases::new(self.phases.settings);
        }
        Some(plan)
    }

    fn decide(&mut self, canvas: &Canvas, candidates: &[Candidate]) -> Vec<CanvasEdit> {
        let fast_until = self.phases.step(candidates);
        let high = self.phases.settings.high;
        let select = |candidates: &[Candidate], quota: usize| {
            let Some(until) = fast_until else {
                return best(candidates, quota);
            };
            let mut picks = best(candidates, candidates.len());
            picks.retain(|&pick| candidates[pick].at.index() < until);
            let sure = |&&pick: &&usize| candidates[pick].confidence >= high;
            let sure: Vec<usize> = picks.iter().filter(sure).copied().collect();
            match sure.is_empty() {
                // Its only candidates may predict the mask.
                true if picks.is_empty() => best(candidates, quota),
                true => picks[..1].to_vec(),
                false => sure,
            }
        };
        self.blocks.picked(canvas, candidates, &select)
    }

    fn progress(&self) -> StrategyProgress {
        self.blocks.progress()
    }
}

/// Which phase the open block is in.
struct Phases {
    settings: SlowFast,
    /// Where confidence ended at the steps of this slow phase, one past the last position.
    horizons: Vec<usize>,
    /// Where the fast phase ends, if it is on.
    fast_until: Option<usize>,
}

impl Phases {
    fn new(settings: SlowFast) -> Self {
        Self {
            settings,
            horizons: Vec::new(),
            fast_until: None,
        }
    }

    /// Where the fast phase ends that this step belongs to; `None` if it is a slow one.
    fn step(&mut self, candidates: &[Candidate]) -> Option<usize> {
        let is_before = |until: usize| candidates.iter().any(|it| it.at.index() < until);
        self.fast_until = self.fast_until.filter(|&until| is_before(until));
        if self.fast_until.is_none() {
            let is_in = |it: &&Candidate| it.confidence >= self.settings.low;
            let last = candidates.iter().rev().find(is_in).or(candidates.first())?;
            self.horizons.push(last.at.index() + 1);
            if self.holds_still() || self.horizons.len() >= self.settings.most_slow {
                self.horizons.clear();
                self.fast_until = Some(last.at.index() + 1);
            }
        }
        self.fast_until
    }

    fn holds_still(&self) -> bool {
        let Some(start) = self.horizons.len().checked_sub(self.settings.history) else {
            return false;
        };
        let latest = || self.horizons[start..].iter().map(|&at| at as f64);
        let count = self.settings.history as f64;
        let mean = latest().sum::<f64>() / count;
        let variance = latest().map(|at| (at - mean).powi(2)).sum::<f64>() / count;
        variance < self.settings.variance
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::rank::tests::candidates;

    #[test]
    fn a_horizon_that_holds_still_makes_the_next_steps_fast_until_all_before_it_is_written() {
        let mut phases = Phases::new(SlowFast::default());
        let mut step = |confidences: &[f64]| phases.step(&candidates(confidences));
        // The horizon moves by more than a position.
        assert_eq!(step(&[0.9, 0.1, 0.1, 0.1]), None);
        assert_eq!(step(&[0.2, 0.1, 0.4, 0.1]), None);
        assert_eq!(step(&[0.2, 0.1, 0.4, 0.1]), Some(3));
        assert_eq!(step(&[0.2, 0.1]), Some(3));
    }

    #[test]
    fn a_slow_phase_ends_though_the_horizon_never_holds_still() {
        let mut phases = Phases::new(SlowFast::default());
        let near = candidates(&[0.9, 0.1, 0.1, 0.1]);
        let far = candidates(&[0.9, 0.1, 0.1, 0.9]);
        let mut steps = 0..;
        let mut next = || {
            phases.step(if steps.next().is_some_and(|it| it % 2 == 0) {
                &near
            } else {
                &far
            })
        };
        let fast: Vec<bool> = (0..8).map(|_| next().is_some()).collect();
        assert_eq!(
            fast,
            [false, false, false, false, false, false, false, true]
        );
    }
}
