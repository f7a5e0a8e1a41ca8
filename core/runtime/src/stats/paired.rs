use super::{Interval, Z, mean_interval};

/// One run against another over the same questions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Questions that both answered.
    pub questions: usize,
    /// Right in the first alone; of several answers a question, more of them right in the first.
    pub won: usize,
    /// Right in the other alone, or more of them.
    pub lost: usize,
    /// Accuracy of the first less that of the other, -1 to 1.
    pub difference: f64,
    /// Of the difference: [`paired_interval`]; of several answers a question, [`mean_interval`].
    pub interval: Interval,
    /// McNemar's exact p.
    pub p: f64,
}

impl Comparison {
    /// Of each question whether the first and whether the other had it right.
    #[must_use]
    pub fn of(pairs: &[(bool, bool)]) -> Self {
        let count = |pair| pairs.iter().filter(|&&it| it == pair).count();
        let (won, lost) = (count((true, false)), count((false, true)));
        Self {
            questions: pairs.len(),
            won,
            lost,
            difference: (won as f64 - lost as f64) / pairs.len().max(1) as f64,
            interval: paired_interval(won, lost, pairs.len()),
            p: mcnemar(won, lost),
        }
    }

    /// Of each question the share of its answers that were right in the first and in the other: several answers a question,
    /// of which questions alone are independent. `p` is that of a sign test over questions; `seed` names the resamples.
    #[must_use]
    pub fn of_shares(pairs: &[(f64, f64)], seed: u64) -> Self {
        let gains: Vec<f64> = pairs.iter().map(|(one, other)| one - other).collect();
        let count = |is: fn(f64) -> bool| gains.iter().filter(|&&gain| is(gain)).count();
        let (won, lost) = (count(|gain| gain > 0.0), count(|gain| gain < 0.0));
        Self {
            questions: pairs.len(),
            won,
            lost,
            difference: gains.iter().sum::<f64>() / pairs.len().max(1) as f64,
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

/// The interval of a difference of two rates over the same questions, of which one run alone had `won` right and the other
/// alone `lost`: the differences that a score test does not refuse. It is as wide as it has to be where few questions
/// flipped, or none did, which a bootstrap of the questions is not. -1 to 1 where none were asked.
///
/// Tango, Statistics in Medicine 17 (1998) 891, Eq. (8) and (9).
#[must_use]
pub fn paired_interval(won: usize, lost: usize, questions: usize) -> Interval {
    let (b, c, n) = (won as f64, lost as f64, questions as f64);
    if questions == 0 {
        return Interval {
            low: -1.0,
            high: 1.0,
        };
    }
    // The score of a difference, which falls as the difference grows.
    let score = |difference: f64| {
        let linear = (2.0 * n - b + c) * difference - b - c;
        let product = -c * difference * (1.0 - difference);
        // The likeliest share of `lost` under this difference.
        let root = (linear * linear - 8.0 * n * product).max(0.0).sqrt();
        let share = (root - linear) / (4.0 * n);
        let variance = n * (2.0 * share + difference * (1.0 - difference));
        (b - c - n * difference) / variance.max(f64::MIN_POSITIVE).sqrt()
    };
    let end = |quantile: f64| {
        let (mut low, mut high) = (-1.0, 1.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            match score(middle) > quantile {
                true => low = middle,
                false => high = middle,
            }
        }
        f64::midpoint(low, high)
    };
    Interval {
        low: end(Z),
        high: end(-Z),
    }
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
        let got = Comparison::of(&pairs);
        assert_eq!((got.questions, got.won, got.lost), (1000, 60, 40));
        assert!((got.difference - 0.02).abs() < 1e-12);
        assert!((got.flipped() - 0.1).abs() < 1e-12);
        assert_eq!(got.p, mcnemar(60, 40));
        // The normal approximation: 0.02 ± 1.96 · sqrt((0.1 - 0.02²) / 1000).
        assert!((got.interval.low - 0.000_44).abs() < 0.001, "{got:?}");
        assert!((got.interval.high - 0.039_56).abs() < 0.001, "{got:?}");
    }

    #[test]
    fn several_answers_of_a_question_count_as_one() {
        let pairs = [
            (1.0, 0.75),
            (0.5, 0.5),
            (0.25, 0.5),
            (1.0, 0.5),
            (0.75, 0.25),
        ];
        let got = Comparison::of_shares(&pairs, 1);
        assert_eq!((got.questions, got.won, got.lost), (5, 3, 1));
        assert!((got.difference - 0.2).abs() < 1e-12);
        assert_eq!(got.p, mcnemar(3, 1));
        // As many questions four times over: the interval is half as wide, not as if answers were independent.
        let wide = |it: Comparison| it.interval.high - it.interval.low;
        let more = Comparison::of_shares(&pairs.repeat(4), 1);
        assert!(
            (wide(more) / wide(got) - 0.5).abs() < 0.1,
            "{more:?} {got:?}"
        );
    }

    #[track_caller]
    fn interval(won: usize, lost: usize, questions: usize, low: f64, high: f64) {
        let near = |got: f64, stated: f64| (got - stated).abs() < 0.000_51;
        let got = paired_interval(won, lost, questions);
        assert!(near(got.low, low) && near(got.high, high), "{got:?}");
        let turned = paired_interval(lost, won, questions);
        assert!(
            near(turned.low, -high) && near(turned.high, -low),
            "{turned:?}"
        );
    }

    #[test]
    fn the_intervals_are_those_of_the_literature() {
        // Fagerland, Lydersen and Laake, Statistics in Medicine 33 (2014) 2850: airway hyper-responsiveness.
        interval(1, 7, 21, -0.517, -0.026);
    }

    #[test]
    fn an_interval_has_a_width_however_few_questions_flipped() {
        // By hand: z² / (n + z²) where none did.
        interval(0, 0, 100, -0.037, 0.037);
        interval(0, 0, 1, -0.793_5, 0.793_5);
        let one = paired_interval(0, 1, 100);
        assert!(one.low < -0.01 && one.high > 0.0, "{one:?}");
        let all = paired_interval(4, 0, 4);
        assert!(all.low > 0.0 && (all.high - 1.0).abs() < 1e-9, "{all:?}");
        interval(0, 0, 0, -1.0, 1.0);
    }
}
