/// What this share of the values, 0 to 1, does not exceed, between two of them in proportion: numpy's default. Not a number for
/// no values.
///
/// Hyndman and Fan, The American Statistician 50 (1996) 361, definition 7.
#[must_use]
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let at = share.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_between_its_neighbours() {
        // numpy.quantile([4, 1, 3, 2], [0, 0.5, 0.9, 1])
        let of = |share| quantile(&[4.0, 1.0, 3.0, 2.0], share);
        assert_eq!([of(0.0), of(0.5), of(1.0)], [1.0, 2.5, 4.0]);
        assert!((of(0.9) - 3.7).abs() < 1e-12);
        assert_eq!(quantile(&[7.0], 0.9), 7.0);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
