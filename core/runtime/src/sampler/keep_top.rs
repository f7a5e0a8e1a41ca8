use crate::params::FirstFilter;

/// Leaves of a row the fewest best tokens whose probabilities reach `top_p`, 0 to 1, and the `top_k` best: the others' logits
/// become minus infinity. The best token always stays.
///
/// `top_p_logits` and `top_k_logits` of Dream, in this order; SDAR and LLaDA2 take probabilities among the `top_k` best.
pub(super) fn keep_top(
    row: &mut [f32],
    top_p: Option<f64>,
    top_k: Option<usize>,
    first: FirstFilter,
) {
    if top_p.is_none() && top_k.is_none_or(|k| k >= row.len()) {
        return;
    }
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_unstable_by(|&a, &b| row[b].total_cmp(&row[a]).then(a.cmp(&b)));
    let mut kept = top_k.unwrap_or(row.len());
    if let Some(top_p) = top_p {
        let best = order.first().map_or(0.0, |&at| f64::from(row[at]));
        let share = |&at: &usize| (f64::from(row[at]) - best).exp();
        let of = match first {
            FirstFilter::TopP => row.len(),
            FirstFilter::TopK => kept.min(row.len()),
        };
        let sum: f64 = order[..of].iter().map(share).sum();
        let mut before = 0.0;
        let is_within = |at: &&usize| {
            let is_within = before / sum <= top_p;
            before += share(at);
            is_within
        };
        kept = kept.min(order.iter().take_while(is_within).count());
    }
    for &at in &order[kept.clamp(1, order.len().max(1)).min(order.len())..] {
        row[at] = f32::NEG_INFINITY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(top_p: Option<f64>, top_k: Option<usize>, kept: &[usize]) {
        check_first(top_p, top_k, FirstFilter::TopP, kept);
    }

    #[track_caller]
    fn check_first(top_p: Option<f64>, top_k: Option<usize>, first: FirstFilter, kept: &[usize]) {
        // Probabilities 0.1, 0.5, 0.3 and 0.1.
        let mut row = [0.1_f32, 0.5, 0.3, 0.1].map(f32::ln);
        keep_top(&mut row, top_p, top_k, first);
        let left: Vec<usize> = (0..4).filter(|&at| row[at].is_finite()).collect();
        assert_eq!(left, kept);
    }

    #[test]
    fn the_token_that_reaches_the_share_stays_and_ranks_are_counted_behind_it() {
        check(None, None, &[0, 1, 2, 3]);
        check(Some(0.4), None, &[1]);
        check(Some(0.6), None, &[1, 2]);
        check(Some(0.85), None, &[0, 1, 2]);
        check(None, Some(2), &[1, 2]);
        check(Some(0.85), Some(1), &[1]);
        check(Some(0.0), None, &[1]);
    }

    #[test]
    fn a_share_is_of_the_best_alone_where_ranks_are_counted_first() {
        // Of 0.5 and 0.3 the first has more than 0.6.
        check_first(Some(0.6), Some(2), FirstFilter::TopP, &[1, 2]);
        check_first(Some(0.6), Some(2), FirstFilter::TopK, &[1]);
        check_first(Some(0.7), Some(2), FirstFilter::TopK, &[1, 2]);
        check_first(None, Some(1), FirstFilter::TopK, &[1]);
    }
}
