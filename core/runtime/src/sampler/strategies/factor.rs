use super::{Begun, FullBlocks};
use crate::family::FamilyRules;
use crate::params::{Remasking, Transfer};
use crate::sampler::plan::in_range;
use crate::sampler::{Candidate, best_first, certainty};
use crate::{Canvas, Params};

pub(super) fn begin(canvas: &Canvas, params: &Params, rules: FamilyRules) -> Option<Begun> {
    let Transfer::Factor(of) = params.transfer else {
        return None;
    };
    let remasking = params.remasking;
    let select = move |candidates: &[Candidate], _| factor(candidates, remasking, of);
    let is_in = of.is_finite() && of > 0.0;
    let checked = in_range(is_in, "factor", of, "above 0");
    Some(checked.and_then(|()| FullBlocks::begin(canvas, params, rules, Box::new(select))))
}

/// The largest n whose first n certainties, ranks r counted from 1, all reach `1 - factor / (r + 1)`, factor above 0; the
/// surest always.
///
/// Fast-dLLM, arXiv:2505.22618; `get_transfer_index_dynamic`.
///
/// Differs from the reference, which also takes the last candidate if it alone fails.
#[must_use]
pub fn factor(candidates: &[Candidate], remasking: Remasking, factor: f64) -> Vec<usize> {
    let certainty = |candidate: &Candidate| certainty(remasking, candidate);
    let mut order = best_first(candidates, certainty);
    let reaches = |&(index, &pick): &(usize, &usize)| {
        index == 0 || certainty(&candidates[pick]) >= 1.0 - factor / (index + 2) as f64
    };
    let count = order.iter().enumerate().take_while(reaches).count();
    order.truncate(count);
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::rank::tests::candidates;

    #[track_caller]
    fn check(confidences: &[f64], picks: &[usize]) {
        let candidates = candidates(confidences);
        assert_eq!(factor(&candidates, Remasking::LowConfidence, 1.0), picks);
    }

    #[test]
    fn less_is_asked_of_the_first_ranks() {
        // Bounds for factor 1 and ranks 2, 3, 4: 2/3, 3/4, 4/5.
        check(&[0.1, 0.05], &[0]);
        check(&[0.9, 0.7, 0.6, 0.5], &[0, 1]);
        check(&[0.9, 0.7, 0.76, 0.5], &[0, 2]);
        check(&[0.9, 0.8, 0.1], &[0, 1]);
        check(&[], &[]);
    }
}
