//! AVX-512 VNNI: 6 rows by 64 columns are 24 sums of 512 bits; a step is 4 loads, 6 broadcasts and 24 `vpdpbusd`.
//!
//! Nibbles are split in registers, anew for every tile of rows, in tiles of 5 rows since that needs registers; for many rows
//! they become bytes in a scratch first. What the next block needs is fetched into L2, evenly during all tiles of rows: into
//! L1, or faster, it would take the few outstanding misses of that cache from what is needed now. For one tile the
//! processor's own prefetching does best.

use std::arch::x86_64::*;

use super::unpack::{Unpacked, unpacked_scale};
use super::{Block, Tiles};
use crate::activations::RUN;
use crate::matrix::{Format, GROUP, PANEL};

/// Rows a tile.
const ROWS: usize = 6;
/// Rows a tile that splits nibbles.
const SPLIT_ROWS: usize = 5;
/// From so many rows on nibbles become bytes first.
pub(crate) const UNPACK_ROWS: usize = 20;
/// Most groups of a block whose nibbles become bytes.
pub(crate) const UNPACK_GROUPS: usize = 2 * RUN;

/// Columns between two fetches of what is needed next: few lines take turns with whole steps that LLVM unrolls, many come
/// evenly.
const SPARSE: usize = 64;
const DENSE: usize = 16;

/// Lines of the next stream that are fetched for it to begin at once.
const START_LINES: usize = 12;

/// What a tile multiplies with.
const BYTES: u8 = 0;
const NIBBLES: u8 = 1;
/// Bytes that were nibbles, with scales by group.
const UNPACKED: u8 = 2;

/// # Safety
/// The processor needs the features; `sums` must hold the block's rows.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn add(block: &Block<'_>, sums: &mut [f32]) {
    let (layout, panel) = (block.w.layout(), block.w.panel(block.panel));
    let groups = block.groups.1 - block.groups.0;
    let mode = match layout.format() {
        Format::Int8 => BYTES,
        Format::Int4 if block.rows.1 >= UNPACK_ROWS && groups <= UNPACK_GROUPS => UNPACKED,
        Format::Int4 => NIBBLES,
    };
    let mut unpacked = [const { Unpacked::new() }; UNPACK_GROUPS];
    if mode == UNPACKED {
        for (group, to) in (block.groups.0..block.groups.1).zip(&mut unpacked) {
            let nibbles = &panel[layout.group_at(group)..][..layout.columns(group) * PANEL / 2];
            to.unpack(nibbles);
        }
    }
    let tiles = Tiles::of(
        block.rows.1,
        if mode == NIBBLES { SPLIT_ROWS } else { ROWS },
    );
    let mut ahead = Ahead::of(block.next, tiles.left * groups * GROUP);
    if tiles.left == 1 {
        // One tile is a plain stream, of which the processor cannot know where the next one begins.
        ahead.each = START_LINES;
        ahead.fetch();
        ahead.left = 0;
    }
    for (first, rows) in tiles {
        let sums = &mut sums[first * PANEL..][..rows * PANEL];
        macro_rules! call {
            ($($rows:literal)*) => {
                match (rows, mode) {
                    $(
                        // SAFETY: rows and columns of the block are there, as `Block` promises.
                        ($rows, BYTES) => unsafe { tile::<$rows, BYTES>(block, first, &unpacked, ahead, sums) },
                        // SAFETY: as above.
                        ($rows, NIBBLES) => unsafe { tile::<$rows, NIBBLES>(block, first, &unpacked, ahead, sums) },
                        // SAFETY: as above, and the block's groups are unpacked.
                        ($rows, UNPACKED) => unsafe { tile::<$rows, UNPACKED>(block, first, &unpacked, ahead, sums) },
                    )*
                    _ => unreachable!("tiles have 1 to 6 rows, in one of three modes"),
                }
            };
        }
        ahead = call!(1 2 3 4 5 6);
    }
}

/// Lines of memory that are fetched into L2 while others are multiplied.
#[derive(Clone, Copy)]
struct Ahead {
    line: *const u8,
    left: usize,
    /// At once, whenever so many columns have gone by.
    each: usize,
    unit: usize,
}

impl Ahead {
    /// Of `bytes`, evenly while `columns` go by.
    fn of(bytes: &[u8], columns: usize) -> Self {
        let left = bytes.len().div_ceil(64);
        let is_sparse = left * SPARSE <= columns;
        let unit = if is_sparse { SPARSE } else { DENSE };
        Self {
            line: bytes.as_ptr(),
            left,
            each: (left * unit).div_ceil(columns),
            unit,
        }
    }

    #[inline(always)]
    fn fetch(&mut self) {
        for _ in 0..self.each.min(self.left) {
            // SAFETY: SSE is part of x86-64, and what is fetched need not be there.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(self.line.cast()) };
            self.line = self.line.wrapping_add(64);
        }
        self.left = self.left.saturating_sub(self.each);
    }
}

