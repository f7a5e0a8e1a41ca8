//! Rows with and without a condition, mixed.

/// Classifier-free guidance: `conditional = unconditional + (scale + 1) * (conditional - unconditional)`, in float32.
///
/// LLaDA, Eq. (16), arXiv:2502.09992; the reference's `generate()`.
pub fn guide(conditional: &mut [f32], unconditional: &[f32], scale: f32) {
    for (score, other) in conditional.iter_mut().zip(unconditional) {
        *score = other + (scale + 1.0) * (*score - other);
    }
}
