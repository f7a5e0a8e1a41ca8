use super::{Begun, FullBlocks};
use crate::family::FamilyRules;
use crate::params::{LocalLeap, Transfer};
use crate::sampler::plan::in_range;
use crate::sampler::{Candidate, best};
use crate::{Canvas, Params};

pub(super) fn begin(canvas: &Canvas, params: &Params, rules: FamilyRules) -> Option<Begun> {
    let Transfer::LocalLeap(leap) = params.transfer else {
        return None;
    };
    let select = move |candidates: &[Candidate], quota| local_leap(candidates, quota, leap);
    let is_in = (0.0..=1.0).contains(&leap.anchor);
    let checked = in_range(is_in, "local leap", leap.anchor, "0 to 1");
    Some(checked.and_then(|()| FullBlocks::begin(canvas, params, rules, Box::new(select))))
}

/// The `quota` best, every anchor, and around each anchor every candidate whose confidence reaches the relaxed threshold.
///
/// LocalLeap, arXiv:2510.07081; from its formula, as its code was not at hand.
#[must_use]
pub fn local_leap(candidates: &[Candidate], quota: usize, leap: LocalLeap) -> Vec<usize> {
    let is_anchor = |it: &&Candidate| it.confidence >= leap.anchor;
    let anchors = candidates.iter().filter(is_anchor);
    let anchors: Vec<usize> = anchors.map(|it| it.at.index()).collect();
    let is_near = |it: &Candidate| {
        let at = it.at.index();
        let mut distances = anchors.iter().map(|anchor| anchor.abs_diff(at));
        distances.any(|distance| distance <= leap.radius)
    };
    let mut picks = best(candidates, candidates.len());
    let mut rank = 0..;
    picks.retain(|&pick| {
        let it = &candidates[pick];
        let is_best = rank.next().is_some_and(|rank| rank < quota);
        is_best || is_anchor(&it) || (it.confidence >= leap.relaxed && is_near(it))
    });
    picks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::rank::tests::candidates;

    #[track_caller]
    fn check(confidences: &[f64], quota: usize, radius: usize, picks: &[usize]) {
        let leap = LocalLeap {
            radius,
            ..LocalLeap::default()
        };
        assert_eq!(local_leap(&candidates(confidences), quota, leap), picks);
    }

    #[test]
    fn less_is_asked_near_an_anchor() {
        check(&[0.8, 0.1, 0.95, 0.74, 0.76], 1, 2, &[2, 0, 4]);
        check(&[0.8, 0.1, 0.95, 0.74, 0.76], 1, 1, &[2]);
        check(&[0.8, 0.1, 0.7], 1, 4, &[0]);
        check(&[0.8, 0.1, 0.7], 2, 4, &[0, 2]);
        check(&[], 1, 4, &[]);
    }
}
