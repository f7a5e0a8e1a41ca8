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
    /// The row as a whole: `‖a - b‖ <= relative * ‖b‖`. Where activations are quantised, a sum in another order may turn one
    /// of them to the next step, and single numbers jump.
    Row {
        /// Of the row's norm.
        relative: f32,
    },
}

impl Tolerance {
    /// Of a precision by its name.
    pub(crate) fn of(precision: &str) -> Self {
        let each = |part| Self::Numbers {
            absolute: part,
            relative: part,
        };
        match precision {
            "f32" => each(1e-4),
            "f16" | "bf16" => each(2e-2),
            // Quantised weights, and activations that are quantised by the row.
            _ => Self::Row { relative: 5e-2 },
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
