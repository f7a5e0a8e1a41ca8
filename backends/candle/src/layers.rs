//! What lies between the matrix products of a network. Arithmetic over rows of `f32` that candle does slowly on a CPU,
//! written so that the compiler makes vectors of it.

use rayon::prelude::*;

/// Independent sums or maxima, so that a reduction is not one long chain.
const LANES: usize = 8;
/// Rows of at least this many numbers in all are worth another thread.
const WORTH_A_THREAD: usize = 8192;

/// `out = x / sqrt(mean(x²) + eps) * weight (+ bias)`, row by row; the float32 RMSNorm of LLaDA.
///
/// The reference casts to the activations' type before it multiplies by the weight: nothing to do when that is `f32`.
pub(crate) fn rms_norm(x: &[f32], weight: &[f32], bias: Option<&[f32]>, eps: f32) -> Vec<f32> {
    let width = weight.len();
    let mut out = vec![0.0; x.len()];
    let rows = out.par_chunks_mut(width).zip(x.par_chunks(width));
    rows.with_min_len(per_thread(width)).for_each(|(out, x)| {
        let mean = sum_of_squares(x) / width as f32;
        let scale = 1.0 / (mean + eps).sqrt();
        for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
            *out = x * scale * weight;
        }
        if let Some(bias) = bias {
            add(out, bias);
        }
    });
    out
}

/// As [`rms_norm`], of one row in its place, without a bias: a head of queries or keys.
pub(crate) fn rms_norm_in_place(row: &mut [f32], weight: &[f32], eps: f32) {
    let mean = sum_of_squares(row) / row.len() as f32;
    let scale = 1.0 / (mean + eps).sqrt();
    for (number, weight) in row.iter_mut().zip(weight) {
        *number = *number * scale * weight;
    }
}

/// `silu(gate) * up` of rows that hold `gate` and then `up`, `width` numbers each.
pub(crate) fn gated(rows: &[f32], width: usize) -> Vec<f32> {
    let mut out = vec![0.0; rows.len() / 2];
    let pairs = out.par_chunks_mut(width).zip(rows.par_chunks(2 * width));
    pairs
        .with_min_len(per_thread(width))
        .for_each(|(out, row)| {
            let (gate, up) = row.split_at(width);
            for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
                *out = gate / (1.0 + exp(-gate)) * up;
            }
        });
    out
}

/// Softmax of the first `visible` scores; the others become 0.
pub(crate) fn softmax(scores: &mut [f32], visible: usize) {
    let (scores, hidden) = scores.split_at_mut(visible);
    hidden.fill(0.0);
    exponentials(scores);
    normalise(scores);
}

/// Softmax of the scores whose keys are seen; the others become 0, be it all of them.
pub(crate) fn softmax_where(scores: &mut [f32], sees: impl Fn(usize) -> bool) {
    let hide = |scores: &mut [f32], with: f32| {
        let each = scores.iter_mut().enumerate();
        each.for_each(|(key, score)| *score = if sees(key) { *score } else { with });
    };
    hide(scores, f32::NEG_INFINITY);
    exponentials(scores);
    hide(scores, 0.0);
    normalise(scores);
}

/// `exp(score - greatest)`
fn exponentials(scores: &mut [f32]) {
    let peak = maximum(scores);
    for score in scores {
        *score = exp(*score - peak);
    }
}

fn normalise(scores: &mut [f32]) {
    let total = sum(scores);
    // Nothing is seen: there is nothing to share out.
    let scale = if total > 0.0 { 1.0 / total } else { 0.0 };
    for score in scores {
        *score *= scale;
    }
}

/// `to += from`.
pub(crate) fn add(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

/// `to += from * factor`.
pub(crate) fn add_scaled(to: &mut [f32], from: &[f32], factor: f32) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from * factor;
    }
}

/// `Σ a b`
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    const WIDE: usize = 4 * LANES;
    let mut lanes = [0.0; WIDE];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<WIDE>(), b.as_chunks::<WIDE>());
    for (a, b) in a.iter().zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.into_iter().sum::<f32>() + rest
}

fn per_thread(width: usize) -> usize {
    WORTH_A_THREAD.div_ceil(width)
}

