//! Whether there are tiles, and their configuration.

use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count};
use std::sync::OnceLock;

/// Whether the processor has it and the system lets this process use it.
pub(crate) fn is_available() -> bool {
    static PERMITTED: OnceLock<bool> = OnceLock::new();
    *PERMITTED.get_or_init(|| has_instructions() && is_permitted())
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

/// Linux gives the contents of tiles to processes that ask for it, once for all threads, those that exist included.
#[cfg(target_os = "linux")]
fn is_permitted() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: u64 = 0x1023;
    const XFEATURE_XTILEDATA: u64 = 18;
    let result: i64;
    // SAFETY: the call asks for a permission and touches no memory of ours; the kernel clobbers rcx and r11.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") XFEATURE_XTILEDATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result == 0
}

/// Elsewhere it was never tried.
#[cfg(not(target_os = "linux"))]
fn is_permitted() -> bool {
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
    /// [`is_available`] must be true.
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
