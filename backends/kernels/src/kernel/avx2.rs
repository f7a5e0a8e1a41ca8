//! AVX2: weights and activations of a group become signed 16-bit pairs in L1, then `vpmaddwd`, which is exact;
//! `vpmaddubsw` would saturate.

use std::arch::x86_64::*;

use super::{Block, OfGroup, Tiles};
use crate::matrix::{Format, GROUP, PANEL};

const ROWS: usize = 6;

/// Of every four columns the first and third, then the second and fourth: a pair is what one multiplication adds up.
struct Wide {
    /// `[columns / 4][2][64][2]`.
    w: [i16; GROUP * PANEL],
    /// `[rows][columns / 4][2][2]`.
    x: [i16; ROWS * GROUP],
}

/// # Safety
/// The processor needs the features; `sums` and `carried` must hold the block's rows.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn add(block: &Block<'_>, sums: &mut [f32], carried: &mut [i32]) {
    let (x, layout, panel) = (block.x, block.w.layout(), block.w.panel(block.panel));
    let mut wide = Wide {
        w: [0; GROUP * PANEL],
        x: [0; ROWS * GROUP],
    };
    for group in block.groups.0..block.groups.1 {
        let (columns, at) = (layout.columns(group), layout.group_at(group));
        let bytes = &panel[at..][..columns * PANEL
            / if layout.format() == Format::Int4 {
                2
            } else {
                1
            }];
        match layout.format() {
            Format::Int8 => widen_bytes(bytes, &mut wide.w),
            Format::Int4 => widen_nibbles(bytes, &mut wide.w),
        }
        for (first, rows) in Tiles::of(block.rows.1, ROWS) {
            for i in 0..rows {
                let integers =
                    &x.integers[(block.rows.0 + first + i) * x.stride + group * GROUP..][..columns];
                widen_row(integers, &mut wide.x[i * GROUP..][..GROUP]);
            }
            let mut of = [OfGroup::default(); ROWS];
            for (i, of) in of[..rows].iter_mut().enumerate() {
                *of = block.of_group(block.rows.0 + first + i, group);
            }
            let part = first * PANEL..(first + rows) * PANEL;
            let (sums, carried) = (&mut sums[part.clone()], &mut carried[part]);
            for column in (0..PANEL).step_by(16) {
                macro_rules! call {
                    ($($rows:literal)*) => {
                        match rows {
                            // SAFETY: rows and columns of the block are there, as `Block` promises.
                            $($rows => unsafe { tile::<$rows>(block, &wide, &of, group, column, sums, carried) },)*
                            _ => unreachable!("tiles have 1 to 6 rows"),
                        }
                    };
                }
                call!(1 2 3 4 5 6);
            }
        }
    }
}

#[target_feature(enable = "avx2,fma")]
fn widen_bytes(bytes: &[u8], to: &mut [i16; GROUP * PANEL]) {
    let (mask, zero) = (_mm256_set1_epi16(255), _mm256_set1_epi16(128));
    let steps = bytes
        .as_chunks::<{ 4 * PANEL }>()
        .0
        .iter()
        .zip(to.as_chunks_mut::<{ 4 * PANEL }>().0);
    for (bytes, to) in steps {
        for (i, bytes) in bytes.as_chunks::<32>().0.iter().enumerate() {
            // SAFETY: 32 bytes are read from as many.
            let q = unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
            let even = _mm256_sub_epi16(_mm256_and_si256(q, mask), zero);
            let odd = _mm256_sub_epi16(_mm256_srli_epi16::<8>(q), zero);
            put(even, &mut to[i * 16..]);
            put(odd, &mut to[2 * PANEL + i * 16..]);
        }
    }
}

#[target_feature(enable = "avx2,fma")]
fn widen_nibbles(bytes: &[u8], to: &mut [i16; GROUP * PANEL]) {
    let (mask, zero) = (_mm256_set1_epi16(15), _mm256_set1_epi16(8));
    let steps = bytes
        .as_chunks::<{ 4 * PANEL }>()
        .0
        .iter()
        .zip(to.as_chunks_mut::<{ 8 * PANEL }>().0);
    for (bytes, to) in steps {
        for (i, bytes) in bytes.as_chunks::<32>().0.iter().enumerate() {
            // SAFETY: 32 bytes are read from as many.
            let q = unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
            let low = [
                _mm256_and_si256(q, mask),
                _mm256_and_si256(_mm256_srli_epi16::<8>(q), mask),
            ];
            let high = [
                _mm256_and_si256(_mm256_srli_epi16::<4>(q), mask),
                _mm256_srli_epi16::<12>(q),
            ];
            for (part, v) in low.into_iter().chain(high).enumerate() {
                put(
                    _mm256_sub_epi16(v, zero),
                    &mut to[part * 2 * PANEL + i * 16..],
                );
            }
        }
    }
}

