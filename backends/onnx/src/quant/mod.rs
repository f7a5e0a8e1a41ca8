//! Matrices in fewer bits: how each precision keeps one (`int8`, `int4`, `f16`).

mod f16;
mod int4;
mod int8;

use unmask_sdk::BackendError;
use unmask_sdk::decoder::MatrixSpec;
use unmask_sdk::weights::cache::Array;
use unmask_sdk::weights::{Dtype, Weight, Weights};

pub(crate) use int4::BLOCK;

use crate::precision::Precision;

/// Raised when other arrays are made of the same numbers.
pub(crate) const EDITION: u32 = 1;

/// The arrays of a matrix in `precision`: its numbers, and scales if it has any. None for `f32`, which is not kept.
pub(crate) fn arrays(spec: &MatrixSpec, precision: Precision) -> Vec<Array> {
    let array = |what: &str, dtype, shape: &[usize]| {
        let name = format!("{}.{}.{what}", spec.name, precision.name());
        Array::new(name, dtype, shape)
    };
    let (rows, columns) = (spec.rows, spec.columns);
    match precision {
        Precision::F32 => Vec::new(),
        Precision::F16 => vec![array("numbers", Dtype::F16, &[rows, columns])],
        Precision::Int8 => vec![
            array("numbers", int8::dtype(), &[columns, rows]),
            array("scales", Dtype::F32, &[rows]),
        ],
        Precision::Int4 => {
            let blocks = columns.div_ceil(BLOCK);
            vec![
                array("numbers", Dtype::U8, &[rows, blocks, BLOCK / 2]),
                array("scales", Dtype::F32, &[rows, blocks]),
            ]
        }
    }
}

/// The bytes of [`arrays`], made on all threads of the pool.
///
/// # Errors
/// Those of reading the checkpoint.
pub(crate) fn pack(
    weights: &Weights,
    spec: &MatrixSpec,
    precision: Precision,
) -> Result<Vec<Vec<u8>>, BackendError> {
    let weight = weights.shaped(&spec.name, &[spec.rows, spec.columns])?;
    match precision {
        Precision::F32 => Ok(Vec::new()),
        Precision::F16 => Ok(vec![f16::pack(&weight)?]),
        Precision::Int8 => int8::pack(&weight).map(Vec::from),
        Precision::Int4 => int4::pack(&weight).map(Vec::from),
    }
}

/// `x` to the nearest integer, ties to even, for magnitudes below 2²²; the system's function is a call for each number.
fn rounded(x: f32) -> i32 {
    /// Adding it rounds to an integer, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    (x + ROUND).to_bits().wrapping_sub(ROUND.to_bits()) as i32
}

/// Rows `first..first + count` of a weight as `f32`.
fn rows(weight: &Weight<'_>, first: usize, count: usize) -> Result<Vec<f32>, BackendError> {
    let mut numbers = vec![0.0; count * weight.row_len()];
    weight.read_rows(first..first + count, &mut numbers)?;
    Ok(numbers)
}

fn little_endian(numbers: impl Iterator<Item = f32>) -> Vec<u8> {
    numbers.flat_map(f32::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_the_nearest_and_ties_to_even() {
        let cases = [(0.5, 0), (1.5, 2), (-1.5, -2), (126.6, 127), (-0.2, 0)];
        for (x, expected) in cases {
            assert_eq!(rounded(x), expected, "{x}");
        }
    }
}
