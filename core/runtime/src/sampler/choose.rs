use super::Candidate;
use crate::params::{Rules, Transfer};

/// Picks the candidates to commit, best score first; indices into `candidates`.
///
/// Equal scores go to the lower index. `quota` counts under [`Transfer::Quota`] and lifts all if it is `None`.
///
/// Differs from the reference: `torch.topk` leaves the order of equal scores open.
#[must_use]
pub fn choose(
    candidates: &[Candidate],
    transfer: Transfer,
    rules: Rules,
    quota: Option<usize>,
) -> Vec<usize> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|&a, &b| candidates[b].score.total_cmp(&candidates[a].score));
    let score = |rank: usize| candidates[order[rank]].score;
    let count = match transfer {
        Transfer::Quota => quota.unwrap_or(order.len()),
        Transfer::Threshold(at) => (0..order.len())
            .take_while(|&rank| score(rank) >= at)
            .count()
            .max(1),
        Transfer::Factor(factor) => factor_count(order.len(), factor, rules, score),
    };
    order.truncate(count);
    order
}

/// The largest n whose first n scores all reach `1 - factor / (rank + 1)`, ranks counted from 1; at least 1.
///
/// Fast-dLLM, arXiv:2505.22618; `get_transfer_index_dynamic`. That function also takes the last candidate if it alone
/// fails, which only [`Rules::FastV1`] repeats.
fn factor_count(n: usize, factor: f64, rules: Rules, score: impl Fn(usize) -> f64) -> usize {
    let bound = |rank: usize| 1.0 - factor / (rank + 2) as f64;
    let passed = (1..n)
        .take_while(|&rank| score(rank) >= bound(rank))
        .count()
        + 1;
    if rules == Rules::FastV1 && passed + 1 == n {
        n
    } else {
        passed
    }
}

#[cfg(test)]
mod tests {
    use unmask_api::{Position, TokenId};

    use super::*;

    #[track_caller]
    fn check(scores: &[f64], transfer: Transfer, rules: Rules, quota: usize, picks: &[usize]) {
        let candidates: Vec<Candidate> = (0_u32..)
            .zip(scores)
            .map(|(at, &score)| Candidate {
                at: Position(at),
                token: TokenId(0),
                score,
                confidence: score,
                entropy: 0.0,
                top: Vec::new(),
            })
            .collect();
        assert_eq!(choose(&candidates, transfer, rules, Some(quota)), picks);
    }

    #[test]
    fn a_quota_takes_the_best_and_the_first_among_equals() {
        check(
            &[0.2, 0.9, 0.5, 0.9],
            Transfer::Quota,
            Rules::Llada,
            2,
            &[1, 3],
        );
        check(&[0.5, 0.5, 0.5], Transfer::Quota, Rules::Llada, 2, &[0, 1]);
        check(&[0.5], Transfer::Quota, Rules::Llada, 3, &[0]);
    }

    #[test]
    fn a_threshold_takes_all_that_reach_it_and_always_one() {
        let at = Transfer::Threshold(0.9);
        check(&[0.9, 0.1, 0.95], at, Rules::Settled, 0, &[2, 0]);
        check(&[0.1, 0.2], at, Rules::Settled, 0, &[1]);
        check(&[], at, Rules::Settled, 0, &[]);
    }

    #[test]
    fn a_factor_asks_less_of_the_first_ranks() {
        // Bounds for factor 1 and ranks 2, 3, 4: 2/3, 3/4, 4/5.
        let at = Transfer::Factor(1.0);
        check(&[0.1, 0.05], at, Rules::Settled, 0, &[0]);
        check(&[0.9, 0.7, 0.6, 0.5], at, Rules::Settled, 0, &[0, 1]);
        check(&[0.9, 0.7, 0.76, 0.5], at, Rules::Settled, 0, &[0, 2]);
    }

    #[test]
    fn fast_dllm_v1_takes_the_last_candidate_even_if_it_fails() {
        let at = Transfer::Factor(1.0);
        check(&[0.9, 0.8, 0.1], at, Rules::FastV1, 0, &[0, 1, 2]);
        check(&[0.9, 0.8, 0.1], at, Rules::Settled, 0, &[0, 1]);
    }
}
