//! The best of a row of logits; a real backend does this on its device.

use unmask_sdk::{TokenId, TopMut};

/// Fills row `index` of `out` from `scores`, one row of logits.
pub(crate) fn fill(scores: &[f32], index: usize, out: &mut TopMut<'_>) {
    let k = out.k;
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    // The best first, ties by the lower id: a stable sort keeps the ids' order.
    order.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
    for (slot, &id) in order[..k].iter().enumerate() {
        out.ids[index * k + slot] = TokenId(id);
        out.logits[index * k + slot] = scores[id as usize];
    }
    (out.log_sum_exp[index], out.entropy[index]) = summary(scores);
}

/// `ln Σ exp(x)` and the entropy of softmax(x), `ln Σ exp(x) - Σ p x`, both from the largest score for accuracy.
fn summary(scores: &[f32]) -> (f32, f32) {
    let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (mut sum, mut weighted) = (0.0_f64, 0.0_f64);
    for &score in scores {
        let above = f64::from(score - best);
        sum += above.exp();
        weighted += above.exp() * above;
    }
    let log_sum = sum.ln();
    let entropy = (log_sum - weighted / sum).max(0.0);
    ((log_sum + f64::from(best)) as f32, entropy as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_have_the_highest_entropy_and_lose_by_their_id() {
        let (mut ids, mut logits) = ([TokenId(9); 2], [0.0; 2]);
        let (mut log_sum_exp, mut entropy) = ([0.0], [0.0]);
        let mut out = TopMut {
            k: 2,
            ids: &mut ids,
            logits: &mut logits,
            log_sum_exp: &mut log_sum_exp,
            entropy: &mut entropy,
        };
        fill(&[1.0; 4], 0, &mut out);
        assert_eq!((ids, logits), ([TokenId(0), TokenId(1)], [1.0, 1.0]));
        assert!((entropy[0] - 4.0_f32.ln()).abs() < 1e-6);
        assert!((log_sum_exp[0] - (1.0 + 4.0_f32.ln())).abs() < 1e-6);
    }
}
