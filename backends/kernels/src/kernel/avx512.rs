//! AVX-512 VNNI: 6 rows by 64 columns are 24 sums of 512 bits; a step is 4 loads, 6 broadcasts and 24 `vpdpbusd`.
//!
//! Nibbles are split in registers, anew for every tile of rows, in tiles of 5 rows since that needs registers; for many rows
//! they become bytes in a scratch first. What the next block needs is fetched into L2, evenly during all tiles of rows: into
//! L1, or faster, it would take the few outstanding misses of that cache from what is needed now. For one tile the
//! processor's own prefetching does best.

use std::arch::x86_64::*;
use std::slice::Chunks;

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
/// Most groups of a block whose nibbles become bytes: as many as stay in L1.
pub(crate) const UNPACK_GROUPS: usize = RUN;

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
    let (count, mut next) = (tiles.left, block.next);
    if count == 1 {
        // One tile is a plain stream, of which the processor cannot know where the next one begins.
        for line in next.chunks(64).take(START_LINES) {
            _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast());
        }
        next = &[];
    }
    let lines = next.len().div_ceil(64 * count * groups).max(1);
    let mut ahead = next.chunks(64 * lines);
    for (first, rows) in tiles {
        let sums = &mut sums[first * PANEL..][..rows * PANEL];
        macro_rules! call {
            ($($rows:literal)*) => {
                match (rows, mode) {
                    $(
                        // SAFETY: rows and columns of the block are there, as `Block` promises.
                        ($rows, BYTES) => unsafe { tile::<$rows, BYTES>(block, first, &unpacked, &mut ahead, sums) },
                        // SAFETY: as above.
                        ($rows, NIBBLES) => unsafe { tile::<$rows, NIBBLES>(block, first, &unpacked, &mut ahead, sums) },
                        // SAFETY: as above, and the block's groups are unpacked.
                        ($rows, UNPACKED) => unsafe { tile::<$rows, UNPACKED>(block, first, &unpacked, &mut ahead, sums) },
                    )*
                    _ => unreachable!("tiles have 1 to 6 rows, in one of three modes"),
                }
            };
        }
        call!(1 2 3 4 5 6);
    }
}

/// # Safety
/// The block's rows and groups must be there, and `sums` hold `R` rows. Beside each group it fetches one of `ahead`.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn tile<const R: usize, const MODE: u8>(
    block: &Block<'_>,
    first: usize,
    unpacked: &[Unpacked],
    ahead: &mut Chunks<'_, u8>,
    sums: &mut [f32],
) {
    debug_assert!(sums.len() == R * PANEL);
    let (x, layout, panel) = (block.x, block.w.layout(), block.w.panel(block.panel));
    let (row, groups, stride) = (block.rows.0 + first, x.row_groups(), x.stride);
    let low = _mm512_set1_epi8(15);
    let split = MODE == NIBBLES;
    let width = if split { 8 } else { 4 };
    // SAFETY: the row is one of the block.
    let of = unsafe { x.groups.as_ptr().add(row * groups) };
    // SAFETY: as above, and so is the group.
    let of = |i: usize, group: usize| unsafe { &*of.add(i * groups + group) };
    let mut acc = [[_mm512_setzero_si512(); 4]; R];
    if MODE == BYTES {
        acc = std::array::from_fn(|i| [_mm512_set1_epi32(of(i, block.groups.0).start); 4]);
    }
    for group in block.groups.0..block.groups.1 {
        let columns = layout.columns(group);
        let fetch = ahead.next().unwrap_or_default();
        let (mut line, mut left) = (fetch.as_ptr(), fetch.len().div_ceil(64));
        let each = left.div_ceil(columns / width);
        // SAFETY: pointers stay within the rows' integers, scales and sums, within the group's bytes of the panel, and
        // within `sums`; what is only fetched need not be there.
        unsafe {
            let mut w = match MODE {
                UNPACKED => unpacked[group - block.groups.0].as_ptr(),
                _ => panel.as_ptr().add(layout.group_at(group)),
            };
            let scales = panel
                .as_ptr()
                .add(layout.group_at(group) + columns * PANEL / 2)
                .cast::<f32>();
            let mut a: [*const i8; R] = std::array::from_fn(|i| {
                x.integers.as_ptr().add((row + i) * stride + group * GROUP)
            });
            if MODE != BYTES {
                acc = std::array::from_fn(|i| {
                    [_mm512_set1_epi32(of(i, group).correction >> if split { 4 } else { 0 }); 4]
                });
            }
            for _ in 0..columns / width {
                let q = [0, 64, 128, 192].map(|o| _mm512_loadu_si512(w.add(o).cast()));
                for _ in 0..each.min(left) {
                    _mm_prefetch::<_MM_HINT_T1>(line.cast());
                    line = line.wrapping_add(64);
                }
                left = left.saturating_sub(each);
                let v = if split {
                    q.map(|q| _mm512_and_si512(q, low))
                } else {
                    q
                };
                for (acc, a) in acc.iter_mut().zip(&mut a) {
                    let x = _mm512_set1_epi32(a.cast::<i32>().read_unaligned());
                    for j in 0..4 {
                        acc[j] = _mm512_dpbusd_epi32(acc[j], v[j], x);
                    }
                    *a = a.add(4);
                }
                if split {
                    let v = q.map(|q| _mm512_and_si512(_mm512_srli_epi16::<4>(q), low));
                    for (acc, a) in acc.iter_mut().zip(&mut a) {
                        let x = _mm512_set1_epi32(a.cast::<i32>().read_unaligned());
                        for j in 0..4 {
                            acc[j] = _mm512_dpbusd_epi32(acc[j], v[j], x);
                        }
                        *a = a.add(4);
                    }
                }
                w = w.add(256);
            }
            if MODE == BYTES {
                if (0..R).fold(0, |ends, i| ends | of(i, group).end) == 0 {
                    continue;
                }
                let next = (group + 1).min(block.groups.1 - 1);
                for (i, acc) in acc.iter_mut().enumerate() {
                    let (now, start) = (of(i, group), _mm512_set1_epi32(of(i, next).start));
                    let end = _mm512_set1_epi32(now.end);
                    // Rows whose sums go on add nothing.
                    let scale = f32::from_bits(now.scale.to_bits() & now.end.cast_unsigned());
                    for (j, acc) in acc.iter_mut().enumerate() {
                        let to = sums.as_mut_ptr().add(i * PANEL + j * 16);
                        add_scaled(*acc, _mm512_set1_ps(scale), to);
                        // `acc & !end | start`
                        *acc = _mm512_ternarylogic_epi32::<0xba>(*acc, end, start);
                    }
                }
                continue;
            }
            let by_column = [0, 16, 32, 48].map(|o| match MODE {
                NIBBLES => _mm512_loadu_ps(scales.add(o)),
                _ => unpacked_scale(_mm512_loadu_ps(scales.add(o))),
            });
            for (i, acc) in acc.iter().enumerate() {
                let by_row = _mm512_set1_ps(of(i, group).scale);
                for (j, acc) in acc.iter().enumerate() {
                    let to = sums.as_mut_ptr().add(i * PANEL + j * 16);
                    add_scaled(*acc, _mm512_mul_ps(by_row, by_column[j]), to);
                }
            }
        }
    }
}

/// # Safety
/// `to` must point to 16 numbers.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn add_scaled(acc: __m512i, scale: __m512, to: *mut f32) {
    // SAFETY: promised by the caller.
    unsafe {
        let sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(acc), scale, _mm512_loadu_ps(to));
        _mm512_storeu_ps(to, sum);
    }
}
