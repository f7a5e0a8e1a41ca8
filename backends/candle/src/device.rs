//! The processor: what it is called, and what candle's kernels make of it.

use std::num::NonZeroU32;

use unmask_sdk::machine::{self, Memory, Processor};
use unmask_sdk::{Device, DeviceKind};

use crate::precision::{Choice, Precision};

/// The one device's id.
pub(crate) const CPU: &str = "cpu";

/// Describes the processor.
pub(crate) fn describe() -> Device {
    let Memory {
        total_bytes,
        free_bytes,
    } = Memory::now();
    let precisions = Choice::here().map(|each| each.name().to_owned());
    Device {
        id: CPU.to_owned(),
        name: name(Processor::here(), threads(None)),
        kind: DeviceKind::Cpu,
        total_bytes,
        free_bytes,
        precisions: precisions.into(),
        ranked: true,
    }
}

/// Threads to compute with: as requested, else as many as candle itself takes, one a core, if this process may use so many.
pub(crate) fn threads(requested: Option<NonZeroU32>) -> usize {
    match requested {
        Some(_) => machine::threads(requested),
        None => machine::threads(None).min(candle_core::utils::get_num_threads()),
    }
}

/// With the best instructions that it has.
fn name(processor: &Processor, threads: usize) -> String {
    let known = [
        ("amx_int8", "AMX"),
        ("avx512_vnni", "AVX-512 VNNI"),
        ("avx_vnni", "AVX-VNNI"),
        ("avx512f", "AVX-512"),
        ("avx2", "AVX2"),
        ("i8mm", "I8MM"),
        ("asimddp", "DotProd"),
    ];
    let name = processor.with_threads(threads);
    match known.iter().find(|(feature, _)| processor.has(feature)) {
        Some((_, best)) => format!("{name} · {best}"),
        None => name,
    }
}

/// Bytes of the copy that candle makes of a quantised matrix, arranged for this processor's integer instructions; 0 if it
/// multiplies the matrix as it is. `columns` as kept, see [`kept_columns`].
///
/// Follows candle-core 0.11's `repack` and `repack_x86`.
pub(crate) fn arranged_bytes(precision: Precision, rows: usize, columns: usize) -> u64 {
    let numbers = (rows * columns) as u64;
    let kernels = Kernels::here();
    if kernels == Kernels::Arm && precision != Precision::F32 {
        return (rows * precision.row_bytes(columns)) as u64;
    }
    if kernels == Kernels::Plain || !rows.is_multiple_of(16) || !columns.is_multiple_of(TILE) {
        return 0;
    }
    // Per 16 rows of 256 numbers: the numbers, and scales (and minima) as f32.
    match precision {
        Precision::F32 => 0,
        Precision::Q8_0 if kernels == Kernels::Avx2 => 0,
        Precision::Q8_0 => numbers * 17 / 16,
        Precision::Q6K => numbers * 5 / 4,
        // Only ARM has kernels for an arrangement of these.
        Precision::Q5K => 0,
        // The matrix unit wants a second, unpacked copy.
        Precision::Q4K if kernels == Kernels::Amx => numbers * 2,
        Precision::Q4K => numbers * 3 / 4,
    }
}

/// How long rows of `columns` numbers are kept: filled up with zeros where that lets candle use its fast 8-bit kernel, which
/// walks in steps of 256 although the type's blocks are of 32.
pub(crate) fn kept_columns(precision: Precision, columns: usize) -> usize {
    match (precision, Kernels::here()) {
        (Precision::Q8_0, Kernels::Vnni | Kernels::Amx) => columns.next_multiple_of(TILE),
        _ => columns,
    }
}

/// True if candle keeps a second arrangement of 4-bit matrices for batches of at least 32 tokens.
pub(crate) fn has_matrix_unit() -> bool {
    Kernels::here() == Kernels::Amx
}

/// Numbers that candle's arranged kernels walk at once.
const TILE: usize = 256;

/// Which of candle's quantised kernels run here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kernels {
    /// Matrices are used as they are.
    Plain,
    /// Arranged in as many bytes.
    Arm,
    /// Arranged, but for 8 bits.
    Avx2,
    /// Arranged.
    Vnni,
    /// As VNNI, and tiles for large batches.
    Amx,
}

impl Kernels {
    fn here() -> Self {
        let x86 = |vnni: bool, avx2: bool| match (vnni, avx2) {
            (true, _) if amx() => Self::Amx,
            (true, _) => Self::Vnni,
            (false, true) => Self::Avx2,
            (false, false) => Self::Plain,
        };
        if cfg!(target_arch = "aarch64") {
            return Self::Arm;
        }
        #[cfg(target_arch = "x86_64")]
        return x86(
            (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni"))
                || is_x86_feature_detected!("avxvnni"),
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
        );
        #[cfg(not(target_arch = "x86_64"))]
        x86(false, false)
    }
}

/// Candle uses the matrix unit on Linux only; the standard library cannot detect it yet.
fn amx() -> bool {
    Processor::here().has("amx_int8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_ends_with_the_best_instructions() {
        let mut processor = Processor {
            model: "AMD EPYC".to_owned(),
            features: ["fpu", "avx2", "avx512f", "avx512_vnni"]
                .map(str::to_owned)
                .into(),
        };
        let best = "AMD EPYC · 2 threads · AVX-512 VNNI";
        assert_eq!(name(&processor, 2), best);
        processor.features.clear();
        assert_eq!(name(&processor, 1), "AMD EPYC · 1 thread");
    }
}
