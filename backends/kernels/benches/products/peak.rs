//! The limit of a processor: loops of nothing but products.

use unmask_kernels::{Aligned, Format, InstructionSet, Pool};

use crate::measure::sample;

/// Of fused multiplications and additions of f32 in a set's vectors, GFLOP a CPU second.
pub(crate) fn floats(set: InstructionSet) -> Option<f64> {
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 | InstructionSet::AvxVnni => Some(x86::fma256()),
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 | InstructionSet::Amx => Some(x86::fma512()),
        _ => None,
    }
}

/// Bytes per CPU second that the threads of `pool` read together from memory.
pub(crate) fn memory(pool: &Pool) -> f64 {
    const BYTES: usize = 512 << 20;
    const PART: usize = 1 << 20;
    let bytes: Aligned<u8> = Aligned::new(BYTES);
    let sample = sample(|_| {
        pool.run(BYTES / PART, |part| {
            let mut sums = [0_u64; 32];
            let part = &bytes[part * PART..][..PART];
            for group in part.as_chunks::<256>().0 {
                fetch_ahead(group);
                for (sum, eight) in sums.iter_mut().zip(group.as_chunks::<8>().0) {
                    *sum |= u64::from_le_bytes(*eight);
                }
            }
            assert_eq!(sums, [0; 32]);
        });
    });
    BYTES as f64 / sample.cpu
}

/// Has fetched what lies a page further on, as kernels do: a processor's own prefetching stops at the end of a page.
fn fetch_ahead(group: &[u8; 256]) {
    #[cfg(target_arch = "x86_64")]
    for line in 0..4 {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: SSE is part of x86-64, and what is fetched need not be there.
        unsafe {
            _mm_prefetch::<_MM_HINT_T1>(group.as_ptr().wrapping_add(4096 + 64 * line).cast())
        };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = group;
}

/// Of the instructions that multiply weights of a format, GFLOP a CPU second.
pub(crate) fn of(
    set: InstructionSet,
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(unused_variables, reason = "no other loop is there")
    )]
    format: Format,
) -> Option<f64> {
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => Some(match format {
            Format::Int8 => x86::madd(),
            Format::Int4 => x86::maddubs(),
        }),
        #[cfg(target_arch = "x86_64")]
        InstructionSet::AvxVnni => Some(x86::vnni256()),
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => Some(x86::vnni512()),
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Amx => Some(x86::amx()),
        _ => None,
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::asm;

    use crate::measure::{cpu_seconds, median};

    const LOOPS: u64 = 100_000;

    /// Median of some runs of a loop of `operations`.
    fn rate(operations: f64, run: impl Fn()) -> f64 {
        run();
        let once = |_| {
            let before = cpu_seconds();
            run();
            operations / (cpu_seconds() - before) / 1e9
        };
        median((0..9).map(once).collect())
    }

    /// Twelve independent instructions, `LOOPS` times.
    macro_rules! twelve {
        ($operations:expr, $first:literal, $second:literal) => {
            rate(LOOPS as f64 * 12.0 * $operations, || {
                // SAFETY: the set is available, as its caller has seen; only registers named here are written.
                unsafe {
                    asm!(
                        "2:",
                        concat!($first, "0", $second, "0"), concat!($first, "1", $second, "1"), concat!($first, "2", $second, "2"),
                        concat!($first, "3", $second, "3"), concat!($first, "4", $second, "4"), concat!($first, "5", $second, "5"),
                        concat!($first, "6", $second, "6"), concat!($first, "7", $second, "7"), concat!($first, "8", $second, "8"),
                        concat!($first, "9", $second, "9"), concat!($first, "10", $second, "10"), concat!($first, "11", $second, "11"),
                        "dec {n}",
                        "jnz 2b",
                        n = inout(reg) LOOPS => _,
                        out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _, out("xmm5") _,
                        out("xmm6") _, out("xmm7") _, out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
                        out("xmm12") _,
                        options(nostack, nomem),
                    );
                }
            })
        };
    }

    pub(super) fn vnni512() -> f64 {
        twelve!(128.0, "vpdpbusd zmm", ", zmm14, zmm15 # ")
    }

    pub(super) fn vnni256() -> f64 {
        twelve!(64.0, "{{vex}} vpdpbusd ymm", ", ymm14, ymm15 # ")
    }

    pub(super) fn fma512() -> f64 {
        twelve!(32.0, "vfmadd231ps zmm", ", zmm14, zmm15 # ")
    }

    pub(super) fn fma256() -> f64 {
        twelve!(16.0, "vfmadd231ps ymm", ", ymm14, ymm15 # ")
    }

    /// A multiplication and the addition that has to go with it.
    pub(super) fn madd() -> f64 {
        twelve!(
            32.0,
            "vpmaddwd ymm12, ymm14, ymm15\nvpaddd ymm",
            ", ymm15, ymm12 # "
        )
    }

    /// The same with nibbles, of which more are added up in 16 bits; that every eighth sum is widened is not counted.
    pub(super) fn maddubs() -> f64 {
        twelve!(
            64.0,
            "vpmaddubsw ymm12, ymm14, ymm15\nvpaddw ymm",
            ", ymm15, ymm12 # "
        )
    }

    pub(super) fn amx() -> f64 {
        let mut configuration = [0u8; 64];
        configuration[0] = 1;
        for tile in 0..8 {
            configuration[16 + 2 * tile] = 64;
            configuration[48 + tile] = 16;
        }
        rate(LOOPS as f64 * 4.0 * 32768.0, || {
            // SAFETY: the set is available, as its caller has seen; tiles are configured before and given back after.
            unsafe {
                asm!(
                    "ldtilecfg [{c}]",
                    "2:",
                    "tdpbsud tmm0, tmm4, tmm6",
                    "tdpbsud tmm1, tmm4, tmm7",
                    "tdpbsud tmm2, tmm5, tmm6",
                    "tdpbsud tmm3, tmm5, tmm7",
                    "dec {n}",
                    "jnz 2b",
                    "tilerelease",
                    c = in(reg) configuration.as_ptr(),
                    n = inout(reg) LOOPS => _,
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    options(nostack, readonly),
                );
            }
        })
    }
}
