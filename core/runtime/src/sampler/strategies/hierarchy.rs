use super::{Begun, FullBlocks};
use crate::family::FamilyRules;
use crate::params::{Hierarchy, Transfer};
use crate::sampler::plan::in_range;
use crate::sampler::{Candidate, best};
use crate::{Canvas, Params};

pub(super) fn begin(canvas: &Canvas, params: &Params, rules: FamilyRules) -> Option<Begun> {
    let Transfer::Hierarchy(bounds) = params.transfer else {
        return None;
    };
    let select = move |candidates: &[Candidate], _| hierarchy(candidates, bounds);
    let threshold = bounds.threshold.unwrap_or(0.0);
    let is_in = (0.0..=1.0).contains(&threshold);
    let checked = in_range(is_in, "hierarchy", threshold, "0 to 1");
    Some(checked.and_then(|()| FullBlocks::begin(canvas, params, rules, Box::new(select))))
}

/// The best candidate of each run of neighbours if it exceeds the low threshold, all that exceed the threshold, and the best
/// of all.
///
/// dInfer, arXiv:2510.08666; `HierarchyDecoder.decode`.
#[must_use]
pub fn hierarchy(candidates: &[Candidate], bounds: Hierarchy) -> Vec<usize> {
    let order = best(candidates, candidates.len());
    let mut run = 0;
    let mut runs = Vec::with_capacity(candidates.len());
    for (index, it) in candidates.iter().enumerate() {
        let follows = |before: &Candidate| before.at.index() + 1 == it.at.index();
        let is_new = index > 0 && !follows(&candidates[index - 1]);
        run += usize::from(is_new);
        runs.push(run);
    }
    let mut has_best = vec![false; run + 1];
    let mut picks = Vec::new();
    for (rank, pick) in order.into_iter().enumerate() {
        let leads = !std::mem::replace(&mut has_best[runs[pick]], true);
        let confidence = candidates[pick].confidence;
        let exceeds = |bound: Option<f64>| bound.is_some_and(|bound| confidence > bound);
        let is_enough = bounds.low.is_none() || exceeds(bounds.low);
        if rank == 0 || exceeds(bounds.threshold) || (leads && is_enough) {
            picks.push(pick);
        }
    }
    picks
}

#[cfg(test)]
mod tests {
    use unmask_api::Position;

    use super::*;
    use crate::sampler::rank::tests::candidates;

    #[test]
    fn each_run_gives_its_best_if_that_is_sure_enough() {
        let mut given = candidates(&[0.5, 0.45, 0.3, 0.2, 0.95, 0.92]);
        // Two runs of two, and one of two more.
        for (it, at) in given.iter_mut().zip([0, 1, 3, 4, 8, 9]) {
            it.at = Position(at);
        }
        assert_eq!(hierarchy(&given, Hierarchy::default()), [4, 5, 0]);
        let any = Hierarchy {
            low: None,
            threshold: None,
        };
        assert_eq!(hierarchy(&given, any), [4, 0, 2]);
        assert_eq!(hierarchy(&[], any), Vec::<usize>::new());
    }

    #[test]
    fn the_best_of_all_is_taken_whatever_it_is() {
        let given = candidates(&[0.1, 0.2]);
        assert_eq!(hierarchy(&given, Hierarchy::default()), [1]);
    }
}
