//! AMX: a tile of 16 rows by 64 columns times four of 64 columns by 16 rows of weights, 16384 products an instruction.
//!
//! A group of 128 columns is two tiles long; then its *strip* of 16 by 64 sums is stored, and AVX-512 scales and adds it, or
//! carries it on into a group that has the same scale.
//! Tiles and vectors work side by side only if their instructions stand close together: a multiplication takes 16 cycles,
//! and what may wait behind it is limited. So each one is followed by an eighth of the work on an earlier strip: while a
//! strip is multiplied, the one before it is stored tile by tile just before its tiles are used again, and the one before
//! that is finished. (One after the other they took the sum of their times, 137 ns, instead of 56 for the tiles alone.)
//!
//! Packed bytes are the second operand's layout as they are; nibbles become bytes in a scratch first. Stable Rust has no
//! intrinsics for tiles, so the instructions are written as assembly.

#[cfg(test)]
mod tests;
mod tiles;

use std::arch::asm;
use std::arch::x86_64::*;

use super::Block;
use super::unpack::{Unpacked, unpacked_scale};
use crate::aligned::Aligned;
use crate::matrix::{Format, GROUP, PANEL};
use tiles::Configured;
pub(crate) use tiles::{is_available, request};

/// Fewer rows than this leave most of a tile empty, and are limited by memory in any case.
pub(super) const ROWS: usize = 8;
/// Rows of a tile.
const TILE: usize = 16;
/// Bytes of a step of 64 columns of a panel.
const STEP: usize = TILE * 4 * PANEL;

/// Sums of 16 rows by the 64 of a panel.
#[repr(C, align(64))]
struct Strip([i32; TILE * PANEL]);

/// # Safety
/// [`request`] must have returned true; `sums` must hold the block's rows.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn add(block: &Block<'_>, sums: &mut [f32], carried: &mut Aligned<i32>) {
    carried.resize(sums.len());
    // SAFETY: promised by the caller.
    let _configured = unsafe { Configured::new() };
    // SAFETY: promised by the caller, and tiles are configured.
    unsafe {
        match block.w.layout().format() {
            Format::Int8 => run::<false>(block, sums, carried),
            Format::Int4 => run::<true>(block, sums, carried),
        }
    }
}

/// Rows whose sums stay in L1 while the groups go by; more where nibbles are unpacked for them.
const fn block_rows(int4: bool) -> usize {
    if int4 { 128 } else { 64 }
}

/// # Safety
/// Tiles must be configured; `sums` and `carried` must hold the block's rows.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn run<const INT4: bool>(block: &Block<'_>, sums: &mut [f32], carried: &mut [i32]) {
    let (x, layout, panel, rows) = (
        block.x,
        block.w.layout(),
        block.w.panel(block.panel),
        block.rows.1,
    );
    assert!(
        sums.len() == rows * PANEL && carried.len() == sums.len(),
        "sums of the rows"
    );
    // One pointer for all: strips that wait to be finished keep theirs while others are made.
    let sums = (sums.as_mut_ptr(), carried.as_mut_ptr());
    let mut strips = [const { Strip([0; TILE * PANEL]) }; 2];
    let mut unpacked = INT4.then_some([const { Unpacked::new() }; 2]);
    // The strip in the tiles, and the one that was stored before it.
    let (mut multiplied, mut stored) = (Finish::nothing(block), Finish::nothing(block));
    let mut turn = false;
    let height = block_rows(INT4);
    let later = (rows.div_ceil(height) - 1) * (block.groups.1 - block.groups.0);
    let mut next = block
        .next
        .chunks((block.next.len().div_ceil(64) / later.max(1) + 1) * 64);
    for first in (0..rows).step_by(height) {
        let end = rows.min(first + height);
        for group in block.groups.0..block.groups.1 {
            let bytes = &panel[layout.group_at(group)..layout.group_end(group)];
            // The first pass reads from memory: line after line, a group ahead, makes the processor's own prefetching run
            // further ahead. Later passes find in L2 what they need, and fetch the next panel there.
            let (ahead, later) = match first {
                0 => (block.packed_after(group, 1), &[][..]),
                _ => (&[][..], next.next().unwrap_or_default()),
            };
            let steps = layout.columns(group) / 64;
            let slots = (end - first).div_ceil(TILE) * steps * 4;
            let mut fetch = [Fetch::new(ahead, slots), Fetch::new(later, slots)];
            let bytes = match &mut unpacked {
                Some(unpacked) => unpacked[group % 2].unpack(&bytes[..steps * STEP / 2]),
                None => bytes,
            };
            assert!(bytes.len() >= steps * STEP, "the group is whole");
            for row in (first..end).step_by(TILE) {
                let a = (block.rows.0 + row) * x.stride + group * GROUP;
                assert!(
                    a + (TILE - 1) * x.stride + steps * 64 <= x.integers.len(),
                    "there are rows to spare"
                );
                let [even, odd] = &mut strips;
                let (to, from) = if turn { (even, &*odd) } else { (odd, &*even) };
                // SAFETY: tiles are configured; columns and rows were just seen to be there; what is finished is within
                // the block.
                unsafe {
                    let a = x.integers.as_ptr().add(a);
                    match steps {
                        1 => multiply::<INT4, 1>(
                            a,
                            x.stride,
                            bytes,
                            to,
                            from,
                            &mut stored,
                            &mut fetch,
                        ),
                        _ => multiply::<INT4, 2>(
                            a,
                            x.stride,
                            bytes,
                            to,
                            from,
                            &mut stored,
                            &mut fetch,
                        ),
                    }
                    stored = std::mem::replace(
                        &mut multiplied,
                        Finish::of::<INT4>(block, group, row, sums),
                    );
                }
                turn = !turn;
            }
        }
    }
    // SAFETY: as above.
    unsafe {
        stored.rows::<INT4>(TILE, &strips[usize::from(turn)]);
        store(&mut strips[0]);
        multiplied.rows::<INT4>(TILE, &strips[0]);
    }
}

