use crate::TokenId;

/// A row of logits in short form; its sums are in float64, so that whoever makes it of the same logits gets the same bits.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RowSummary {
    /// The best ids with their logits, best first, the lower id first among equals.
    pub best: Vec<(TokenId, f32)>,
    /// `Σ exp(l(v) − best)` over all ids but the best and the banned ones; 0 and up, NaN if one of their logits is.
    pub tail: f64,
    /// `−Σ p ln p` in nat, 0 and up.
    pub entropy: f64,
}

impl RowSummary {
    /// The `k` best of `row`, `[vocab]`, as if the logits of `banned`, strictly ascending ids, were minus infinity.
    ///
    /// Fewer than `k` only if there are no more; logits of minus infinity count like any other. NaN is never among the best,
    /// but makes the sums NaN.
    ///
    /// Inlined with all that it calls, so that who has other vectors than every processor can compile it for them: sums are in
    /// lanes and nothing is fused, so the bits stay the same.
    #[must_use]
    #[inline(always)]
    pub fn of(row: &[f32], banned: &[TokenId], k: usize) -> Self {
        let best = Self::best(row, banned, k.max(1));
        let Some(&(id, top)) = best.first().filter(|(_, logit)| logit.is_finite()) else {
            let nothing = if best.is_empty() { f64::NAN } else { 0.0 };
            return Self {
                best,
                tail: nothing,
                entropy: nothing,
            };
        };
        let mut left_out: Vec<usize> = banned.iter().map(|id| id.index()).collect();
        left_out.push(id.index());
        left_out.sort_unstable();
        let [tail, weighted] = Sums::of(row, &left_out, f64::from(top));
        if weighted.is_nan() {
            return Self {
                best,
                tail: f64::NAN,
                entropy: f64::NAN,
            };
        }
        let entropy = (tail.ln_1p() - weighted / (1.0 + tail)).max(0.0);
        Self {
            best,
            tail,
            entropy,
        }
    }

    /// The `k` best of [`of`](Self::of) alone, without the sums.
    #[must_use]
    #[inline(always)]
    pub fn best(row: &[f32], banned: &[TokenId], k: usize) -> Vec<(TokenId, f32)> {
        best_of(row, banned, k)
    }

    /// The natural logarithm of the softmax probability of an id whose logit is `logit`; of minus infinity if no logit is finite.
    #[must_use]
    pub fn log_probability(&self, logit: f32) -> f64 {
        match self.best.first() {
            Some(&(_, best)) if best.is_finite() => {
                f64::from(logit) - f64::from(best) - self.tail.ln_1p()
            }
            _ => f64::NEG_INFINITY,
        }
    }

    /// The softmax probability of an id whose logit is `logit`.
    #[must_use]
    pub fn probability(&self, logit: f32) -> f64 {
        match self.best.first() {
            Some(&(_, best)) if best.is_finite() => {
                (f64::from(logit) - f64::from(best)).exp() / (1.0 + self.tail)
            }
            _ => 0.0,
        }
    }
}

/// Ranges of ids that are not banned.
#[inline(always)]
fn allowed(vocab: usize, banned: &[TokenId]) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
    let ends = banned.iter().map(move |id| id.index().min(vocab));
    let starts = ends.clone().map(move |at| (at + 1).min(vocab));
    std::iter::once(0)
        .chain(starts)
        .zip(ends.chain(std::iter::once(vocab)))
        .map(|(start, end)| start.min(end)..end)
}

/// Sums over entries that are at most `max`, in lanes that the compiler turns into vector code. An entry's lane is told by its
/// id alone, so that what is left out changes no order of additions.
#[derive(Default)]
struct Sums {
    /// `Σ exp(l − max)`
    others: [f64; LANES],
    /// `Σ (l − max) exp(l − max)`
    weighted: [f64; LANES],
}

/// Shares below this are left out: all of them together are below 1e-10 of the sum in any vocabulary.
const NEGLIGIBLE: f64 = -40.0;

