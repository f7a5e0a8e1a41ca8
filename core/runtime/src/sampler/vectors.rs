//! Loops in the widest vectors that the processor has, chosen at run time.

use pulp::NullaryFnOnce;

/// Calls `f` compiled for them; what it calls must be inlined into it. Nothing is fused, so the bits are the same with all.
#[inline]
pub(super) fn in_vectors<F: NullaryFnOnce>(f: F) -> F::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(vectors) = pulp::x86::V3::try_new() {
        return vectors.vectorize(f);
    }
    f.call()
}
