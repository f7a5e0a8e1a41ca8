//! When two rows of logits are the same.

use unmask_api::Logits;

use crate::Outcome;

/// How far logits may differ that were computed along different roads: `|a - b| <= absolute + relative * |b|`.
///
/// Sums over other shapes are added in another order; greedy choices of the golden checkpoint are not touched by this.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tolerance {
    absolute: f32,
    relative: f32,
}

impl Tolerance {
    /// Of a precision by its name.
    pub(crate) fn of(precision: &str) -> Self {
        let (absolute, relative) = match precision {
            "f32" => (1e-4, 1e-4),
            "f16" | "bf16" => (2e-2, 2e-2),
            // Quantised weights, and activations that are quantised by the row.
            _ => (1e-1, 5e-2),
        };
        Self { absolute, relative }
    }

    /// `Err` naming the largest excess between two rows.
    pub(crate) fn rows(self, what: &str, got: &[f32], expected: &[f32]) -> Outcome {
        if got.len() != expected.len() {
            return Err(format!(
                "{what}: {} numbers for {}",
                got.len(),
                expected.len()
            ));
        }
        let excess = |(_, got, expected): &(usize, f32, f32)| {
            (got - expected).abs() - self.absolute - self.relative * expected.abs()
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
