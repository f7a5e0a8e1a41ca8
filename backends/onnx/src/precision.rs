//! How matrices are kept.

/// What `precision = "…"` may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Precision {
    /// 32-bit floats.
    F32,
    /// 8-bit integers, a scale per row; activations too, a scale per token.
    Int8,
    /// 4-bit integers, a scale per 128; activations as 8-bit integers inside the product.
    Int4,
    /// 16-bit floats, in products alone.
    F16,
}

impl Precision {
    /// All, the processor's default first: the fastest, and no answer was measured to be worse.
    pub(crate) const ALL: [Self; 4] = [Self::Int8, Self::F32, Self::Int4, Self::F16];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
            Self::Int4 => "int4",
            Self::F16 => "f16",
        }
    }
}
