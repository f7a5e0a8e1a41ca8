//! Whether there are tiles, and their configuration.

use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count};
use std::sync::OnceLock;

/// Whether the processor has it and the system gives it to processes that ask. It asks for nothing.
pub(crate) fn is_available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| has_instructions() && is_given())
}

fn has_instructions() -> bool {
    let leaf = __cpuid_count(7, 0);
    let (tile, int8) = (leaf.edx >> 24 & 1, leaf.edx >> 25 & 1);
    let os_saves = __cpuid(1).ecx >> 27 & 1 == 1;
    // Bits 17 and 18 of XCR0: the system saves configuration and contents of tiles.
    tile == 1 && int8 == 1 && os_saves && enabled_states() >> 17 & 3 == 3
}

/// XCR0. The caller has seen that the system enables it.
fn enabled_states() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: `xgetbv` of register 0 exists where the system has set OSXSAVE, and only reads.
    unsafe {
        asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") high, options(nomem, nostack))
    };
    u64::from(high) << 32 | u64::from(low)
}

/// The number of the contents of tiles among the states of a processor.
#[cfg(target_os = "linux")]
const XFEATURE_XTILEDATA: u64 = 18;

/// Whether Linux knows them, which it does from 5.16 on.
#[cfg(target_os = "linux")]
fn is_given() -> bool {
    const ARCH_GET_XCOMP_SUPP: u64 = 0x1021;
    let mut states = 0_u64;
    // SAFETY: the call writes 64 bits, for which there is room.
    let result = unsafe {
        arch_prctl(
            ARCH_GET_XCOMP_SUPP,
            (&raw mut states).expose_provenance() as u64,
        )
    };
    result == 0 && states >> XFEATURE_XTILEDATA & 1 == 1
}

/// Asks the system for tiles, for all threads, those that exist included; whether it gives them. Without that an instruction
/// for tiles ends the process. Linux refuses a process with a stack for signals that has no room for them.
#[cfg(target_os = "linux")]
pub(crate) fn request() -> bool {
    const ARCH_REQ_XCOMP_PERM: u64 = 0x1023;
    // SAFETY: the call asks for a permission and touches no memory of ours.
    unsafe { arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

/// # Safety
/// As of the system's call of this name.
#[cfg(target_os = "linux")]
unsafe fn arch_prctl(code: u64, argument: u64) -> i64 {
    const ARCH_PRCTL: i64 = 158;
    let result: i64;
    // SAFETY: promised by the caller; the kernel clobbers rcx and r11.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") code,
            in("rsi") argument,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// Elsewhere it was never tried.
#[cfg(not(target_os = "linux"))]
fn is_given() -> bool {
    false
}

/// Elsewhere it was never tried.
#[cfg(not(target_os = "linux"))]
pub(crate) fn request() -> bool {
    false
}

/// What `ldtilecfg` reads: palette 1, all eight tiles of 16 rows by 64 bytes.
#[repr(C, align(64))]
struct Configuration([u8; 64]);

static CONFIGURATION: Configuration = {
    let mut it = [0; 64];
    it[0] = 1;
    let mut tile = 0;
    while tile < 8 {
        it[16 + 2 * tile] = 64;
        it[48 + tile] = 16;
        tile += 1;
    }
    Configuration(it)
};

/// Tiles are configured while this lives. Given back, they cost nothing when the system switches threads.
pub(super) struct Configured;

impl Configured {
    /// # Safety
    /// [`request`] must have returned true.
    pub(super) unsafe fn new() -> Self {
        // SAFETY: the instruction exists, and reads 64 bytes that are there.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) &raw const CONFIGURATION.0, options(nostack, readonly))
        };
        Self
    }
}

impl Drop for Configured {
    fn drop(&mut self) {
        // SAFETY: the instruction exists, or this would not; no tile holds anything that is still needed.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}
