//! 8-bit integers with a scale per row, transposed, as `MatMulIntegerToFloat` takes them.

use rayon::prelude::*;
use unmask_sdk::BackendError;
use unmask_sdk::weights::{Dtype, Weight};

use super::{little_endian, rounded, rows};

/// Rows that a thread turns at once: a cache line of the transposed matrix.
const STRIP: usize = 64;
/// The largest magnitude.
const PEAK: f32 = 127.0;
/// Zero, where the numbers are kept unsigned.
const MIDDLE: u8 = 128;

/// How the numbers are kept: signed where the processor has instructions for unsigned by signed products, else unsigned
/// around 128, as the runtime's kernel for the other case adds pairs in 16 bits and saturates.
pub(super) fn dtype() -> Dtype {
    #[cfg(target_arch = "x86_64")]
    if !is_x86_feature_detected!("avx512vnni") && !is_x86_feature_detected!("avxvnni") {
        return Dtype::U8;
    }
    Dtype::I8
}

/// Some rows, transposed to `[columns, rows of the strip]`, and their scales.
struct Strip {
    rows: usize,
    numbers: Vec<u8>,
    scales: Vec<f32>,
}

/// Numbers `[columns, rows]` and scales `[rows]`.
pub(super) fn pack(weight: &Weight<'_>) -> Result<[Vec<u8>; 2], BackendError> {
    let (height, columns) = (weight.shape[0], weight.row_len());
    let offset = if dtype() == Dtype::U8 { MIDDLE } else { 0 };
    let strip = |first: usize| strip(weight, first, STRIP.min(height - first), offset);
    let firsts: Vec<usize> = (0..height).step_by(STRIP).collect();
    let strips: Vec<Strip> = firsts
        .into_par_iter()
        .map(strip)
        .collect::<Result<_, BackendError>>()?;
    let mut numbers = vec![0; height * columns];
    let lines = numbers.par_chunks_exact_mut(height.max(1)).enumerate();
    lines.for_each(|(column, line)| {
        for (line, strip) in line.chunks_mut(STRIP).zip(&strips) {
            line.copy_from_slice(&strip.numbers[column * strip.rows..][..strip.rows]);
        }
    });
    let scales = strips.iter().flat_map(|strip| strip.scales.iter().copied());
    Ok([numbers, little_endian(scales)])
}

fn strip(
    weight: &Weight<'_>,
    first: usize,
    count: usize,
    offset: u8,
) -> Result<Strip, BackendError> {
    let columns = weight.row_len();
    let numbers = rows(weight, first, count)?;
    let mut strip = Strip {
        rows: count,
        numbers: vec![0; numbers.len()],
        scales: Vec::with_capacity(count),
    };
    let mut line = vec![0; columns];
    for (row, numbers) in numbers.chunks_exact(columns).enumerate() {
        let scale = quantise(numbers, &mut line);
        strip.scales.push(scale);
        for (column, number) in line.iter().enumerate() {
            strip.numbers[column * count + row] = number.wrapping_add(offset);
        }
    }
    Ok(strip)
}

/// Writes a row's numbers as bytes of signed integers and returns their scale.
fn quantise(numbers: &[f32], out: &mut [u8]) -> f32 {
    let peak = numbers.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
    // A row of zeros, and one of numbers too small to divide by.
    if peak < f32::MIN_POSITIVE * PEAK {
        out.fill(0);
        return 0.0;
    }
    let factor = PEAK / peak;
    for (out, number) in out.iter_mut().zip(numbers) {
        *out = rounded(number * factor) as u8;
    }
    peak / PEAK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_number_of_a_row_is_kept_exactly() {
        let mut out = [0; 4];
        let scale = quantise(&[0.5, -2.0, 0.0, 1.0], &mut out);
        assert_eq!(out.map(|it| it as i8), [32, -127, 0, 64]);
        assert_eq!(scale * -127.0, -2.0);
        assert_eq!(quantise(&[0.0; 4], &mut out), 0.0);
    }
}
