//! AVX-VNNI: `vpdpbusd` on 256 bits, 6 rows by 16 columns (5 rows where nibbles need registers).

use std::arch::x86_64::*;

use super::{Block, OfGroup, Tiles};
use crate::aligned::Aligned;
use crate::matrix::{Format, GROUP, PANEL};

const INT8_ROWS: usize = 6;
const INT4_ROWS: usize = 5;

/// # Safety
/// The processor needs the features; `sums` must hold the block's rows.
#[target_feature(enable = "avx2,fma,avxvnni")]
pub(super) unsafe fn add(block: &Block<'_>, sums: &mut [f32], carried: &mut Aligned<i32>) {
    carried.resize(sums.len());
    let int4 = block.w.layout().format() == Format::Int4;
    // A group of a panel, at most 8 KiB, stays in L1 for all rows.
    for group in block.groups.0..block.groups.1 {
        for (first, rows) in Tiles::of(block.rows.1, if int4 { INT4_ROWS } else { INT8_ROWS }) {
            let mut of = [OfGroup::default(); INT8_ROWS];
            for (i, of) in of[..rows].iter_mut().enumerate() {
                *of = block.of_group(block.rows.0 + first + i, group);
            }
            let part = first * PANEL..(first + rows) * PANEL;
            let (sums, carried) = (&mut sums[part.clone()], &mut carried[part]);
            for column in (0..PANEL).step_by(16) {
                macro_rules! call {
                    ($($rows:literal)*) => {
                        match (rows, int4) {
                            $(
                                // SAFETY: rows and columns of the block are there, as `Block` promises.
                                ($rows, false) => unsafe { tile::<$rows, false>(block, first, &of, group, column, sums, carried) },
                                // SAFETY: as above.
                                ($rows, true) => unsafe { tile::<$rows, true>(block, first, &of, group, column, sums, carried) },
                            )*
                            _ => unreachable!("tiles have 1 to 6 rows"),
                        }
                    };
                }
                call!(1 2 3 4 5 6);
            }
        }
    }
}

/// # Safety
/// The block's rows and the group must be there, and `sums` and `carried` hold `R` rows.
#[target_feature(enable = "avx2,fma,avxvnni")]
unsafe fn tile<const R: usize, const INT4: bool>(
    block: &Block<'_>,
    first: usize,
    of: &[OfGroup; INT8_ROWS],
    group: usize,
    column: usize,
    sums: &mut [f32],
    carried: &mut [i32],
) {
    debug_assert!(sums.len() == R * PANEL && carried.len() == R * PANEL);
    let (x, layout, panel) = (block.x, block.w.layout(), block.w.panel(block.panel));
    let (row, columns) = (block.rows.0 + first, layout.columns(group));
    let low = _mm256_set1_epi8(15);
    // SAFETY: pointers stay within the rows' integers, within the group's bytes of the panel, and within `sums` and
    // `carried`.
    unsafe {
        let mut w = panel.as_ptr().add(layout.group_at(group) + column * 4);
        let mut a: [*const i8; R] = std::array::from_fn(|i| {
            x.integers
                .as_ptr()
                .add((row + i) * x.stride + group * GROUP)
        });
        let mut acc: [[__m256i; 2]; R] = std::array::from_fn(|i| {
            [_mm256_set1_epi32(of[i].correction >> if INT4 { 4 } else { 0 }); 2]
        });
        for _ in 0..columns / if INT4 { 8 } else { 4 } {
            let q = [0, 32].map(|o| _mm256_loadu_si256(w.add(o).cast()));
            let v = if INT4 {
                q.map(|q| _mm256_and_si256(q, low))
            } else {
                q
            };
            for (acc, a) in acc.iter_mut().zip(&mut a) {
                let x = _mm256_set1_epi32(a.cast::<i32>().read_unaligned());
                acc[0] = _mm256_dpbusd_avx_epi32(acc[0], v[0], x);
                acc[1] = _mm256_dpbusd_avx_epi32(acc[1], v[1], x);
                *a = a.add(4);
            }
            if INT4 {
                let v = q.map(|q| _mm256_and_si256(_mm256_srli_epi16::<4>(q), low));
                for (acc, a) in acc.iter_mut().zip(&mut a) {
                    let x = _mm256_set1_epi32(a.cast::<i32>().read_unaligned());
                    acc[0] = _mm256_dpbusd_avx_epi32(acc[0], v[0], x);
                    acc[1] = _mm256_dpbusd_avx_epi32(acc[1], v[1], x);
                    *a = a.add(4);
                }
            }
            w = w.add(4 * PANEL);
        }
        for (i, (acc, of)) in acc.iter().zip(of).enumerate() {
            let at = i * PANEL + column;
            let (to, carried) = (sums.as_mut_ptr().add(at), carried.as_mut_ptr().add(at));
            // After the last step `w` is `column * 4` bytes behind where the scales begin, and they are 4 bytes each.
            finish::<INT4>(acc, of, w.cast(), carried, to);
        }
    }
}

/// What becomes of 16 sums behind a group: they are added to `to`, scaled, or carried on into the next group.
///
/// # Safety
/// `to`, `carried`, and `scales` if it is used, must point to 16 numbers.
#[target_feature(enable = "avx2,fma")]
unsafe fn finish<const INT4: bool>(
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
