use super::{Interval, Z};

/// The interval of a rate of which `hits` of `trials` were seen, without continuity correction; 0 to 1 where none were made.
///
/// Wilson, J. Am. Stat. Assoc. 22 (1927) 209.
#[must_use]
pub fn wilson(hits: usize, trials: usize) -> Interval {
    if trials == 0 {
        return Interval {
            low: 0.0,
            high: 1.0,
        };
    }
    let (n, rate) = (trials as f64, hits as f64 / trials as f64);
    let centre = rate + Z * Z / (2.0 * n);
    let half = Z * (rate * (1.0 - rate) / n + Z * Z / (4.0 * n * n)).sqrt();
    let width = 1.0 + Z * Z / n;
    Interval {
        low: ((centre - half) / width).max(0.0),
        high: ((centre + half) / width).min(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(hits: usize, trials: usize, low: f64, high: f64) {
        let got = wilson(hits, trials);
        let is_near = |got: f64, stated: f64| (got - stated).abs() < 0.000_051;
        assert!(is_near(got.low, low) && is_near(got.high, high), "{got:?}");
    }

    #[test]
    fn the_intervals_are_those_of_the_literature() {
        // Newcombe, Statistics in Medicine 17 (1998) 857, Table I, method 3.
        check(81, 263, 0.2553, 0.3662);
        check(15, 148, 0.0624, 0.1605);
        check(0, 20, 0.0, 0.1611);
        check(1, 29, 0.0061, 0.1718);
    }

    #[test]
    fn the_ends_are_reached_and_not_passed() {
        // By hand: z² / (n + z²), and 1 less that.
        check(0, 29, 0.0, 0.1170);
        check(29, 29, 0.8830, 1.0);
        check(0, 0, 0.0, 1.0);
    }
}
