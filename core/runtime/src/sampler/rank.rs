use super::Candidate;
use crate::params::Remasking;

/// What candidates are ranked by, the higher the sooner; `draw` is the position's uniform draw.
pub(super) fn score(
    remasking: Remasking,
    candidate: &Candidate,
    draw: impl FnOnce() -> f32,
) -> f64 {
    match remasking {
        Remasking::LowConfidence => candidate.confidence,
        Remasking::Random => f64::from(draw()),
        Remasking::Entropy => -candidate.entropy,
        Remasking::Margin => candidate.margin,
        Remasking::Sequential => -f64::from(candidate.at.0),
    }
}

/// What a threshold or a factor is compared with: the confidence, or under random remasking the draw, as in the reference.
#[must_use]
pub fn certainty(remasking: Remasking, candidate: &Candidate) -> f64 {
    match remasking == Remasking::Random {
        true => candidate.score,
        false => candidate.confidence,
    }
}

/// Indices of the candidates, the highest value first, the first among equals.
///
/// Differs from the reference: `torch.topk` leaves the order of equal scores open.
#[must_use]
pub fn best_first(candidates: &[Candidate], value: impl Fn(&Candidate) -> f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    // The index makes the order one of a stable sort, which would take memory.
    let value = |at: usize| value(&candidates[at]);
    order.sort_unstable_by(|&a, &b| value(b).total_cmp(&value(a)).then(a.cmp(&b)));
    order
}

/// Indices of the `count` candidates of the highest score.
#[must_use]
pub fn best(candidates: &[Candidate], count: usize) -> Vec<usize> {
    let mut order = best_first(candidates, |it| it.score);
    order.truncate(count);
    order
}

#[cfg(test)]
pub(super) mod tests {
    use arrayvec::ArrayVec;
    use unmask_api::{Position, TokenId};

    use super::*;

    /// Candidates of these confidences, which are also their scores.
    pub(in crate::sampler) fn candidates(confidences: &[f64]) -> Vec<Candidate> {
        let candidate = |(at, &confidence): (u32, &f64)| Candidate {
            at: Position(at),
            token: TokenId(1),
            score: confidence,
            confidence,
            entropy: 0.0,
            margin: 0.0,
            top: ArrayVec::new(),
        };
        (0_u32..).zip(confidences).map(candidate).collect()
    }

    #[test]
    fn the_best_come_first_and_the_first_among_equals() {
        assert_eq!(best(&candidates(&[0.2, 0.9, 0.5, 0.9]), 2), [1, 3]);
        assert_eq!(best(&candidates(&[0.5, 0.5, 0.5]), 2), [0, 1]);
        assert_eq!(best(&candidates(&[0.5]), 3), [0]);
    }
}
