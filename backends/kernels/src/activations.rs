//! Activations: rows of signed 8-bit integers with a scale for each 128 columns.
//!
//! A group `x` becomes `q = round(127 x / max |x|)`, ties to even, and the scale `max |x| / 127`. One scale a row would lose
//! much where a few channels are far larger than the rest, as they are in language models (LLM.int8(), arXiv:2208.07339).

use crate::Pool;
use crate::aligned::{Aligned, Shared};
use crate::error::{Error, length};
use crate::matrix::{GROUP, UNIT, padded};
use crate::set::for_sets;

/// Rows of a job.
const ROWS: usize = 8;
/// Rows that are allocated beyond the last.
const SPARE_ROWS: usize = 16;
/// Groups whose largest number is below become zeros: the inverse of their scale would overflow.
const TINY: f32 = 1e-30;
/// `x + ROUND` has no bits below 1, so adding it rounds to the nearest, ties to even, and leaves an integer in the low bits.
const ROUND: f32 = 12_582_912.0;

/// Quantised rows; a buffer that is kept allocates only when it grows.
#[derive(Debug, Default)]
pub struct Activations {
    m: usize,
    k: usize,
    /// `[m, stride]`, the columns past `k` zero.
    pub(crate) integers: Aligned<i8>,
    pub(crate) stride: usize,
    /// `[m, groups]`.
    pub(crate) scales: Aligned<f32>,
    /// -128 times the sum of each group, `[m, groups]`: weights are used with 128 added to them.
    pub(crate) corrections: Aligned<i32>,
}

