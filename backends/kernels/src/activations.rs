//! Activations: rows of signed 8-bit integers with a scale for each 128 columns, or for more that are alike.
//!
//! A group `x` becomes `q = round(127 x / max |x|)`, ties to even, and the scale `max |x| / 127`. One scale a row would lose
//! much where a few channels are far larger than the rest, as they are in language models (LLM.int8(), arXiv:2208.07339).
//!
//! Sums of different scales cannot be added as integers, and scaling them takes a kernel 5 to 8 % of its time. So the up to
//! four groups of a *run* of 512 columns have the largest of their scales in common wherever that makes the run's rounding
//! error at most 1.6 times as large: 1.15 times for normal numbers, 1.3 for products of such (SwiGLU), of which 19 runs in 20
//! keep to it. One scale would double the error of a run with an outlier, which therefore keeps to its group.

use crate::Pool;
use crate::aligned::{Aligned, Shared};
use crate::error::{Error, length};
use crate::matrix::{GROUP, UNIT, padded};
use crate::set::for_sets;

/// Rows of a job.
const ROWS: usize = 8;
/// Groups of a run: the sum of 512 products of integers up to 127 is exact in f32, as that of 128 is.
pub(crate) const RUN: usize = 4;
/// How much larger one scale may make the error of a run, as a root mean square: the error of a number goes with its scale.
const LOSS: f32 = 1.6;
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
    pub(crate) groups: Aligned<Group>,
}

/// What belongs to the integers of a group of a row.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct Group {
    pub(crate) scale: f32,
    /// -128 times the sum of the integers: weights are used with 128 added to them.
    pub(crate) correction: i32,
    /// The sum of the corrections of this group and those that it is added up with, if it is the first of them, else 0.
    pub(crate) start: i32,
    /// All ones if what was added up is to be scaled behind this group, 0 if the next group has the same scale.
    pub(crate) end: i32,
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
    pub(crate) fn row_groups(&self) -> usize {
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
        self.groups.resize(m * self.row_groups());
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
        let (stride, groups) = (self.stride, self.row_groups());
        let integers = Shared::new(&mut self.integers);
        let of_groups = Shared::new(&mut self.groups);
        pool.run(m.div_ceil(ROWS), |job| {
            for at in job * ROWS..((job + 1) * ROWS).min(m) {
                // SAFETY: each row is given to one job.
                let (integers, of_groups) = unsafe {
                    (
                        integers.part(at * stride, stride),
                        of_groups.part(at * groups, groups),
                    )
                };
                // SAFETY: a pool's set is available.
                row(at, &mut |x| unsafe {
                    quantise_row(pool.set(), x, integers, of_groups)
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
        let (stride, groups) = (self.stride, self.row_groups());
        let integers = Shared::new(&mut self.integers);
        let of_groups = Shared::new(&mut self.groups);
        pool.run(rows.len().div_ceil(ROWS), |job| {
            for (at, row) in rows.iter().enumerate().skip(job * ROWS).take(ROWS) {
                let row = *row as usize;
                // SAFETY: each row is given to one job.
                let (integers, of_groups) = unsafe {
                    (
                        integers.part(at * stride, stride),
                        of_groups.part(at * groups, groups),
                    )
                };
                integers.copy_from_slice(&from.integers[row * stride..][..stride]);
                of_groups.copy_from_slice(&from.groups[row * groups..][..groups]);
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
            *to = f32::from(*integer) * self.groups[row * self.row_groups() + i / GROUP].scale;
        }
        Ok(())
    }
}

for_sets! {
    /// Writes the integers of a row and what belongs to its groups.
    unsafe fn quantise_row(x: &[f32], integers: &mut [i8], groups: &mut [Group]) {
        integers[x.len()..].fill(0);
        let runs = x.chunks(RUN * GROUP).zip(integers.chunks_mut(RUN * GROUP));
        for ((x, integers), groups) in runs.zip(groups.chunks_mut(RUN)) {
            quantise_run(x, integers, groups);
        }
    }
}

#[inline(always)]
fn quantise_run(x: &[f32], integers: &mut [i8], groups: &mut [Group]) {
    let mut peaks = [0.0; RUN];
    let peaks = &mut peaks[..groups.len()];
    for (peak, x) in peaks.iter_mut().zip(x.chunks(GROUP)) {
        *peak = largest(x);
    }
    let most = peaks.iter().copied().fold(0.0, f32::max);
    // As many times as there are columns: the last group may be shorter.
    let squares = |peaks: &[f32]| -> f32 {
        let parts = peaks.iter().zip(x.chunks(GROUP));
        parts
            .map(|(peak, x)| (peak / most).powi(2) * x.len() as f32)
            .sum()
    };
    // Not so with an infinity, a NaN or zeros alone, which leave no number here.
    let alike = x.len() as f32 <= LOSS * LOSS * squares(peaks);
    if alike {
        peaks.fill(most);
    }
    let parts = x.chunks(GROUP).zip(integers.chunks_mut(GROUP));
    for (((x, integers), peak), group) in parts.zip(&*peaks).zip(&mut *groups) {
        *group = quantise_group(x, *peak, integers);
    }
    if alike {
        let correction = groups.iter().map(|group| group.correction).sum();
        for group in &mut *groups {
            (group.start, group.end) = (0, 0);
        }
        groups[0].start = correction;
        groups[groups.len() - 1].end = -1;
    }
}

/// The largest magnitude. As integers, magnitudes have the order of the numbers, with NaN above all.
#[inline(always)]
fn largest(x: &[f32]) -> f32 {
    let peak = x
        .iter()
        .fold(0, |peak, x| peak.max(x.to_bits() & 0x7fff_ffff));
    f32::from_bits(peak)
}

/// As a run of its own.
#[inline(always)]
fn quantise_group(x: &[f32], peak: f32, integers: &mut [i8]) -> Group {
    // An infinity or NaN becomes the scale, so that it shows in the result.
    let inverse = if peak > TINY { 127.0 / peak } else { 0.0 };
    let mut sum = 0;
    for (integer, x) in integers.iter_mut().zip(x) {
        let rounded = (x * inverse + ROUND).to_bits() as i32 - ROUND.to_bits() as i32;
        *integer = rounded as i8;
        sum += i32::from(*integer);
    }
    Group {
        scale: if peak <= TINY { 0.0 } else { peak / 127.0 },
        correction: -128 * sum,
        start: -128 * sum,
        end: -1,
    }
}

#[cfg(test)]
mod tests;