/// Leaves 16 rows of `a` times the 64 of a panel in the first four tiles, over `STEPS` times 64 columns, having stored to
/// `to` what they held before; beside it finishes `finish` from `from`, and fetches.
///
/// # Safety
/// Tiles must be configured, `bytes` hold the columns, `a` be the first of 16 rows of them, `stride` bytes apart. Tiles hold
/// what was left there if nothing else uses them in between: the compiler has no instruction for tiles that it was not
/// told of, and systems keep them when they switch threads.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn multiply<const INT4: bool, const STEPS: usize>(
    a: *const i8,
    stride: usize,
    bytes: &[u8],
    to: &mut Strip,
    from: &Strip,
    finish: &mut Finish<'_>,
    fetch: &mut [Fetch; 2],
) {
    let (b, to) = (bytes.as_ptr(), to.0.as_mut_ptr());
    let mut beside = || {
        // SAFETY: the rows are within the block.
        unsafe { finish.rows::<INT4>(TILE / 4 / STEPS, from) };
        fetch[0].some::<_MM_HINT_T0>();
        fetch[1].some::<_MM_HINT_T1>();
    };
    /// The first step of a tile of sums: stored, emptied, multiplied.
    macro_rules! first {
        ($c:literal, $b:literal, $at:literal) => {
            asm!(
                concat!("tilestored [{to} + {line} + ", $at, "], tmm", $c),
                concat!("tilezero tmm", $c),
                concat!("tileloadd tmm", $b, ", [{b} + {line} + ", $at, "]"),
                concat!("tdpbsud tmm", $c, ", tmm4, tmm", $b),
                to = in(reg) to,
                b = in(reg) b,
                line = in(reg) 4 * PANEL,
                options(nostack),
            )
        };
    }
    macro_rules! second {
        ($c:literal, $b:literal, $at:literal) => {
            asm!(
                concat!("tileloadd tmm", $b, ", [{b} + {line} + 4096 + ", $at, "]"),
                concat!("tdpbsud tmm", $c, ", tmm5, tmm", $b),
                b = in(reg) b,
                line = in(reg) 4 * PANEL,
                options(nostack, readonly),
            )
        };
    }
    // SAFETY: reads 16 rows of `a` and 4096 bytes of `b` for each step, and writes the strip, 16 lines of 256 bytes.
    unsafe {
        asm!("tileloadd tmm4, [{a} + {stride}]", a = in(reg) a, stride = in(reg) stride, options(nostack, readonly));
        first!(0, 6, 0);
        beside();
        first!(1, 7, 64);
        beside();
        first!(2, 6, 128);
        beside();
        first!(3, 7, 192);
        beside();
        if STEPS == 2 {
            asm!("tileloadd tmm5, [{a} + {stride} + 64]", a = in(reg) a, stride = in(reg) stride, options(nostack, readonly));
            second!(0, 6, 0);
            beside();
            second!(1, 7, 64);
            beside();
            second!(2, 6, 128);
            beside();
            second!(3, 7, 192);
            beside();
        }
    }
}