impl Sums {
    /// Both sums over `row` without the entries `left_out`, ascending.
    #[inline(always)]
    fn of(row: &[f32], left_out: &[usize], max: f64) -> [f64; 2] {
        let (whole, rest) = row.as_chunks::<LANES>();
        let mut last = [f32::NEG_INFINITY; LANES];
        last[..rest.len()].copy_from_slice(rest);
        let mut sums = Self::default();
        let mut done = 0;
        for ids in left_out.chunk_by(|a, b| a / LANES == b / LANES) {
            let at = ids[0] / LANES;
            match whole.get(at) {
                Some(group) => {
                    sums.add(&whole[done..at], max);
                    sums.add(&[without(*group, ids)], max);
                    done = at + 1;
                }
                None if at == whole.len() => last = without(last, ids),
                // Beyond the vocabulary.
                None => (),
            }
        }
        sums.add(&whole[done..], max);
        sums.add(&[last], max);
        [sums.others.iter().sum(), sums.weighted.iter().sum()]
    }

    #[inline(always)]
    fn add(&mut self, groups: &[[f32; LANES]], max: f64) {
        for group in groups {
            for (lane, &logit) in group.iter().enumerate() {
                let below = f64::from(logit) - max;
                // NaN is not left out, and makes NaN of the sums.
                let is_left_out = below < NEGLIGIBLE;
                let below = if is_left_out { NEGLIGIBLE } else { below };
                let share = if is_left_out { 0.0 } else { exp(below) };
                self.others[lane] += share;
                self.weighted[lane] += share * below;
            }
        }
    }
}

/// A group without the ids that fall on it.
#[inline(always)]
fn without(mut group: [f32; LANES], ids: &[usize]) -> [f32; LANES] {
    for id in ids {
        group[id % LANES] = f32::NEG_INFINITY;
    }
    group
}

/// `e^x` for `x` from [`NEGLIGIBLE`] to 0, within 3e-12 of itself, without a branch or a call: vector code, unlike that of std.
#[inline(always)]
fn exp(x: f64) -> f64 {
    /// Added to a small number, it leaves the nearest integer in the lowest bits.
    const ROUNDER: f64 = 6_755_399_441_055_744.0;
    /// `ln 2` in two parts, the first with few enough bits that a small multiple of it is exact.
    const LN_2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];
    /// Of `1 + r·q(r)`, highest first: q, of degree 7, meets `(e^r − 1) / r` at Chebyshev's points of ±ln 2 / 2.
    const TERMS: [f64; 8] = [
        1.990_763_572_659_209_7e-4,
        1.388_883_901_085_895_8e-3,
        8.333_283_438_946_465e-3,
        4.166_666_678_662_519_4e-2,
        1.666_666_678_666_822e-1,
        4.999_999_999_995_492_5e-1,
        9.999_999_999_954_91e-1,
        1.0,
    ];
    const HIGHEST: f64 = 2.486_793_656_219_774e-5;
    let rounded = x * std::f64::consts::LOG2_E + ROUNDER;
    let power = rounded - ROUNDER;
    let rest = x - power * LN_2[0] - power * LN_2[1];
    let series = TERMS.iter().fold(HIGHEST, |sum, term| sum * rest + term);
    f64::from_bits(series.to_bits().wrapping_add(rounded.to_bits() << 52))
}

/// Entries looked at together: their maximum alone is compared first, which the compiler turns into vector code.
const CHUNK: usize = 256;
const LANES: usize = 16;

#[inline(always)]
fn best_of(row: &[f32], banned: &[TokenId], k: usize) -> Vec<(TokenId, f32)> {
    let mut best: Vec<(TokenId, f32)> = Vec::with_capacity(k + 1);
    for part in allowed(row.len(), banned) {
        let mut first = part.start;
        for chunk in row[part].chunks(CHUNK) {
            let bar = (best.len() == k).then(|| best[k - 1].1);
            if bar.is_none_or(|bar| max_of(chunk) > bar) {
                insert_all(&mut best, k, first, chunk);
            }
            first += chunk.len();
        }
    }
    best
}

#[inline(always)]
fn insert_all(best: &mut Vec<(TokenId, f32)>, k: usize, first: usize, chunk: &[f32]) {
    for (within, &logit) in chunk.iter().enumerate() {
        if logit.is_nan() || (best.len() == k && logit <= best[k - 1].1) {
            continue;
        }
        let rank = best.partition_point(|&(_, other)| other >= logit);
        best.insert(rank, (TokenId((first + within) as u32), logit));
        best.truncate(k);
    }
}

