//! When two rows of logits are the same.

use unmask_api::Logits;

use crate::Outcome;

/// How far logits may differ that were computed along different roads.
///
/// Sums over other shapes are added in another order; greedy choices of the golden checkpoint are not touched by this.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tolerance {
    /// Each number: `|a - b| <= absolute + relative * |b|`.
    Numbers {
        /// In logits.
        absolute: f32,
        /// Of the number.
        relative: f32,
    },
    /// The row as a whole: `‖a - b‖ <= relative * ‖b‖`, for numbers of 16 bits and less: see [`BELOW_F32`].
    Row {
        /// Of the row's norm.
        relative: f32,
    },
}

/// How far apart two honest computations of a row may be in any precision below f32, as a part of the row's norm.
///
/// Where activations are quantised, a sum in another order may turn one of them to the next step, and single numbers jump: only
/// the row says anything. In f16, of 11 bits, a rounding is off by `u = 2⁻¹¹` of its number at most, by `u/√3` as a rule. A layer
/// rounds some ten times on its way, and a sum that is kept in 16 bits at each of its K terms is off by `u √(K/6)`. Such errors
/// are independent and add as squares, along both roads and over L layers: `u √(2 L (10 + K/2) / 3)` of the row's norm. That is
/// 0.010 for the demo model (L 4, K 320) and 0.004 for the tiny ones (2, 64); in numpy, rounding as said, rows of both were 0.003
/// to 0.015 apart in the mean and the farthest of some hundred 0.048. A single number of them was up to 0.1 of the row's root
/// mean square off, however small it was itself, so that limits of single numbers would hold of no model whose logits are large.
/// Roads that add in 32 bits stay ten times nearer, those of bf16 (`u = 2⁻⁸`, always added in 32 bits) as near as f16's. So the
/// order of magnitude is derived, the limit itself is the farthest that was seen; a fault that moves a row by less is not seen.
const BELOW_F32: f32 = 5e-2;

impl Tolerance {
    /// Of a precision by its name, the same for every backend.
    pub(crate) fn of(precision: &str) -> Self {
        match precision {
            "f32" => Self::Numbers {
                absolute: 1e-4,
                relative: 1e-4,
            },
            _ => Self::Row {
                relative: BELOW_F32,
            },
        }
    }

    /// `Err` naming what is too far apart in two rows.
    pub(crate) fn rows(self, what: &str, got: &[f32], expected: &[f32]) -> Outcome {
        if got.len() != expected.len() {
            return Err(format!(
                "{what}: {} numbers for {}",
                got.len(),
                expected.len()
            ));
        }
        match self {
            Self::Numbers { absolute, relative } => {
                let excess = |(_, got, expected): &(usize, f32, f32)| {
                    (got - expected).abs() - absolute - relative * expected.abs()
                };
                let pairs = got.iter().zip(expected).enumerate();
                let worst = pairs
                    .map(|(at, (&got, &expected))| (at, got, expected))
                    .max_by(|a, b| excess(a).total_cmp(&excess(b)));
                match worst.filter(|it| excess(it) > 0.0) {
                    None => Ok(()),
                    Some((at, got, expected)) => Err(format!(
                        "{what}: {got} at {at} is not {expected} within {self:?}"
                    )),
                }
            }
            Self::Row { relative } => {
                let norm = |numbers: &mut dyn Iterator<Item = f32>| -> f32 {
                    numbers.map(|it| it * it).sum::<f32>().sqrt()
                };
                let apart = norm(&mut got.iter().zip(expected).map(|(a, b)| a - b));
                let whole = norm(&mut expected.iter().copied());
                // NaN is no distance.
                match apart <= relative * whole {
                    true => Ok(()),
                    false => Err(format!(
                        "{what}: the row is {apart} away from one of norm {whole}, not within {self:?}"
                    )),
                }
            }
        }
    }

    /// As [`rows`](Self::rows), for row `at` of `got` and row `of` of `expected`, pair by pair.
    pub(crate) fn all(
        self,
        what: &str,
        (got, expected): (&Logits, &Logits),
        pairs: impl IntoIterator<Item = (usize, usize)>,
    ) -> Outcome {
        for (at, of) in pairs {
            self.rows(&format!("{what}, row {at}"), got.row(at), expected.row(of))?;
        }
        Ok(())
    }
}

/// True if some number differs by more than the order of sums explains, in any precision.
pub(crate) fn differ(got: &[f32], other: &[f32]) -> bool {
    let mut pairs = got.iter().zip(other);
    pairs.any(|(a, b)| (a - b).abs() > 1e-4 * (1.0 + b.abs()))
}

/// `Err` unless the two are the same, bit by bit.
pub(crate) fn same_bits(what: &str, got: &Logits, expected: &Logits) -> Outcome {
    let bits = |logits: &Logits| -> Vec<u32> {
        logits
            .scores()
            .iter()
            .map(|score| score.to_bits())
            .collect()
    };
    if bits(got) == bits(expected) {
        return Ok(());
    }
    Err(format!("{what}: the bits differ"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of logits as the demo model has them, with a deviation of so much of its norm spread over it.
    fn check(precision: &str, deviation: f32, is_same: bool) {
        let row: Vec<f32> = (0..3072).map(|at| (at as f32 * 0.7).sin() * 4.0).collect();
        let norm = row.iter().map(|it| it * it).sum::<f32>().sqrt();
        let step = deviation * norm / (row.len() as f32).sqrt();
        let moved: Vec<f32> = (row.iter().zip(0..))
            .map(|(it, at)| it + step * [1.0, -1.0][at % 2])
            .collect();
        let outcome = Tolerance::of(precision).rows("a row", &moved, &row);
        assert_eq!(
            outcome.is_ok(),
            is_same,
            "{precision} {deviation}: {outcome:?}"
        );
    }

    #[test]
    fn rows_in_16_bits_may_differ_as_far_as_their_roundings_explain() {
        for precision in ["f16", "bf16", "int8"] {
            check(precision, 0.0, true);
            check(precision, 0.04, true);
            check(precision, 0.06, false);
            check(precision, f32::NAN, false);
        }
        check("f32", 1e-6, true);
        check("f32", 0.01, false);
    }
}
