//! How matrices are kept in memory.

use candle_core::quantized::GgmlDType;
use unmask_kernels::InstructionSet;
use unmask_sdk::weights::GgmlType;

use crate::packed::Packing;

/// What `precision = "…"` may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// On our own kernels.
    Packed(Packing),
    /// On candle.
    Candle(Precision),
    /// On candle, in the blocks that the file has.
    Stored,
}

impl Choice {
    /// All, the recommended first: blocks that are there already, then what is fastest and loses least. Our kernels are fast
    /// with some instructions of x86 only, and on AVX2 alone 1.6 times as fast with nibbles as with bytes.
    pub(crate) fn all(set: InstructionSet) -> [Self; 7] {
        let [int8, int4] = [Packing::Int8, Packing::Int4].map(Self::Packed);
        let [q8_0, q6k, q4k] = [Precision::Q8_0, Precision::Q6K, Precision::Q4K].map(Self::Candle);
        let f32 = Self::Candle(Precision::F32);
        match set {
            InstructionSet::Portable => [Self::Stored, q8_0, q6k, q4k, f32, int8, int4],
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => [Self::Stored, int4, int8, f32, q8_0, q6k, q4k],
            _ => [Self::Stored, int8, int4, f32, q8_0, q6k, q4k],
        }
    }

    /// As [`all`](Self::all), on this processor.
    pub(crate) fn here() -> [Self; 7] {
        // Of a name that the environment has wrong a load of the first of them tells.
        Self::all(InstructionSet::chosen().unwrap_or_else(|_| InstructionSet::best()))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Packed(packing) => packing.name(),
            Self::Candle(precision) => precision.name(),
            Self::Stored => "stored",
        }
    }

    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::here().into_iter().find(|each| each.name() == name)
    }
}

/// How candle keeps matrices. Half precisions are left out: candle multiplies them slower than `f32` on a CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Precision {
    /// 32-bit floats.
    F32,
    /// 8-bit integers, a scale per 32.
    Q8_0,
    /// 6-bit k-quants, superblocks of 256.
    Q6K,
    /// 5-bit k-quants, superblocks of 256: where a file has them.
    Q5K,
    /// 4-bit k-quants, superblocks of 256.
    Q4K,
}

impl Precision {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Q8_0 => "q8_0",
            Self::Q6K => "q6k",
            Self::Q5K => "q5k",
            Self::Q4K => "q4k",
        }
    }

    /// The same as candle's type.
    pub(crate) fn kind(self) -> GgmlDType {
        match self {
            Self::F32 => GgmlDType::F32,
            Self::Q8_0 => GgmlDType::Q8_0,
            Self::Q6K => GgmlDType::Q6K,
            Self::Q5K => GgmlDType::Q5K,
            Self::Q4K => GgmlDType::Q4K,
        }
    }

    /// Of blocks that a file has; `f32` for what is none.
    pub(crate) fn of(kind: Option<GgmlType>) -> Self {
        match kind {
            Some(GgmlType::Q8_0) => Self::Q8_0,
            Some(GgmlType::Q6K) => Self::Q6K,
            Some(GgmlType::Q5K) => Self::Q5K,
            Some(GgmlType::Q4K) => Self::Q4K,
            Some(GgmlType::F32 | GgmlType::F16 | GgmlType::BF16 | GgmlType::Other(_)) | None => {
                Self::F32
            }
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
    fn what_is_fastest_and_loses_least_comes_first() {
        let names = |set| Choice::all(set).map(Choice::name);
        assert_eq!(
            names(InstructionSet::Portable),
            ["stored", "q8_0", "q6k", "q4k", "f32", "int8", "int4"]
        );
        #[cfg(target_arch = "x86_64")]
        assert_eq!(
            names(InstructionSet::Avx2),
            ["stored", "int4", "int8", "f32", "q8_0", "q6k", "q4k"]
        );
        #[cfg(target_arch = "x86_64")]
        assert_eq!(
            names(InstructionSet::AvxVnni),
            ["stored", "int8", "int4", "f32", "q8_0", "q6k", "q4k"]
        );
        assert!(Choice::by_name("int3").is_none());
    }

    #[test]
    fn rows_that_no_block_fills_fall_back() {
        assert_eq!(Precision::Q4K.fitting(4096), Precision::Q4K);
        assert_eq!(Precision::Q4K.fitting(320), Precision::Q8_0);
        assert_eq!(Precision::Q6K.fitting(100), Precision::F32);
        assert_eq!(Precision::Q8_0.fitting(320), Precision::Q8_0);
        assert_eq!(Precision::F32.fitting(256), Precision::F32);
    }
}