#[inline(always)]
fn max_of(chunk: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (whole, rest) = chunk.as_chunks::<LANES>();
    for group in whole {
        for (lane, &logit) in lanes.iter_mut().zip(group) {
            *lane = if logit > *lane { logit } else { *lane };
        }
    }
    (lanes.iter().chain(rest)).fold(
        f32::NEG_INFINITY,
        |max, &logit| if logit > max { logit } else { max },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, in float64.
    fn naive(row: &[f32], banned: &[u32]) -> (f64, f64) {
        let allowed = (0..row.len()).filter(|&id| !banned.contains(&(id as u32)));
        let logits: Vec<f64> = allowed.map(|id| f64::from(row[id])).collect();
        let best = logits.iter().copied().fold(f64::MIN, f64::max);
        let sum: f64 = logits.iter().map(|logit| (logit - best).exp()).sum();
        let p = logits.iter().map(|logit| (logit - best).exp() / sum);
        (
            sum - 1.0,
            p.map(|p| if p > 0.0 { -p * p.ln() } else { 0.0 }).sum(),
        )
    }

    #[track_caller]
    fn check(row: &[f32], banned: &[u32], k: usize, best: &[u32]) -> RowSummary {
        let ids: Vec<TokenId> = banned.iter().copied().map(TokenId).collect();
        let got = RowSummary::of(row, &ids, k);
        assert_eq!(
            got.best.iter().map(|(id, _)| id.0).collect::<Vec<_>>(),
            best
        );
        let (tail, entropy) = naive(row, banned);
        assert!(
            (got.tail - tail).abs() <= 1e-9 * (1.0 + tail),
            "{got:?} {tail}"
        );
        assert!((got.entropy - entropy).abs() < 1e-9, "{got:?} {entropy}");
        got
    }

    #[test]
    fn the_best_come_first_and_the_lower_id_among_equals() {
        check(&[1.0, 3.0, 3.0, 2.0], &[], 3, &[1, 2, 3]);
        check(&[2.0; 600], &[], 2, &[0, 1]);
        let long: Vec<f32> = (0..2000)
            .map(|id| ((id * 37) % 1999) as f32 / 100.0)
            .collect();
        let top = check(&long, &[], 1, &[RowSummary::of(&long, &[], 1).best[0].0.0]);
        assert_eq!(top.best[0].1, 19.98);
    }

    #[test]
    fn banned_ids_count_for_nothing() {
        check(&[1.0, 9.0, 3.0, 2.0], &[1], 2, &[2, 3]);
        check(&[9.0, 1.0, 3.0, 9.0], &[0, 3], 2, &[2, 1]);
        check(&[9.0, 1.0], &[0], 1, &[1]);
    }

    #[test]
    fn a_confidence_near_one_is_as_exact_as_its_distance_from_one() {
        let summary = RowSummary::of(&[30.0, 0.0, 0.0], &[], 1);
        let rest = 2.0 * (-30.0_f64).exp();
        assert!((summary.tail / rest - 1.0).abs() < 3e-12);
        assert!((1.0 - summary.probability(30.0) - rest).abs() < 1e-15);
    }

    #[test]
    fn the_exponential_is_within_three_trillionths() {
        for step in 0..=400_000 {
            let x = -f64::from(step) / 10_000.0;
            let error = exp(x) / x.exp() - 1.0;
            assert!(error.abs() < 3e-12, "{x}: {error}");
        }
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn rows_without_finite_numbers_are_survived() {
        let all = RowSummary::of(&[f32::NEG_INFINITY; 3], &[], 2);
        assert_eq!(
            (all.tail, all.entropy, all.probability(0.0)),
            (0.0, 0.0, 0.0)
        );
        let none = RowSummary::of(&[f32::NAN; 3], &[], 2);
        assert_eq!(none.best, []);
        assert!(none.tail.is_nan());
        for at in 0..40 {
            let mut row = [1.0; 40];
            row[at] = f32::NAN;
            assert!(RowSummary::of(&row, &[], 2).tail.is_nan(), "at {at}");
            let banned = RowSummary::of(&row, &[TokenId(at as u32)], 2);
            assert!((banned.tail - 38.0).abs() < 1e-9, "at {at}");
        }
    }
}
