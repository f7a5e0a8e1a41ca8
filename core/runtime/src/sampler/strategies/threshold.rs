use super::{Begun, FullBlocks};
use crate::family::FamilyRules;
use crate::params::{Remasking, Transfer};
use crate::sampler::plan::in_range;
use crate::sampler::{Candidate, best, certainty};
use crate::{Canvas, Params};

pub(super) fn begin(canvas: &Canvas, params: &Params, rules: FamilyRules) -> Option<Begun> {
    let Transfer::Threshold(at) = params.transfer else {
        return None;
    };
    let remasking = params.remasking;
    let select = move |candidates: &[Candidate], _| threshold(candidates, remasking, at);
    let is_in = (0.0..=1.0).contains(&at);
    let checked = in_range(is_in, "threshold", at, "0 to 1");
    Some(checked.and_then(|()| FullBlocks::begin(canvas, params, rules, Box::new(select))))
}

/// Every candidate whose certainty reaches `at`, 0 to 1, the surest first; the best one if none does.
///
/// Fast-dLLM, arXiv:2505.22618.
#[must_use]
pub fn threshold(candidates: &[Candidate], remasking: Remasking, at: f64) -> Vec<usize> {
    let mut picks = best(candidates, candidates.len());
    picks.retain(|&pick| certainty(remasking, &candidates[pick]) >= at);
    match picks.is_empty() {
        true => best(candidates, 1),
        false => picks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::rank::tests::candidates;

    #[track_caller]
    fn check(confidences: &[f64], picks: &[usize]) {
        let candidates = candidates(confidences);
        assert_eq!(threshold(&candidates, Remasking::LowConfidence, 0.9), picks);
    }

    #[test]
    fn all_that_reach_it_are_taken_and_always_one() {
        check(&[0.9, 0.1, 0.95], &[2, 0]);
        check(&[0.1, 0.2], &[1]);
        check(&[], &[]);
    }
}
