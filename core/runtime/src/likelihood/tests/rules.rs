//! Which counts the two rules draw, and what that does to the estimate.

use super::*;
use crate::likelihood::draws::{every_draw, uniform_counts};

const LENGTH: usize = 8;
const STRATUM: usize = 16;

fn asked() -> Pair {
    pair(&[3], &[1, 2, 3, 4, 5, 6, 7, 1])
}

fn drawn(rule: CountRule) -> LikelihoodEstimate {
    let model = Counting::new(Capabilities::BATCH);
    let masking = Masking {
        rule,
        ..Masking::default()
    };
    let samples = draws(250 * STRATUM, STRATUM);
    Likelihood::new(&model, MASK, 0.0)
        .estimate(&asked(), samples, masking, &CancelFlag::new(), &mut |_| ())
        .expect("it computes")
}

/// The mean loss of all sets of each number of masks.
fn losses() -> Vec<f64> {
    let (model, pair) = (Counting::new(Capabilities::BATCH), asked());
    let mut likelihood = Likelihood::new(&model, MASK, 0.0);
    let mut mean = |count: usize| {
        let ratio = count as f64 / LENGTH as f64;
        let of: Vec<Perturbed> = every_draw(&pair, MASK)
            .filter(|it| (it.mask_ratio - ratio).abs() < 1e-9)
            .collect();
        (likelihood.loss(&pair, &of, &CancelFlag::new())).expect("it computes")
    };
    (1..=LENGTH).map(&mut mean).collect()
}

/// The shares of the counts over every first count of a stratum.
fn shares(counts: impl Fn(usize) -> Vec<usize>, firsts: usize) -> Vec<f64> {
    let mut seen = [0; LENGTH];
    for count in (0..firsts).flat_map(counts) {
        seen[count - 1] += 1;
    }
    let total = (firsts * STRATUM) as f64;
    seen.iter().map(|&seen| f64::from(seen) / total).collect()
}

#[test]
fn the_reference_s_rounding_prefers_even_counts_and_uniform_none() {
    let reference = shares(|first| mask_counts(STRATUM, LENGTH, first + 1), LENGTH);
    let (odd, even) = (reference[0], reference[1]);
    assert!((even / odd - 3.0).abs() < 1e-9, "{reference:?}");
    let offset = |at: usize| (at as f64 + 0.25) / 1000.0;
    for share in shares(|at| uniform_counts(STRATUM, LENGTH, offset(at)), 1000) {
        assert!((share - 1.0 / LENGTH as f64).abs() < 1e-9, "{share}");
    }
}

#[test]
fn each_rule_estimates_what_its_own_counts_weigh() {
    let losses = losses();
    let weighed = |shares: &[f64]| -> f64 {
        let both = shares.iter().zip(&losses);
        -both.map(|(share, loss)| share * loss).sum::<f64>()
    };
    let exact = one(&asked(), Samples::Exact).mean;
    assert!((weighed(&[1.0 / LENGTH as f64; LENGTH]) - exact).abs() < 1e-9);
    let reference = shares(|first| mask_counts(STRATUM, LENGTH, first + 1), LENGTH);
    for (rule, expected) in [
        (CountRule::Uniform, exact),
        (CountRule::Reference, weighed(&reference)),
    ] {
        let got = drawn(rule);
        let error = got.standard_error.expect("there are many strata");
        assert!(
            (got.mean - expected).abs() < 4.0 * error,
            "{rule:?}: {} ± {error}, expected {expected}",
            got.mean
        );
    }
}

#[test]
fn auto_takes_every_mask_where_that_is_no_more_work() {
    let auto = |length| {
        let samples = Samples::Auto {
            draws: 128,
            stratum: 16,
        };
        samples.draws(length).expect("it divides")
    };
    let needed: Vec<usize> = [0, 1, 2, 7, 8, 100].map(auto).into();
    assert_eq!(needed, [0, 1, 3, 127, 128, 128]);
    let exact = one(&pair(&[3], &[1, 2]), Samples::Exact);
    let auto = Samples::Auto {
        draws: 128,
        stratum: 16,
    };
    assert_eq!(one(&pair(&[3], &[1, 2]), auto), exact);
}

#[test]
fn choices_of_one_length_share_their_masks_unless_they_are_unpaired() {
    let masks = |continuation: &[u32], pairing| {
        let masking = Masking {
            pairing,
            ..Masking::default()
        };
        let pair = pair(&[1, 2], continuation);
        let drawn = Draws::new(&pair, MASK, masking).stratum(8);
        let masked = |draw: &Perturbed| -> Vec<bool> {
            draw.tokens.iter().map(|&token| token == MASK).collect()
        };
        drawn.iter().map(masked).collect::<Vec<_>>()
    };
    let of = |pairing| [masks(&[3, 4, 5, 6], pairing), masks(&[6, 5, 4, 3], pairing)];
    let [one, other] = of(Pairing::SameLength);
    assert_eq!(one, other);
    let [one, other] = of(Pairing::Independent);
    assert_ne!(one, other);
}

#[test]
fn the_error_of_a_difference_is_that_of_the_differences_where_masks_are_shared() {
    let estimate = |strata: &[f64]| LikelihoodEstimate {
        mean: 0.0,
        standard_error: Some(0.3),
        strata: strata.to_vec(),
        nfe: 0,
    };
    let (one, other) = (estimate(&[1.0, 2.0, 3.0]), estimate(&[1.5, 2.5, 3.5]));
    assert_eq!(one.error_of_paired_difference(&other), Some(0.0));
    let apart = one.error_of_difference(&other).expect("both are known");
    assert!((apart - 0.3 * 2.0_f64.sqrt()).abs() < 1e-12, "{apart}");
    assert_eq!(one.error_of_paired_difference(&estimate(&[])), Some(apart));
}

#[test]
fn fewer_rows_are_computed_together_if_that_is_asked() {
    let model = Counting::new(Capabilities::BATCH);
    let rows = std::num::NonZeroUsize::new(3);
    let mut likelihood = Likelihood::new(&model, MASK, 0.0).with_rows(rows);
    estimate(&mut likelihood, &pair(&[3], &[1, 2, 3]), draws(8, 4));
    assert_eq!(model.asked().rows, [3, 3, 2]);
}
