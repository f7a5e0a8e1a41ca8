//! Packing: from rows of floats to panels, the same bytes on every instruction set and number of threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::aligned::{Aligned, Shared};
use crate::error::{Error, length, same};
use crate::matrix::{Format, GROUP, Layout, PANEL, padded};
use crate::set::for_sets;
use crate::{Pool, Source};

/// Tries for the step of a 4-bit group: its largest weight comes to lie at the negative of this. 8 first, so that of equals what
/// was in 4 bits before stays as it is.
const STRETCHES: [f32; 7] = [8.0, 6.4, 6.8, 7.2, 7.6, 8.3, 8.7];
/// Groups whose largest weight is below have the scale 0: its inverse would overflow.
const TINY: f32 = 1e-30;
/// `x + ROUND` has no bits below 1, so adding it rounds to the nearest, ties to even, and leaves an integer in the low bits.
const ROUND: f32 = 12_582_912.0;

/// Packs all panels into `to`, [`Layout::bytes`] of them, on all threads. `cancelled` is asked before each panel.
///
/// # Errors
/// If sizes do not fit, if a weight is not finite, or [`Error::Cancelled`].
pub fn pack(
    pool: &Pool,
    layout: Layout,
    source: &Source<'_>,
    to: &mut [u8],
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<(), Error> {
    check(layout, source)?;
    length("the packed matrix", to.len(), layout.bytes())?;
    let (bytes, panels) = (layout.panel_bytes(), Shared::new(to));
    let (first_error, failed) = (Mutex::new(None), AtomicBool::new(false));
    pool.run(layout.panels(), |panel| {
        if failed.load(Ordering::Relaxed) {
            return;
        }
        // SAFETY: each panel is given to one job.
        let to = unsafe { panels.part(panel * bytes, bytes) };
        let result = match cancelled() {
            true => Err(Error::Cancelled),
            false => pack_panel(pool, layout, source, panel, to),
        };
        if let Err(error) = result {
            failed.store(true, Ordering::Relaxed);
            first_error
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .get_or_insert(error);
        }
    });
    match first_error
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
    {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Packs one panel, [`Layout::panel_bytes`], on this thread: for who writes panels to a file as they come.
///
/// # Errors
/// If sizes do not fit, or a weight is not finite.
pub fn pack_panel(
    pool: &Pool,
    layout: Layout,
    source: &Source<'_>,
    panel: usize,
    to: &mut [u8],
) -> Result<(), Error> {
    check(layout, source)?;
    length("the packed panel", to.len(), layout.panel_bytes())?;
    if panel >= layout.panels() {
        return Err(Error::Row {
            row: panel,
            rows: layout.panels(),
        });
    }
    let mut numbers = Aligned::new(layout.k());
    for at in 0..PANEL {
        let Some(row) = layout.source_row(panel, at) else {
            blank_row(layout, at, to);
            continue;
        };
        // SAFETY: a pool's set is available.
        let packed = unsafe { pack_row(pool.set(), layout, source, row, at, &mut numbers, to) };
        packed.ok_or(Error::NotFinite { row })?;
    }
    Ok(())
}

fn check(layout: Layout, source: &Source<'_>) -> Result<(), Error> {
    same("columns", source.k(), layout.k())?;
    same("rows", source.n(), layout.n())
}

for_sets! {
    /// Packs a row of the source to `at` of a panel, by way of `numbers`; nothing if it is not finite.
    unsafe fn pack_row(layout: Layout, source: &Source<'_>, row: usize, at: usize, numbers: &mut [f32], to: &mut [u8]) -> Option<()> {
        source.read(source.row(row), numbers);
        match layout.format() {
            Format::Int8 => int8_row(layout, numbers, at, to),
            Format::Int4 => int4_row(layout, numbers, at, to),
        }
    }
}

/// The largest magnitude, if all numbers are finite. As integers, magnitudes have the order of the numbers.
#[inline(always)]
fn peak(x: &[f32]) -> Option<f32> {
    let bits = x
        .iter()
        .fold(0, |peak, x| peak.max(x.to_bits() & 0x7fff_ffff));
    Some(f32::from_bits(bits)).filter(|peak| peak.is_finite())
}

#[inline(always)]
fn round(x: f32) -> i32 {
    (x + ROUND).to_bits() as i32 - ROUND.to_bits() as i32
}

fn blank_row(layout: Layout, at: usize, to: &mut [u8]) {
    let zeros = [0i8; GROUP];
    for group in 0..layout.groups() {
        match layout.format() {
            Format::Int8 => put_bytes(
                &zeros[..layout.columns(group)],
                at,
                &mut to[layout.group_at(group)..],
            ),
            Format::Int4 => put_nibbles(layout, group, &zeros, 0.0, at, to),
        }
    }
    if layout.format() == Format::Int8 {
        put_scale(0.0, padded(layout.k()) * PANEL, at, to);
    }
}

#[inline(always)]
fn int8_row(layout: Layout, x: &[f32], at: usize, to: &mut [u8]) -> Option<()> {
    let peak = peak(x)?;
    let inverse = if peak > TINY { 127.0 / peak } else { 0.0 };
    for (group, x) in x.chunks(GROUP).enumerate() {
        let mut integers = [0i8; GROUP];
        for (to, x) in integers.iter_mut().zip(x) {
            *to = round(x * inverse) as i8;
        }
        put_bytes(
            &integers[..layout.columns(group)],
            at,
            &mut to[layout.group_at(group)..],
        );
    }
    let scale = if peak > TINY { peak / 127.0 } else { 0.0 };
    put_scale(scale, padded(layout.k()) * PANEL, at, to);
    Some(())
}

#[inline(always)]
fn put_bytes(integers: &[i8], at: usize, to: &mut [u8]) {
    for (i, four) in integers.as_chunks::<4>().0.iter().enumerate() {
        let bytes = four.map(|it| it.cast_unsigned() ^ 128);
        to[i * 4 * PANEL + at * 4..][..4].copy_from_slice(&bytes);
    }
}

#[inline(always)]
fn put_scale(scale: f32, scales_at: usize, at: usize, to: &mut [u8]) {
    to[scales_at + at * 4..][..4].copy_from_slice(&scale.to_le_bytes());
}

#[inline(always)]
fn int4_row(layout: Layout, x: &[f32], at: usize, to: &mut [u8]) -> Option<()> {
    for (group, x) in x.chunks(GROUP).enumerate() {
        let mut numbers = [0f32; GROUP];
        numbers[..x.len()].copy_from_slice(x);
        let (inverse, scale) = step(&numbers)?;
        let integers = numbers.map(|x| round((x * inverse).clamp(-8.0, 7.0)) as i8);
        put_nibbles(layout, group, &integers, scale, at, to);
    }
    Some(())
}

#[inline(always)]
fn put_nibbles(
    layout: Layout,
    group: usize,
    integers: &[i8; GROUP],
    scale: f32,
    at: usize,
    to: &mut [u8],
) {
    let (first, columns) = (layout.group_at(group), layout.columns(group));
    for (i, eight) in integers[..columns].as_chunks::<8>().0.iter().enumerate() {
        let nibble = |j: usize| eight[j].wrapping_add(8).cast_unsigned();
        let bytes: [u8; 4] = std::array::from_fn(|j| nibble(j) | nibble(j + 4) << 4);
        to[first + i * 4 * PANEL + at * 4..][..4].copy_from_slice(&bytes);
    }
    put_scale(scale, first + columns * PANEL / 2, at, to);
}

/// What a group is multiplied by before rounding, and its scale: of a few steps the one of least squared error.
///
/// With integers `q` fixed, the scale of least squared error is `Σ x q / Σ q²`, and the error `Σ x² - (Σ x q)² / Σ q²`; so
/// the step is best whose quotient is largest.
#[inline(always)]
fn step(x: &[f32; GROUP]) -> Option<(f32, f32)> {
    let peak = peak(x)?;
    if peak <= TINY {
        return Some((0.0, 0.0));
    }
    // -8 is the longer side: the largest weight goes there.
    let sign = if x.contains(&peak) { -1.0 } else { 1.0 };
    let (mut best, mut found) = (f32::NEG_INFINITY, (0.0, 0.0));
    for stretch in STRETCHES {
        let inverse = sign * stretch / peak;
        // Sixteen sums each, in an order that does not depend on the instruction set.
        let (mut products, mut squares) = ([0f32; 16], [0f32; 16]);
        for x in x.as_chunks::<16>().0 {
            for (i, x) in x.iter().enumerate() {
                let q = ((x * inverse).clamp(-8.0, 7.0) + ROUND) - ROUND;
                products[i] += x * q;
                squares[i] += q * q;
            }
        }
        let (product, square) = (sum(products), sum(squares));
        let quality = product * product / square;
        if quality > best {
            (best, found) = (quality, (inverse, product / square));
        }
    }
    Some(found)
}

#[inline(always)]
fn sum(x: [f32; 16]) -> f32 {
    let eight: [f32; 8] = std::array::from_fn(|i| x[i] + x[i + 8]);
    let four: [f32; 4] = std::array::from_fn(|i| eight[i] + eight[i + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}
