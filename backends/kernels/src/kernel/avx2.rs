//! AVX2: tiles of 6 rows by 16 columns; two or three instructions split packed weights into numbers to multiply.
//!
//! Bytes become 16-bit numbers, those of even and of odd columns, for `vpmaddwd`, which is exact: `vpmaddubsw` would saturate.
//! With nibbles it does not, and as eight of its sums fit 16 bits these take little more than half the instructions. For more
//! than a few rows weights are split once, into a scratch that fits L1.

use std::arch::x86_64::*;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::slice::Chunks;

use super::{Block, Tiles};
use crate::activations::{Group, RUN};
use crate::aligned::Aligned;
use crate::matrix::{Format, GROUP, PANEL};

/// Rows a tile.
const ROWS: usize = 6;
/// Columns of a panel's sums a tile: two vectors.
const STRIP: usize = 16;
/// Up to so many rows weights are split in registers.
const SPLIT_ROWS: usize = 4;
/// Columns whose products with nibbles are added up in 16 bits; what is fetched ahead comes as often.
const SHORT: usize = 32;
const _: () = assert!(SHORT / 4 * 2 * 15 * 128 < 1 << 15, "such sums fit 16 bits");
/// Bytes of a step in a strip, and from one to the next in a panel.
const STEP: usize = 4 * STRIP;
const PANEL_STEP: usize = 4 * PANEL;
/// Columns of a run.
const RUN_COLUMNS: usize = RUN * GROUP;

/// Columns that four bytes of a packed row hold, which are split together.
const fn step_columns(int8: bool) -> usize {
    if int8 { 4 } else { 8 }
}

/// # Safety
/// The processor needs the features; `sums` must hold the block's rows.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn add(block: &Block<'_>, sums: &mut [f32], wide: &mut Aligned<i16>) {
    let int8 = block.w.layout().format() == Format::Int8;
    // SAFETY: promised by the caller.
    unsafe {
        match (int8, block.rows.1 <= SPLIT_ROWS) {
            (true, true) => run::<true, true>(block, sums, wide),
            (true, false) => run::<true, false>(block, sums, wide),
            (false, true) => run::<false, true>(block, sums, wide),
            (false, false) => run::<false, false>(block, sums, wide),
        }
    }
}

/// # Safety
/// As [`add`]; `INT8` must be the format.
#[target_feature(enable = "avx2,fma")]
unsafe fn run<const INT8: bool, const SPLIT: bool>(
    block: &Block<'_>,
    sums: &mut [f32],
    wide: &mut Aligned<i16>,
) {
    let (x, layout, panel) = (block.x, block.w.layout(), block.w.panel(block.panel));
    let mut halves = Halves(MaybeUninit::uninit());
    if INT8 {
        wide.resize(block.rows.1 * RUN_COLUMNS);
    }
    for start in (block.groups.0..block.groups.1).step_by(RUN) {
        let groups = start..block.groups.1.min(start + RUN);
        let columns = groups
            .clone()
            .map(|group| layout.columns(group))
            .sum::<usize>();
        let integers = |row: usize| &x.integers[row * x.stride + start * GROUP..][..columns];
        if INT8 {
            for (i, to) in wide.chunks_mut(RUN_COLUMNS).enumerate() {
                widen(integers(block.rows.0 + i), to);
            }
        }
        let mut ahead = block.packed_after(groups.end - 1, RUN).chunks(64);
        let tiles = block.rows.1.div_ceil(ROWS) * (PANEL / STRIP);
        let each = ahead.len().div_ceil(tiles * columns / SHORT);
        for column in (0..PANEL).step_by(STRIP) {
            if !SPLIT {
                let packed = groups.clone().map(|group| {
                    &panel[layout.group_at(group)..]
                        [..layout.columns(group) / step_columns(INT8) * PANEL_STEP]
                });
                halves.fill::<INT8>(packed, column);
            }
            for (first, rows) in Tiles::of(block.rows.1, ROWS) {
                let row = block.rows.0 + first;
                let (a, stride) = match INT8 {
                    true => (wide[first * RUN_COLUMNS..].as_ptr().cast(), 2 * RUN_COLUMNS),
                    false => (
                        x.integers[row * x.stride + start * GROUP..].as_ptr(),
                        x.stride,
                    ),
                };
                let tile = Tile {
                    block,
                    groups: groups.clone(),
                    of: x.groups[row * x.row_groups()..].as_ptr(),
                    column,
                    halves: &halves,
                    a,
                    stride,
                    each,
                };
                let sums = &mut sums[first * PANEL..][..rows * PANEL];
                macro_rules! call {
                    ($($rows:literal)*) => {
                        match rows {
                            // SAFETY: rows and groups of the block are there, as `Block` promises, and split if they have to be.
                            $($rows => unsafe { tile.add::<$rows, INT8, SPLIT>(&mut ahead, sums) },)*
                            _ => unreachable!("tiles have 1 to 6 rows"),
                        }
                    };
                }
                call!(1 2 3 4 5 6);
            }
        }
    }
}

