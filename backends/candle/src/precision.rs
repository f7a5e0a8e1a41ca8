//! How matrices are kept in memory.

use candle_core::quantized::GgmlDType;

/// What `precision = "…"` may say. Half precisions are left out: candle multiplies them slower than `f32` on a CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Precision {
    /// 32-bit floats.
    F32,
    /// 8-bit integers, a scale per 32.
    Q8_0,
    /// 6-bit k-quants, superblocks of 256.
    Q6K,
    /// 4-bit k-quants, superblocks of 256.
    Q4K,
}

impl Precision {
    /// All, the default first.
    pub(crate) const ALL: [Self; 4] = [Self::F32, Self::Q8_0, Self::Q6K, Self::Q4K];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Q8_0 => "q8_0",
            Self::Q6K => "q6k",
            Self::Q4K => "q4k",
        }
    }

    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.name() == name)
    }

    /// The same as candle's type.
    pub(crate) fn kind(self) -> GgmlDType {
        match self {
            Self::F32 => GgmlDType::F32,
            Self::Q8_0 => GgmlDType::Q8_0,
            Self::Q6K => GgmlDType::Q6K,
            Self::Q4K => GgmlDType::Q4K,
        }
    }

    /// The nearest precision whose blocks fill rows of `columns` numbers.
    pub(crate) fn fitting(self, columns: usize) -> Self {
        let fits = |precision: Self| columns.is_multiple_of(precision.kind().block_size());
        let choices = [self, Self::Q8_0];
        choices
            .into_iter()
            .find(|each| fits(*each))
            .unwrap_or(Self::F32)
    }

    /// Bytes of a row of `columns` numbers, a multiple of the block.
    pub(crate) fn row_bytes(self, columns: usize) -> usize {
        let kind = self.kind();
        columns / kind.block_size() * kind.type_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_no_block_fills_fall_back() {
        assert_eq!(Precision::Q4K.fitting(4096), Precision::Q4K);
        assert_eq!(Precision::Q4K.fitting(320), Precision::Q8_0);
        assert_eq!(Precision::Q6K.fitting(100), Precision::F32);
        assert_eq!(Precision::Q8_0.fitting(320), Precision::Q8_0);
        assert_eq!(Precision::F32.fitting(256), Precision::F32);
    }
}
