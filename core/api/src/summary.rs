use crate::TokenId;

/// A row of logits in short form; its sums are in float64, so that whoever makes it of the same logits gets the same bits.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RowSummary {
    /// The best ids with their logits, best first, the lower id first among equals.
    pub best: Vec<(TokenId, f32)>,
    /// `Σ exp(l(v) − best)` over all ids but the best and the banned ones; 0 and up.
    pub tail: f64,
    /// `−Σ p ln p` in nat, 0 and up.
    pub entropy: f64,
}

impl RowSummary {
    /// The `k` best of `row`, `[vocab]`, as if the logits of `banned`, strictly ascending ids, were minus infinity.
    ///
    /// Fewer than `k` only if there are no more; logits of minus infinity count like any other. NaN is never among the best.
    #[must_use]
    pub fn of(row: &[f32], banned: &[TokenId], k: usize) -> Self {
        let best = Self::best(row, banned, k.max(1));
        let Some(&(_, top)) = best.first().filter(|(_, logit)| logit.is_finite()) else {
            return Self {
                best,
                ..Self::default()
            };
        };
        let mut sums = Sums::default();
        for chunk in allowed(row.len(), banned) {
            sums.add(&row[chunk], f64::from(top));
        }
        let tail = sums.others;
        let entropy = (tail.ln_1p() - sums.weighted / (1.0 + tail)).max(0.0);
        Self {
            best,
            tail,
            entropy,
        }
    }

    /// The `k` best of [`of`](Self::of) alone, without the sums.
    #[must_use]
    pub fn best(row: &[f32], banned: &[TokenId], k: usize) -> Vec<(TokenId, f32)> {
        best_of(row, banned, k)
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
fn allowed(vocab: usize, banned: &[TokenId]) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
    let ends = banned.iter().map(move |id| id.index().min(vocab));
    let starts = ends.clone().map(move |at| (at + 1).min(vocab));
    std::iter::once(0)
        .chain(starts)
        .zip(ends.chain(std::iter::once(vocab)))
        .map(|(start, end)| start.min(end)..end)
}

/// Sums over a row, the first entry that equals the maximum left out.
#[derive(Default)]
struct Sums {
    /// `Σ exp(l − max)`
    others: f64,
    /// `Σ (l − max) exp(l − max)`
    weighted: f64,
    /// Whether the best was met.
    met: bool,
}

/// Shares below this are left out: all of them together are below 1e-12 of the sum in any vocabulary.
const NEGLIGIBLE: f64 = -40.0;

impl Sums {
    fn add(&mut self, row: &[f32], max: f64) {
        for &logit in row {
            let below = f64::from(logit) - max;
            if below < NEGLIGIBLE || below.is_nan() {
                continue;
            }
            if below == 0.0 && !self.met {
                self.met = true;
                continue;
            }
            let share = below.exp();
            self.others += share;
            self.weighted += share * below;
        }
    }
}

/// Entries looked at together: their maximum alone is compared first, which the compiler turns into vector code.
const CHUNK: usize = 256;
const LANES: usize = 16;

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
        assert!((summary.tail / rest - 1.0).abs() < 1e-12);
        assert!((1.0 - summary.probability(30.0) - rest).abs() < 1e-15);
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
    }
}