/// Half of the numbers of 32 packed bytes: even or odd columns in 16 bits, low or high nibbles in 8.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn half<const INT8: bool>(q: __m256i, second: bool) -> __m256i {
    let low = _mm256_set1_epi16(if INT8 { 0xff } else { 0xf0f });
    match (INT8, second) {
        (_, false) => _mm256_and_si256(q, low),
        (true, true) => _mm256_srli_epi16::<8>(q),
        (false, true) => _mm256_and_si256(_mm256_srli_epi16::<4>(q), low),
    }
}

/// A run of a strip, split: `[steps][2][STEP]`.
#[repr(align(64))]
struct Halves(MaybeUninit<[u8; RUN_COLUMNS * STRIP * 2]>);

impl Halves {
    /// Splits those bytes of `packed`, steps of whole groups, that belong to the strip from `column` on.
    #[target_feature(enable = "avx2,fma")]
    fn fill<'a, const INT8: bool>(
        &mut self,
        packed: impl Iterator<Item = &'a [u8]>,
        column: usize,
    ) {
        let mut to = self.0.as_mut_ptr().cast::<u8>();
        for group in packed.take(RUN) {
            let steps = group.as_chunks::<PANEL_STEP>().0;
            assert!(steps.len() <= GROUP / step_columns(INT8), "a group at most");
            for step in steps {
                let from = step[column * 4..][..STEP].as_ptr();
                // SAFETY: two vectors are read, and written to two places each of what is this step's: there is room for a run.
                unsafe {
                    for at in [0, 32] {
                        let q = _mm256_loadu_si256(from.add(at).cast());
                        _mm256_storeu_si256(to.add(at).cast(), half::<INT8>(q, false));
                        _mm256_storeu_si256(to.add(STEP + at).cast(), half::<INT8>(q, true));
                    }
                    to = to.add(2 * STEP);
                }
            }
        }
    }
}

/// To 16 bits; of every four numbers the first and third, then the second and fourth: a pair is what one multiplication adds
/// up.
#[target_feature(enable = "avx2,fma")]
fn widen(integers: &[i8], to: &mut [i16]) {
    #[rustfmt::skip]
    let order = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15,
    ));
    for (from, to) in integers
        .as_chunks::<16>()
        .0
        .iter()
        .zip(to.as_chunks_mut::<16>().0)
    {
        // SAFETY: 16 numbers are read and written.
        unsafe {
            let v = _mm256_cvtepi8_epi16(_mm_loadu_si128(from.as_ptr().cast()));
            _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm256_shuffle_epi8(v, order));
        }
    }
}

/// Sums of a tile.
type Sums<const R: usize> = [[__m256i; 2]; R];

/// Some rows by a strip of a panel, over at most a run.
struct Tile<'a> {
    block: &'a Block<'a>,
    groups: Range<usize>,
    /// Of the first row, from its very first group on.
    of: *const Group,
    /// The strip's first.
    column: usize,
    halves: &'a Halves,
    /// Rows from the first group on, `stride` bytes apart; four bytes go with half a step.
    a: *const i8,
    stride: usize,
    /// Lines that are fetched with every 32 columns.
    each: usize,
}

