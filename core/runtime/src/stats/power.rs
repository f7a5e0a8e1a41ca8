/// How many questions show a difference in accuracy, where this share of them, `flipped`, is answered rightly by one run
/// alone: one-sided at 5 %, with a power of 80 %. `None` for no difference, which no number of questions shows.
///
/// `n = (z₀.₉₅ + z₀.₈)² · flipped / difference²`, the normal approximation of McNemar's test near no difference.
#[must_use]
pub fn questions_needed(flipped: f64, difference: f64) -> Option<usize> {
    /// `(1.64485 + 0.84162)²`
    const FACTOR: f64 = 6.1826;
    let needed = (FACTOR * flipped / (difference * difference)).ceil();
    needed.is_finite().then_some(needed as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smaller_differences_need_more_questions() {
        // 6.1826 · 0.085 / 0.02² = 1313.8
        assert_eq!(questions_needed(0.085, 0.02), Some(1314));
        assert_eq!(questions_needed(0.085, 0.04), Some(329));
        assert_eq!(questions_needed(0.1, 0.0), None);
    }
}