/// Stores what [`multiply`] left in the tiles.
///
/// # Safety
/// As for [`multiply`].
#[inline(always)]
unsafe fn store(to: &mut Strip) {
    // SAFETY: writes the strip, 16 lines of 256 bytes.
    unsafe {
        asm!(
            "tilestored [{to} + {line}], tmm0",
            "tilestored [{to} + {line} + 64], tmm1",
            "tilestored [{to} + {line} + 128], tmm2",
            "tilestored [{to} + {line} + 192], tmm3",
            to = in(reg) to.0.as_mut_ptr(),
            line = in(reg) 4 * PANEL,
            options(nostack),
        );
    }
}

/// Scales the sums of a strip and adds them to those of the groups before, or carries them on, some rows at a time.
struct Finish<'a> {
    block: &'a Block<'a>,
    group: usize,
    /// The first row of the strip in the block.
    first: usize,
    row: usize,
    rows: usize,
    to: *mut f32,
    carried: *mut i32,
    by_column: [__m512; 4],
}

impl<'a> Finish<'a> {
    #[target_feature(enable = "avx512f")]
    fn nothing(block: &'a Block<'a>) -> Self {
        Self {
            block,
            group: 0,
            first: 0,
            row: 0,
            rows: 0,
            to: std::ptr::null_mut(),
            carried: std::ptr::null_mut(),
            by_column: [_mm512_setzero_ps(); 4],
        }
    }

    /// # Safety
    /// Group and row must be within the block, and both pointers point to numbers of the block's rows.
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn of<const INT4: bool>(
        block: &'a Block<'a>,
        group: usize,
        row: usize,
        (sums, carried): (*mut f32, *mut i32),
    ) -> Self {
        let layout = block.w.layout();
        // SAFETY: the row is within the block, as the caller promises; the scales of a group of nibbles stand behind them.
        unsafe {
            let by_column = [0, 16, 32, 48].map(|o| {
                if !INT4 {
                    return _mm512_set1_ps(1.0);
                }
                let scales = layout.group_at(group) + layout.columns(group) * PANEL / 2;
                let panel = block.w.panel(block.panel).as_ptr();
                unpacked_scale(_mm512_loadu_ps(panel.add(scales).cast::<f32>().add(o)))
            });
            Self {
                block,
                group,
                first: row,
                row: 0,
                rows: TILE.min(block.rows.1 - row),
                to: sums.add(row * PANEL),
                carried: carried.add(row * PANEL),
                by_column,
            }
        }
    }

    /// The next `count` rows, as far as there are any.
    ///
    /// # Safety
    /// It must have been made by [`Self::of`], of whose sums the rest still holds, or be nothing.
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn rows<const INT4: bool>(&mut self, count: usize, from: &Strip) {
        for row in self.row..self.rows.min(self.row + count) {
            let of = self
                .block
                .of_group(self.block.rows.0 + self.first + row, self.group);
            let fix = _mm512_set1_epi32(of.correction);
            let by_row = _mm512_set1_ps(of.scale);
            for (j, by_column) in self.by_column.iter().enumerate() {
                let at = row * PANEL + j * TILE;
                // SAFETY: the row is one of 16 of the strip and of those that are there.
                unsafe {
                    let product = _mm512_load_si512(from.0.as_ptr().add(at).cast());
                    let mut product = _mm512_add_epi32(fix, product);
                    let (to, carried) = (self.to.add(at), self.carried.add(at).cast());
                    if of.goes_on {
                        product = _mm512_add_epi32(product, _mm512_loadu_si512(carried));
                    }
                    if !of.ends {
                        _mm512_storeu_si512(carried, product);
                        continue;
                    }
                    let scale = if INT4 {
                        _mm512_mul_ps(by_row, *by_column)
                    } else {
                        by_row
                    };
                    let product = _mm512_cvtepi32_ps(product);
                    _mm512_storeu_ps(to, _mm512_fmadd_ps(product, scale, _mm512_loadu_ps(to)));
                }
            }
        }
        self.row += count;
    }
}

/// Bytes that are fetched bit by bit.
struct Fetch {
    next: *const u8,
    /// Lines at a time.
    lines: usize,
}

impl Fetch {
    fn new(bytes: &[u8], times: usize) -> Self {
        Self {
            next: bytes.as_ptr(),
            lines: bytes.len().div_ceil(64 * times),
        }
    }

    /// The next lines; perhaps some beyond the last, which does no harm.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn some<const HINT: i32>(&mut self) {
        for _ in 0..self.lines {
            _mm_prefetch::<HINT>(self.next.cast());
            self.next = self.next.wrapping_add(64);
        }
    }
}
