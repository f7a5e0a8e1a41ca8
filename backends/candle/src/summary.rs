//! Short forms of rows, in the vectors that the processor has.

use pulp::NullaryFnOnce;
use unmask_sdk::output::KeptLogits;
use unmask_sdk::{RowSummary, TopRequest};

/// [`KeptLogits::summary`]; the same bits.
pub(crate) fn summary(
    kept: KeptLogits<'_>,
    row: u32,
    request: &TopRequest<'_>,
    k: usize,
) -> RowSummary {
    let short = Short {
        kept,
        row,
        request,
        k,
    };
    #[cfg(target_arch = "x86_64")]
    if let Some(vectors) = pulp::x86::V3::try_new() {
        return pulp::Simd::vectorize(vectors, short);
    }
    short.call()
}

struct Short<'a> {
    kept: KeptLogits<'a>,
    row: u32,
    request: &'a TopRequest<'a>,
    k: usize,
}

impl NullaryFnOnce for Short<'_> {
    type Output = RowSummary;
    #[inline(always)]
    fn call(self) -> RowSummary {
        self.kept.summary(self.row, self.request, self.k)
    }
}
