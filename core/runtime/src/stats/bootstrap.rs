use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::Interval;

/// Times that the questions are drawn anew.
const RESAMPLES: usize = 10_000;

/// The interval of the mean of `values`, one a question, by their bootstrap: between the percentiles of the means of as many
/// questions drawn with replacement. Several seeds or choices of a question are its mean first: questions alone are
/// independent. Empty for no values.
///
/// Efron, Annals of Statistics 7 (1979) 1; the percentile interval.
#[must_use]
pub fn mean_interval(values: &[f64], seed: u64) -> Interval {
    if values.is_empty() {
        return Interval {
            low: f64::NAN,
            high: f64::NAN,
        };
    }
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let count = values.len();
    let mut draw = || {
        let at = (u128::from(random.next_u64()) * count as u128) >> 64;
        values[at as usize]
    };
    let mut mean = || (0..count).map(|_| draw()).sum::<f64>() / count as f64;
    let mut means: Vec<f64> = (0..RESAMPLES).map(|_| mean()).collect();
    means.sort_unstable_by(f64::total_cmp);
    let left_out = RESAMPLES / 40;
    Interval {
        low: means[left_out],
        high: means[RESAMPLES - 1 - left_out],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_near_that_of_the_normal_distribution() {
        // 0 to 999: mean 499.5, standard deviation 288.67, error of the mean 9.129.
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        let got = mean_interval(&values, 7);
        assert!((got.low - (499.5 - 17.89)).abs() < 0.8, "{got:?}");
        assert!((got.high - (499.5 + 17.89)).abs() < 0.8, "{got:?}");
        assert_eq!(got, mean_interval(&values, 7), "the seed names the draws");
        assert_ne!(got, mean_interval(&values, 8));
    }

    #[test]
    fn a_mean_of_two_is_between_the_outermost_resamples() {
        // Both alike in half of the draws: each end is a quarter of all, more than is left out.
        assert_eq!(
            mean_interval(&[0.0, 1.0], 1),
            Interval {
                low: 0.0,
                high: 1.0
            }
        );
        assert_eq!(
            mean_interval(&[3.0; 9], 1),
            Interval {
                low: 3.0,
                high: 3.0
            }
        );
        assert!(mean_interval(&[], 1).low.is_nan());
    }
}
