use super::{Begun, FullBlocks};
use crate::family::FamilyRules;
use crate::params::{EntropyOrder, Transfer};
use crate::sampler::plan::in_range;
use crate::sampler::{Candidate, best_first};
use crate::{Canvas, Params};

pub(super) fn begin(canvas: &Canvas, params: &Params, rules: FamilyRules) -> Option<Begun> {
    let Transfer::EntropyBound(bound) = params.transfer else {
        return None;
    };
    let order = params.entropy_order;
    let select = move |candidates: &[Candidate], _| entropy_bound(candidates, order, bound, 1);
    let is_in = bound.is_finite() && bound >= 0.0;
    let checked = in_range(is_in, "entropy bound", bound, "0 or more");
    Some(checked.and_then(|()| FullBlocks::begin(canvas, params, rules, Box::new(select))))
}

/// The longest row of candidates, in `order`, the entropies of all but the last of which sum to at most `bound`, 0 nat and
/// up; `least` of them at least, if there are so many.
///
/// EB-Sampler, arXiv:2505.24857: by entropy this is `Σ H - max H <= bound`, a bound on what is lost by committing positions
/// as if they were independent. By confidence it is what d2Cache's `confidence_unmasking` does at a batch of one.
#[must_use]
pub fn entropy_bound(
    candidates: &[Candidate],
    order: EntropyOrder,
    bound: f64,
    least: usize,
) -> Vec<usize> {
    let mut picks = best_first(candidates, |candidate| match order {
        EntropyOrder::Entropy => -candidate.entropy,
        EntropyOrder::Confidence => candidate.confidence,
    });
    let mut before = 0.0;
    let is_within = |&&pick: &&usize| {
        let is_within = before <= bound;
        before += candidates[pick].entropy;
        is_within
    };
    let count = picks.iter().take_while(is_within).count();
    picks.truncate(count.max(least));
    picks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::rank::tests::candidates;

    /// Candidates of these confidences and entropies.
    #[track_caller]
    fn check(given: &[(f64, f64)], order: EntropyOrder, bound: f64, least: usize, picks: &[usize]) {
        let confidences: Vec<f64> = given.iter().map(|&(confidence, _)| confidence).collect();
        let mut candidates = candidates(&confidences);
        for (candidate, &(_, entropy)) in candidates.iter_mut().zip(given) {
            candidate.entropy = entropy;
        }
        assert_eq!(entropy_bound(&candidates, order, bound, least), picks);
    }

    #[test]
    fn entropies_of_all_but_the_last_stay_within_the_bound() {
        let given = [(0.5, 0.25), (0.9, 0.5), (0.8, 0.125), (0.7, 2.0)];
        check(&given, EntropyOrder::Entropy, 0.125, 1, &[2, 0]);
        check(&given, EntropyOrder::Entropy, 0.374, 1, &[2, 0]);
        check(&given, EntropyOrder::Entropy, 0.375, 1, &[2, 0, 1]);
        check(&given, EntropyOrder::Confidence, 0.5, 1, &[1, 2]);
    }

    #[test]
    fn one_is_always_taken_and_more_if_more_are_asked_for() {
        let given = [(0.5, 3.0), (0.9, 4.0)];
        check(&given, EntropyOrder::Entropy, 0.0, 1, &[0]);
        check(&given, EntropyOrder::Entropy, 0.0, 3, &[0, 1]);
        check(&[], EntropyOrder::Entropy, 0.0, 1, &[]);
    }
}
