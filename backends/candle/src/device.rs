//! The processor: what it is called, what memory it has, what candle's kernels make of it.

use std::fs;
use std::num::NonZeroU32;
use std::thread;

use unmask_sdk::{Device, DeviceKind};

use crate::precision::Precision;

/// The one device's id.
pub(crate) const CPU: &str = "cpu";

/// Describes the processor as Linux tells it; elsewhere in plain words, with memory unknown.
pub(crate) fn describe() -> Device {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let (total_bytes, free_bytes) = memory();
    let precisions = Precision::ALL.map(|each| each.name().to_owned());
    Device {
        id: CPU.to_owned(),
        name: name(&cpuinfo, threads(None)),
        kind: DeviceKind::Cpu,
        total_bytes,
        free_bytes,
        precisions: precisions.into(),
    }
}

/// Threads to compute with: the wish, else as many as candle itself takes, one a core, if this process may use so many.
pub(crate) fn threads(wish: Option<NonZeroU32>) -> usize {
    match wish {
        Some(wish) => wish.get() as usize,
        None => {
            let allowed = thread::available_parallelism().map_or(1, usize::from);
            allowed.min(candle_core::utils::get_num_threads())
        }
    }
}

/// Memory in all and memory that can be had without swapping, in bytes; zeros if unknown.
pub(crate) fn memory() -> (u64, u64) {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let bytes = |key: &str| {
        let kib = field(&meminfo, key)?.strip_suffix("kB")?.trim();
        Some(kib.parse::<u64>().ok()? * 1024)
    };
    let total = bytes("MemTotal").unwrap_or(0);
    (total, bytes("MemAvailable").unwrap_or(0))
}

fn name(cpuinfo: &str, threads: usize) -> String {
    let model = field(cpuinfo, "model name").unwrap_or("CPU");
    let flags = field(cpuinfo, "flags").or_else(|| field(cpuinfo, "Features"));
    let flags: Vec<&str> = flags.unwrap_or_default().split_whitespace().collect();
    let known = [
        ("avx512_vnni", "AVX-512 VNNI"),
        ("avx_vnni", "AVX-VNNI"),
        ("avx512f", "AVX-512"),
        ("avx2", "AVX2"),
        ("i8mm", "I8MM"),
        ("asimddp", "DotProd"),
    ];
    let mut name = format!("{} · {threads} thread", shortened(model));
    if threads != 1 {
        name.push('s');
    }
    if let Some((_, best)) = known.iter().find(|(flag, _)| flags.contains(flag)) {
        name.push_str(" · ");
        name.push_str(best);
    }
    name
}

/// The contract gives a name 127 bytes; marketing may take 80 of them.
fn shortened(model: &str) -> &str {
    &model[..model.floor_char_boundary(80)]
}

/// The first `key : value` line's value.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == key).then(|| value.trim())
    })
}

/// Bytes of the copy that candle makes of a quantised matrix, arranged for this processor's integer instructions; 0 if it
/// multiplies the matrix as it is. `columns` as kept, see [`kept_columns`].
///
/// Follows candle-core 0.11's `repack` and `repack_x86`.
pub(crate) fn arranged_bytes(precision: Precision, rows: usize, columns: usize) -> u64 {
    let numbers = (rows * columns) as u64;
    let kernels = Kernels::here();
    if kernels == Kernels::Arm {
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
    fs::read_to_string("/proc/cpuinfo").is_ok_and(|cpuinfo| cpuinfo.contains("amx_int8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_model_threads_and_the_best_instructions() {
        let cpuinfo =
            "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu avx2 avx512f avx512_vnni\n";
        assert_eq!(name(cpuinfo, 2), "AMD EPYC · 2 threads · AVX-512 VNNI");
        assert_eq!(name("", 1), "CPU · 1 thread");
        assert_eq!(
            name("Features : fp asimddp\n", 8),
            "CPU · 8 threads · DotProd"
        );
    }

    #[test]
    fn the_row_fits_the_contract() {
        let device = describe();
        assert!(device.name.len() < 128, "{}", device.name);
        assert!(device.free_bytes <= device.total_bytes);
        assert_eq!(device.precisions, ["f32", "q8_0", "q6k", "q4k"]);
    }
}