/// # Safety
/// The block's rows and groups must be there, and `sums` hold `R` rows. Returns what is left to fetch.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn tile<const R: usize, const MODE: u8>(
    block: &Block<'_>,
    first: usize,
    unpacked: &[Unpacked],
    mut ahead: Ahead,
    sums: &mut [f32],
) -> Ahead {
    debug_assert!(sums.len() == R * PANEL);
    let (x, layout, panel) = (block.x, block.w.layout(), block.w.panel(block.panel));
    let (row, groups, stride) = (block.rows.0 + first, x.row_groups(), x.stride);
    // SAFETY: the row is one of the block.
    let of = unsafe { x.groups.as_ptr().add(row * groups) };
    // SAFETY: as above, and so is the group.
    let of = |i: usize, group: usize| unsafe { &*of.add(i * groups + group) };
    let mut acc = [[_mm512_setzero_si512(); 4]; R];
    if MODE == BYTES {
        acc = std::array::from_fn(|i| [_mm512_set1_epi32(of(i, block.groups.0).start); 4]);
    }
    // What the sums hold counts from the second time on.
    let mut held: __mmask16 = if block.groups.0 == 0 { 0 } else { !0 };
    let mut group = block.groups.0;
    while group < block.groups.1 {
        // Where all rows have one scale for a run, its groups are one stretch.
        let is_run = MODE == BYTES && (0..R).fold(0, |ends, i| ends | of(i, group).end) == 0;
        let next = match is_run {
            true => ((group / RUN + 1) * RUN).min(block.groups.1),
            false => group + 1,
        };
        let columns = (group..next)
            .map(|group| layout.columns(group))
            .sum::<usize>();
        // SAFETY: pointers stay within the rows' integers, scales and sums, within the groups' bytes of the panel, and
        // within `sums`; what is only fetched need not be there.
        unsafe {
            let w = match MODE {
                UNPACKED => unpacked[group - block.groups.0].as_ptr(),
                _ => panel.as_ptr().add(layout.group_at(group)),
            };
            let a = x.integers.as_ptr().add(row * stride + group * GROUP);
            if MODE != BYTES {
                let split = if MODE == NIBBLES { 4 } else { 0 };
                acc = std::array::from_fn(|i| {
                    [_mm512_set1_epi32(of(i, group).correction >> split); 4]
                });
            }
            if ahead.unit == SPARSE {
                for unit in 0..columns / SPARSE {
                    ahead.fetch();
                    multiply::<R, MODE, SPARSE>(&mut acc, w, a, stride, unit);
                }
            } else {
                for unit in 0..columns / DENSE {
                    ahead.fetch();
                    multiply::<R, MODE, DENSE>(&mut acc, w, a, stride, unit);
                }
            }
            let to = sums.as_mut_ptr();
            if MODE == BYTES {
                let start = |i: usize| _mm512_set1_epi32(of(i, next.min(block.groups.1 - 1)).start);
                for (i, acc) in acc.iter_mut().enumerate() {
                    let last = of(i, next - 1);
                    let end = _mm512_set1_epi32(last.end);
                    // Rows whose sums go on add nothing.
                    let scale = _mm512_set1_ps(f32::from_bits(
                        last.scale.to_bits() & last.end.cast_unsigned(),
                    ));
                    for (j, acc) in acc.iter_mut().enumerate() {
                        add_scaled(*acc, scale, held, to.add(i * PANEL + j * 16));
                        // `acc & !end | start`
                        *acc = match is_run {
                            true => start(i),
                            false => _mm512_ternarylogic_epi32::<0xba>(*acc, end, start(i)),
                        };
                    }
                }
            } else {
                let scales = panel
                    .as_ptr()
                    .add(layout.group_at(group) + columns * PANEL / 2)
                    .cast::<f32>();
                let by_column = [0, 16, 32, 48].map(|o| match MODE {
                    NIBBLES => _mm512_loadu_ps(scales.add(o)),
                    _ => unpacked_scale(_mm512_loadu_ps(scales.add(o))),
                });
                for (i, acc) in acc.iter().enumerate() {
                    let by_row = _mm512_set1_ps(of(i, group).scale);
                    for (j, acc) in acc.iter().enumerate() {
                        let scale = _mm512_mul_ps(by_row, by_column[j]);
                        add_scaled(*acc, scale, held, to.add(i * PANEL + j * 16));
                    }
                }
            }
        }
        held = !0;
        group = next;
    }
    ahead
}

/// Adds to `acc` the products of `R` rows, `stride` apart, with `UNIT` columns of a panel, those of number `unit`.
///
/// # Safety
/// The units from `a` and `w` on must be there up to that one.
#[inline]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn multiply<const R: usize, const MODE: u8, const UNIT: usize>(
    acc: &mut [[__m512i; 4]; R],
    w: *const u8,
    a: *const i8,
    stride: usize,
    unit: usize,
) {
    let low = _mm512_set1_epi8(15);
    let split = MODE == NIBBLES;
    let width = if split { 8 } else { 4 };
    for step in unit * UNIT / width..(unit + 1) * UNIT / width {
        // SAFETY: promised by the caller.
        unsafe {
            let q = [0, 64, 128, 192].map(|o| _mm512_loadu_si512(w.add(step * 256 + o).cast()));
            let x = |i: usize, at: usize| {
                _mm512_set1_epi32(
                    a.add(i * stride + step * width + at)
                        .cast::<i32>()
                        .read_unaligned(),
                )
            };
            let v = if split {
                q.map(|q| _mm512_and_si512(q, low))
            } else {
                q
            };
            for (i, acc) in acc.iter_mut().enumerate() {
                let x = x(i, 0);
                for j in 0..4 {
                    acc[j] = _mm512_dpbusd_epi32(acc[j], v[j], x);
                }
            }
            if split {
                let v = q.map(|q| _mm512_and_si512(_mm512_srli_epi16::<4>(q), low));
                for (i, acc) in acc.iter_mut().enumerate() {
                    let x = x(i, 4);
                    for j in 0..4 {
                        acc[j] = _mm512_dpbusd_epi32(acc[j], v[j], x);
                    }
                }
            }
        }
    }
}

/// Adds to those numbers that are `held`, and sets the others.
///
/// # Safety
/// `to` must point to 16 numbers.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn add_scaled(acc: __m512i, scale: __m512, held: __mmask16, to: *mut f32) {
    // SAFETY: promised by the caller.
    unsafe {
        let before = _mm512_maskz_loadu_ps(held, to);
        let sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(acc), scale, before);
        _mm512_storeu_ps(to, sum);
    }
}
