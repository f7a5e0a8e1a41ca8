use pulp::NullaryFnOnce;
use unmask_api::RowSummary;

use super::vectors::in_vectors;

/// [`RowSummary::of`] with nothing banned, in the vectors that the processor has; the same bits.
pub(super) fn summarised(row: &[f32], k: usize) -> RowSummary {
    in_vectors(Summarising { row, k })
}

struct Summarising<'a> {
    row: &'a [f32],
    k: usize,
}

impl NullaryFnOnce for Summarising<'_> {
    type Output = RowSummary;
    #[inline(always)]
    fn call(self) -> RowSummary {
        RowSummary::of(self.row, &[], self.k)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Position;
    use crate::sampler::{Noise as _, Seeded};

    #[test]
    fn wider_vectors_change_no_bit() {
        for length in [1, 15, 16, 17, 1000, 126_464] {
            let mut row = Vec::new();
            let take = &mut |run: &[f64]| row.extend(run.iter().map(|it| (it * 60.0) as f32));
            Seeded(length as u64).uniforms(0, Position(0), length, take);
            assert_eq!(summarised(&row, 5), RowSummary::of(&row, &[], 5));
        }
    }
}