fn sum_of_squares(row: &[f32]) -> f32 {
    reduce(row, 0.0, |total, x| total + x * x, |a, b| a + b)
}

fn sum(row: &[f32]) -> f32 {
    reduce(row, 0.0, |total, x| total + x, |a, b| a + b)
}

fn maximum(row: &[f32]) -> f32 {
    let greater = |a: f32, b: f32| if b > a { b } else { a };
    reduce(row, f32::NEG_INFINITY, greater, greater)
}

fn reduce(
    row: &[f32],
    start: f32,
    take: impl Fn(f32, f32) -> f32,
    join: impl Fn(f32, f32) -> f32,
) -> f32 {
    let mut lanes = [start; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane = take(*lane, *x);
        }
    }
    let folded = rest.iter().fold(start, |total, x| take(total, *x));
    lanes.into_iter().fold(folded, join)
}

/// `e^x` to two units in the last place; `x` beyond ±87 counts as ±87. A NaN stays one.
///
/// `x = n ln 2 + r`, then the polynomial of Cephes' `expf` in `r`; branch-free, unlike the system's, so that it vectorises.
fn exp(x: f32) -> f32 {
    /// Adding it rounds to an integer, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 in two parts: the first is exact times any exponent.
    const LN_2: (f32, f32) = (0.693_359_4, -2.121_944_4e-4);
    const POLYNOMIAL: [f32; 6] = [
        1.987_569_1e-4,
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ];
    let x = x.clamp(-87.0, 87.0);
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = x - n * LN_2.0 - n * LN_2.1;
    let series = POLYNOMIAL.iter().fold(0.0, |total, c| total * r + c);
    let exponent = rounded.to_bits().wrapping_sub(ROUND.to_bits());
    let power = f32::from_bits(exponent.wrapping_add(127) << 23);
    (series * r * r + r + 1.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_right_to_two_units_in_the_last_place() {
        for step in -8700..=8700 {
            let x = step as f32 / 100.0 + 0.001_7;
            if x.abs() < 87.0 {
                let right = f64::from(x).exp();
                let error = (f64::from(exp(x)) - right).abs() / right;
                assert!(error < 2.0 * f64::from(f32::EPSILON), "{x}: {error:e}");
            }
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NEG_INFINITY) < 2e-38);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn a_softmax_sums_to_one_over_what_is_visible() {
        let mut scores: Vec<f32> = (0..19).map(|x| x as f32).collect();
        softmax(&mut scores, 11);
        assert!((sum(&scores) - 1.0).abs() < 1e-6);
        assert_eq!(scores[11..], [0.0; 8]);
        assert!((scores[10] / scores[9] - 1.0_f32.exp()).abs() < 1e-5);
    }

    #[test]
    fn only_scores_that_are_seen_have_a_share() {
        let mut scores: Vec<f32> = (0..19).map(|x| x as f32).collect();
        softmax_where(&mut scores, |key| key % 2 == 1 && key < 17);
        assert!((sum(&scores) - 1.0).abs() < 1e-6);
        assert!((scores[15] / scores[13] - 2.0_f32.exp()).abs() < 1e-4);
        assert!((0..19).all(|key| (scores[key] == 0.0) != (key % 2 == 1 && key < 17)));
        softmax_where(&mut scores, |_| false);
        assert_eq!(scores, [0.0; 19]);
    }

    #[test]
    fn a_gate_of_zero_closes_and_a_large_one_passes() {
        let out = gated(&[0.0, 30.0, 5.0, 2.0], 2);
        assert_eq!(out, [0.0, 60.0]);
    }

    #[test]
    fn a_norm_brings_rows_to_unit_mean_square() {
        let x: Vec<f32> = (0..20).map(|x| x as f32 - 7.0).collect();
        let out = rms_norm(&x, &[1.0; 10], None, 0.0);
        for row in out.chunks(10) {
            assert!((sum_of_squares(row) / 10.0 - 1.0).abs() < 1e-5);
        }
        let shifted = rms_norm(&x, &[2.0; 10], Some(&[1.0; 10]), 0.0);
        assert_eq!(shifted[3], out[3] * 2.0 + 1.0);
    }
}
