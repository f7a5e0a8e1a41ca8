/// The p of several comparisons that were made together, in their order, so that at 0.05 the chance of any false finding
/// stays below 0.05.
///
/// Holm, Scandinavian Journal of Statistics 6 (1979) 65.
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut least = 0.0_f64;
    for (rank, &at) in order.iter().enumerate() {
        least = least.max(p[at] * (p.len() - rank) as f64);
        adjusted[at] = least.min(1.0);
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_are_those_of_the_definition() {
        // By hand: 4 · 0.005, 3 · 0.01, 2 · 0.03, and 0.04 not below the one before.
        let got = holm(&[0.01, 0.04, 0.03, 0.005]);
        let stated = [0.03, 0.06, 0.06, 0.02];
        for (got, stated) in got.iter().zip(stated) {
            assert!((got - stated).abs() < 1e-12, "{got}, not {stated}");
        }
        assert_eq!(holm(&[0.6, 0.7]), [1.0, 1.0]);
        assert_eq!(holm(&[0.02]), [0.02]);
        assert_eq!(holm(&[]), Vec::<f64>::new());
    }
}
