//! How matrices are kept and what is computed in.

use std::num::NonZeroU8;

use mlx_rs::Dtype;

/// What `precision = "…"` may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    /// 16-bit floats with the range of `f32`, as LLaDA's checkpoints are stored.
    Bf16,
    /// 16-bit floats with a smaller range: activations of large models may leave it.
    F16,
    /// 32-bit floats.
    F32,
    /// 8-bit integers, a scale and a bias per [`GROUP`].
    Q8,
    /// 4-bit integers, a scale and a bias per [`GROUP`].
    Q4,
}

/// Numbers that share a scale in matrices that this backend quantises.
pub(crate) const GROUP: usize = 64;

impl Precision {
    pub(crate) const ALL: [Self; 5] = [Self::Bf16, Self::F16, Self::F32, Self::Q8, Self::Q4];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::Q8 => "q8",
            Self::Q4 => "q4",
        }
    }

    /// What activations and unquantised weights are; `usual` is that of the device.
    pub(crate) fn dtype(self, usual: Dtype) -> Dtype {
        match self {
            Self::Bf16 => Dtype::Bfloat16,
            Self::F16 => Dtype::Float16,
            Self::F32 => Dtype::Float32,
            Self::Q8 | Self::Q4 => usual,
        }
    }

    /// Bits of a quantised number; `None` if matrices stay floats.
    pub(crate) fn bits(self) -> Option<NonZeroU8> {
        match self {
            Self::Bf16 | Self::F16 | Self::F32 => None,
            Self::Q8 => NonZeroU8::new(8),
            Self::Q4 => NonZeroU8::new(4),
        }
    }
}