impl Activations {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }
    /// Rows.
    pub fn m(&self) -> usize {
        self.m
    }
    /// Columns.
    pub fn k(&self) -> usize {
        self.k
    }
    /// Groups of columns.
    pub(crate) fn groups(&self) -> usize {
        self.k.div_ceil(GROUP)
    }

    fn resize(&mut self, m: usize, k: usize) {
        // An odd number of cache lines, so that rows do not all fall into the same sets of a cache.
        let stride = padded(k).next_multiple_of(2 * UNIT) + UNIT;
        // Tiles of AMX are read whole; what they read past the last row is not used.
        let integers = m
            .checked_add(SPARE_ROWS)
            .and_then(|rows| rows.checked_mul(stride));
        self.integers
            .resize(integers.expect("activations fit the memory"));
        (self.m, self.k, self.stride) = (m, k, stride);
        self.scales.resize(m * self.groups());
        self.corrections.resize(m * self.groups());
    }

    /// Quantises `x`, `[m, k]`.
    ///
    /// # Errors
    /// [`Error::Length`] if `x` is not of that size, [`Error::Size`] if `k` is zero.
    pub fn quantise(&mut self, pool: &Pool, x: &[f32], m: usize, k: usize) -> Result<(), Error> {
        length("the activations", x.len(), m.saturating_mul(k))?;
        self.fill(pool, m, k, |at, quantise| quantise(&x[at * k..][..k]))
    }

    /// Quantises rows that `row` writes, `[k]` each: a norm, say, without a pass through memory. It is called on all threads.
    ///
    /// # Errors
    /// [`Error::Size`] if `k` is zero.
    pub fn quantise_rows(
        &mut self,
        pool: &Pool,
        m: usize,
        k: usize,
        row: impl Fn(usize, &mut [f32]) + Sync,
    ) -> Result<(), Error> {
        self.fill(pool, m, k, |at, quantise| {
            crate::scratch::with_numbers(k, |numbers| {
                row(at, numbers);
                quantise(numbers);
            });
        })
    }

    /// For each row calls `row` with its index and what it has to call with the row's numbers.
    fn fill(
        &mut self,
        pool: &Pool,
        m: usize,
        k: usize,
        row: impl Fn(usize, &mut dyn FnMut(&[f32])) + Sync,
    ) -> Result<(), Error> {
        if k == 0 {
            return Err(Error::Size("the row"));
        }
        self.resize(m, k);
        let (stride, groups) = (self.stride, self.groups());
        let integers = Shared::new(&mut self.integers);
        let (scales, corrections) = (
            Shared::new(&mut self.scales),
            Shared::new(&mut self.corrections),
        );
        pool.run(m.div_ceil(ROWS), |job| {
            for at in job * ROWS..((job + 1) * ROWS).min(m) {
                // SAFETY: each row is given to one job.
                let (integers, scales, corrections) = unsafe {
                    (
                        integers.part(at * stride, stride),
                        scales.part(at * groups, groups),
                        corrections.part(at * groups, groups),
                    )
                };
                // SAFETY: a pool's set is available.
                row(at, &mut |x| unsafe {
                    quantise_row(pool.set(), x, integers, scales, corrections)
                });
            }
        });
        Ok(())
    }

    /// Copies rows of `from`, in the order of `rows`, which may repeat: the tokens of experts.
    ///
    /// # Errors
    /// [`Error::Row`] if one of them is not there.
    pub fn gather(&mut self, pool: &Pool, from: &Self, rows: &[u32]) -> Result<(), Error> {
        if let Some(row) = rows.iter().find(|row| **row as usize >= from.m) {
            return Err(Error::Row {
                row: *row as usize,
                rows: from.m,
            });
        }
        self.resize(rows.len(), from.k);
        let (stride, groups) = (self.stride, self.groups());
        let integers = Shared::new(&mut self.integers);
        let (scales, corrections) = (
            Shared::new(&mut self.scales),
            Shared::new(&mut self.corrections),
        );
        pool.run(rows.len().div_ceil(ROWS), |job| {
            for (at, row) in rows.iter().enumerate().skip(job * ROWS).take(ROWS) {
                let row = *row as usize;
                // SAFETY: each row is given to one job.
                let (integers, scales, corrections) = unsafe {
                    (
                        integers.part(at * stride, stride),
                        scales.part(at * groups, groups),
                        corrections.part(at * groups, groups),
                    )
                };
                integers.copy_from_slice(&from.integers[row * stride..][..stride]);
                scales.copy_from_slice(&from.scales[row * groups..][..groups]);
                corrections.copy_from_slice(&from.corrections[row * groups..][..groups]);
            }
        });
        Ok(())
    }

    /// Writes the numbers that a row stands for, `[k]`.
    ///
    /// # Errors
    /// [`Error::Row`] if there is no such row, [`Error::Length`] if `to` is not `k` long.
    pub fn read_row(&self, row: usize, to: &mut [f32]) -> Result<(), Error> {
        if row >= self.m {
            return Err(Error::Row { row, rows: self.m });
        }
        length("the row", to.len(), self.k)?;
        let integers = &self.integers[row * self.stride..][..self.k];
        for (i, (to, integer)) in to.iter_mut().zip(integers).enumerate() {
            *to = f32::from(*integer) * self.scales[row * self.groups() + i / GROUP];
        }
        Ok(())
    }
}

for_sets! {
    /// Writes the integers, scales and corrections of a row.
    unsafe fn quantise_row(x: &[f32], integers: &mut [i8], scales: &mut [f32], corrections: &mut [i32]) {
        integers[x.len()..].fill(0);
        let groups = x.chunks(GROUP).zip(integers.chunks_mut(GROUP));
        for ((x, integers), (scale, correction)) in groups.zip(scales.iter_mut().zip(corrections)) {
            (*scale, *correction) = quantise_group(x, integers);
        }
    }
}

/// Scale and correction. As integers, magnitudes have the order of the numbers, with NaN above all.
#[inline(always)]
fn quantise_group(x: &[f32], integers: &mut [i8]) -> (f32, i32) {
    let peak = x
        .iter()
        .fold(0, |peak, x| peak.max(x.to_bits() & 0x7fff_ffff));
    let peak = f32::from_bits(peak);
    // An infinity or NaN becomes the scale, so that it shows in the result.
    let inverse = if peak > TINY { 127.0 / peak } else { 0.0 };
    let mut sum = 0;
    for (integer, x) in integers.iter_mut().zip(x) {
        let rounded = (x * inverse + ROUND).to_bits() as i32 - ROUND.to_bits() as i32;
        *integer = rounded as i8;
        sum += i32::from(*integer);
    }
    let scale = if peak <= TINY { 0.0 } else { peak / 127.0 };
    (scale, -128 * sum)
}