/// 16 numbers to the start of a slice.
#[target_feature(enable = "avx2,fma")]
fn put(v: __m256i, to: &mut [i16]) {
    // SAFETY: 16 numbers are written to as many.
    unsafe { _mm256_storeu_si256(to[..16].as_mut_ptr().cast(), v) }
}

#[target_feature(enable = "avx2,fma")]
fn widen_row(integers: &[i8], to: &mut [i16]) {
    for (four, to) in integers
        .as_chunks::<4>()
        .0
        .iter()
        .zip(to.as_chunks_mut::<4>().0)
    {
        *to = [four[0], four[2], four[1], four[3]].map(i16::from);
    }
}

/// # Safety
/// The block's rows and the group must be there, and `sums` and `carried` hold `R` rows.
#[target_feature(enable = "avx2,fma")]
unsafe fn tile<const R: usize>(
    block: &Block<'_>,
    wide: &Wide,
    of: &[OfGroup; ROWS],
    group: usize,
    column: usize,
    sums: &mut [f32],
    carried: &mut [i32],
) {
    debug_assert!(sums.len() == R * PANEL && carried.len() == R * PANEL);
    let (layout, panel) = (block.w.layout(), block.w.panel(block.panel));
    let columns = layout.columns(group);
    // SAFETY: pointers stay within `wide`, the group's scales in the panel, `sums` and `carried`.
    unsafe {
        let mut acc = [[_mm256_setzero_si256(); 2]; R];
        let (mut w, mut a) = (wide.w.as_ptr().add(column * 2), wide.x.as_ptr());
        // Two for each four columns.
        for _ in 0..columns / 2 {
            let v = [0, 16].map(|o| _mm256_loadu_si256(w.add(o).cast()));
            for (i, acc) in acc.iter_mut().enumerate() {
                let x = _mm256_set1_epi32(a.add(i * GROUP).cast::<i32>().read_unaligned());
                for j in 0..2 {
                    acc[j] = _mm256_add_epi32(acc[j], _mm256_madd_epi16(v[j], x));
                }
            }
            w = w.add(2 * PANEL);
            a = a.add(2);
        }
        let scales = layout.group_at(group) + columns * PANEL / 2;
        let scales = panel.as_ptr().add(scales).cast::<f32>().add(column);
        for (i, (acc, of)) in acc.iter().zip(of).enumerate() {
            let at = i * PANEL + column;
            let (to, carried) = (sums.as_mut_ptr().add(at), carried.as_mut_ptr().add(at));
            match layout.format() {
                Format::Int8 => finish::<false>(acc, of, std::ptr::null(), carried, to),
                Format::Int4 => finish::<true>(acc, of, scales, carried, to),
            }
        }
    }
}

/// What becomes of 16 sums behind a group: they are added to `to`, scaled, or carried on into the next group.
///
/// # Safety
/// `to`, `carried`, and `scales` if it is used, must point to 16 numbers.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn finish<const INT4: bool>(
    acc: &[__m256i; 2],
    of: &OfGroup,
    scales: *const f32,
    carried: *mut i32,
    to: *mut f32,
) {
    let mut acc = *acc;
    // SAFETY: promised by the caller.
    unsafe {
        let carried = [carried.cast::<__m256i>(), carried.add(8).cast()];
        if of.goes_on {
            for j in 0..2 {
                acc[j] = _mm256_add_epi32(acc[j], _mm256_loadu_si256(carried[j]));
            }
        }
        if !of.ends {
            for j in 0..2 {
                _mm256_storeu_si256(carried[j], acc[j]);
            }
            return;
        }
        let by_row = _mm256_set1_ps(of.scale);
        for (j, acc) in acc.into_iter().enumerate() {
            let to = to.add(j * 8);
            let scale = if INT4 {
                _mm256_mul_ps(by_row, _mm256_loadu_ps(scales.add(j * 8)))
            } else {
                by_row
            };
            let sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(acc), scale, _mm256_loadu_ps(to));
            _mm256_storeu_ps(to, sum);
        }
    }
}
