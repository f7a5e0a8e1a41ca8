use super::{Interval, mean_interval};

/// One run against another over the same questions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Questions that both answered.
    pub questions: usize,
    /// Right in the first alone.
    pub won: usize,
    /// Right in the other alone.
    pub lost: usize,
    /// Accuracy of the first less that of the other, -1 to 1.
    pub difference: f64,
    /// Of the difference, by a bootstrap of the questions.
    pub interval: Interval,
    /// McNemar's exact p.
    pub p: f64,
}

impl Comparison {
    /// Of each question whether the first and whether the other had it right; `seed` names the draws of the bootstrap.
    #[must_use]
    pub fn of(pairs: &[(bool, bool)], seed: u64) -> Self {
        let count = |pair| pairs.iter().filter(|&&it| it == pair).count();
        let (won, lost) = (count((true, false)), count((false, true)));
        let gains = pairs.iter().map(|pair| match pair {
            (true, false) => 1.0,
            (false, true) => -1.0,
            (true, true) | (false, false) => 0.0,
        });
        let gains: Vec<f64> = gains.collect();
        Self {
            questions: pairs.len(),
            won,
            lost,
            difference: (won as f64 - lost as f64) / pairs.len().max(1) as f64,
            interval: mean_interval(&gains, seed),
            p: mcnemar(won, lost),
        }
    }

    /// Share of the questions of which one run alone was right.
    #[must_use]
    pub fn flipped(&self) -> f64 {
        (self.won + self.lost) as f64 / self.questions.max(1) as f64
    }
}

/// How likely questions that are as easily won as lost are split as unevenly as this: McNemar's test in its exact, two-sided
/// form, a binomial test of 1/2 on the questions that one run alone had right.
///
/// McNemar, Psychometrika 12 (1947) 153.
#[must_use]
pub fn mcnemar(won: usize, lost: usize) -> f64 {
    let (fewer, all) = (won.min(lost), won + lost);
    // Of ln C(all, k) / 2^all, from k = 0 on.
    let mut log_share = -(all as f64) * std::f64::consts::LN_2;
    let mut tail = log_share.exp();
    for k in 1..=fewer {
        log_share += ((all - k + 1) as f64 / k as f64).ln();
        tail += log_share.exp();
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(won: usize, lost: usize, p: f64) {
        for got in [mcnemar(won, lost), mcnemar(lost, won)] {
            assert!((got / p - 1.0).abs() < 1e-9, "{got}, not {p}");
        }
    }

    #[test]
    fn the_p_of_small_tables_is_the_sum_of_binomials() {
        check(0, 0, 1.0);
        check(0, 5, 2.0 / 32.0);
        check(10, 3, 2.0 * f64::from(1 + 13 + 78 + 286) / 8192.0);
        check(
            6,
            16,
            2.0 * f64::from(1 + 22 + 231 + 1540 + 7315 + 26334 + 74613) / 4_194_304.0,
        );
        check(4, 4, 1.0);
        check(4, 5, 1.0);
    }

    #[test]
    fn the_p_of_large_tables_is_that_of_exact_fractions() {
        // Agresti, Categorical Data Analysis, the approval ratings; by Python's fractions, as R's `mcnemar.exact` has it.
        check(86, 150, 3.715_936_139_571_442e-5);
        check(1000, 1100, 0.030_720_707_864_242_296);
        // Below what 2^-n can say in float64.
        assert!(mcnemar(0, 3000) >= 0.0);
    }

    #[test]
    fn what_both_answer_alike_counts_for_nothing_but_the_rate() {
        let mut pairs = vec![(true, false); 60];
        pairs.extend([(false, true); 40]);
        pairs.extend([(true, true); 500]);
        pairs.extend([(false, false); 400]);
        let got = Comparison::of(&pairs, 1);
        assert_eq!((got.questions, got.won, got.lost), (1000, 60, 40));
        assert!((got.difference - 0.02).abs() < 1e-12);
        assert!((got.flipped() - 0.1).abs() < 1e-12);
        assert_eq!(got.p, mcnemar(60, 40));
        // The normal approximation: 0.02 ± 1.96 · sqrt((0.1 - 0.02²) / 1000).
        assert!((got.interval.low - 0.000_44).abs() < 0.001, "{got:?}");
        assert!((got.interval.high - 0.039_56).abs() < 0.001, "{got:?}");
    }
}