impl Tile<'_> {
    /// Adds the products to `sums`, `[R, 64]`.
    ///
    /// # Safety
    /// All that `self` names must be there for `R` rows, the halves unless `SPLIT`.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn add<const R: usize, const INT8: bool, const SPLIT: bool>(
        &self,
        ahead: &mut Chunks<'_, u8>,
        sums: &mut [f32],
    ) {
        debug_assert!(sums.len() == R * PANEL);
        let (x, layout) = (self.block.x, self.block.w.layout());
        let panel = self.block.w.panel(self.block.panel);
        // SAFETY: promised by the caller.
        let of = |i: usize, group: usize| unsafe { &*self.of.add(i * x.row_groups() + group) };
        let start = |group: usize| -> Sums<R> {
            std::array::from_fn(|i| [_mm256_set1_epi32(of(i, group).start); 2])
        };
        let mut acc = if INT8 {
            start(self.groups.start)
        } else {
            [[_mm256_setzero_si256(); 2]; R]
        };
        let (mut group, mut at) = (self.groups.start, 0);
        while group < self.groups.end {
            // Where all rows have one scale, the run is one stretch.
            let is_run = INT8 && (0..R).all(|i| of(i, group).end == 0);
            let next = if is_run { self.groups.end } else { group + 1 };
            let columns = (group..next)
                .map(|group| layout.columns(group))
                .sum::<usize>();
            let step = at / step_columns(INT8);
            // SAFETY: pointers stay within the rows, the groups' bytes or the halves, and `sums`.
            unsafe {
                let w = match SPLIT {
                    true => panel.as_ptr().add(layout.group_at(group) + self.column * 4),
                    false => self.halves.0.as_ptr().cast::<u8>().add(step * 2 * STEP),
                };
                if !INT8 {
                    acc = std::array::from_fn(|i| {
                        [_mm256_set1_epi32(of(i, group).correction >> 4); 2]
                    });
                }
                self.multiply::<R, INT8, SPLIT>(&mut acc, w, self.a.add(step * 8), columns, ahead);
                let scales = panel
                    .as_ptr()
                    .add(layout.group_at(group) + columns * PANEL / 2)
                    .cast::<f32>();
                for (i, acc) in acc.iter_mut().enumerate() {
                    let last = of(i, next - 1);
                    let end = if INT8 { last.end } else { -1 };
                    // Rows whose sums go on add nothing.
                    let by_row =
                        _mm256_set1_ps(f32::from_bits(last.scale.to_bits() & end.cast_unsigned()));
                    for (j, acc) in acc.iter_mut().enumerate() {
                        let at = self.column + j * 8;
                        let to = sums.as_mut_ptr().add(i * PANEL + at);
                        let scale = match INT8 {
                            true => by_row,
                            false => _mm256_mul_ps(by_row, _mm256_loadu_ps(scales.add(at))),
                        };
                        let sum =
                            _mm256_fmadd_ps(_mm256_cvtepi32_ps(*acc), scale, _mm256_loadu_ps(to));
                        _mm256_storeu_ps(to, sum);
                        *acc = _mm256_andnot_si256(_mm256_set1_epi32(end), *acc);
                    }
                }
                if INT8 && next < self.groups.end {
                    for (acc, start) in acc.iter_mut().zip(start(next)) {
                        for j in 0..2 {
                            acc[j] = _mm256_or_si256(acc[j], start[j]);
                        }
                    }
                }
            }
            at += columns;
            group = next;
        }
    }

    /// Adds to `acc` the products of `columns` from `w` and `a` on.
    ///
    /// # Safety
    /// All of these must be there, for `R` rows.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn multiply<const R: usize, const INT8: bool, const SPLIT: bool>(
        &self,
        acc: &mut Sums<R>,
        w: *const u8,
        a: *const i8,
        columns: usize,
        ahead: &mut Chunks<'_, u8>,
    ) {
        let stride = self.stride;
        // SAFETY: promised by the caller, here and below.
        let load = |at: usize| [0, 32].map(|o| unsafe { _mm256_loadu_si256(w.add(at + o).cast()) });
        let four = |i: usize, at: usize| {
            // SAFETY: as above.
            let four = unsafe { a.add(i * stride + at * 4).cast::<i32>().read_unaligned() };
            _mm256_set1_epi32(four)
        };
        let zero = [[_mm256_setzero_si256(); 2]; R];
        for part in 0..columns / SHORT {
            for line in ahead.by_ref().take(self.each) {
                _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast());
            }
            if INT8 {
                // The next tile's rows, of which the processor cannot know; behind a strip's last they are not needed.
                for i in 0..R {
                    _mm_prefetch::<_MM_HINT_T0>(
                        a.wrapping_add((R + i) * stride + part * 64).cast(),
                    );
                }
            }
            let mut sums = if INT8 { *acc } else { zero };
            let mut add = |v: [__m256i; 2], at: usize| {
                for (i, sums) in sums.iter_mut().enumerate() {
                    let x = four(i, at);
                    for j in 0..2 {
                        sums[j] = match INT8 {
                            true => _mm256_add_epi32(sums[j], _mm256_madd_epi16(v[j], x)),
                            false => _mm256_add_epi16(sums[j], _mm256_maddubs_epi16(v[j], x)),
                        };
                    }
                }
            };
            let steps = SHORT / step_columns(INT8);
            if INT8 && !SPLIT {
                // Registers suffice only for one half at a time; with nibbles both in a row are faster.
                for at in 2 * part * steps..2 * (part + 1) * steps {
                    add(load(at * STEP), at);
                }
            } else {
                for step in part * steps..(part + 1) * steps {
                    let (first, second) = if SPLIT {
                        let q = load(step * PANEL_STEP);
                        (
                            q.map(|q| half::<INT8>(q, false)),
                            q.map(|q| half::<INT8>(q, true)),
                        )
                    } else {
                        (load(2 * step * STEP), load((2 * step + 1) * STEP))
                    };
                    add(first, 2 * step);
                    add(second, 2 * step + 1);
                }
            }
            if INT8 {
                *acc = sums;
                continue;
            }
            let ones = _mm256_set1_epi16(1);
            for (acc, sums) in acc.iter_mut().zip(sums) {
                for j in 0..2 {
                    acc[j] = _mm256_add_epi32(acc[j], _mm256_madd_epi16(sums[j], ones));
                }
            }
        }
    }
}
