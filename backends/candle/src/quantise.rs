//! Turns matrices of a checkpoint into blocks, a few rows at a time on every thread.

use candle_core::quantized::QTensor;
use candle_core::{Device, Tensor};
use rayon::prelude::*;
use unmask_sdk::BackendError;
use unmask_sdk::weights::Weights;
use unmask_sdk::weights::cache::Writer;

use crate::matrix::{MatrixSource, TensorRows};
use crate::precision::Precision;
use crate::{device, device_error};

/// Numbers that a thread quantises at once.
const PIECE: usize = 1 << 20;

/// Writes one matrix.
///
/// # Errors
/// Those of reading the checkpoint and of the writer.
pub(crate) fn write(
    weights: &Weights,
    spec: &MatrixSource,
    precision: Precision,
    writer: &mut Writer<'_>,
) -> Result<(), BackendError> {
    // Every wave is all threads' work for a moment; the order of the bytes stays that of the rows.
    for wave in pieces(spec).chunks(rayon::current_num_threads() * 4) {
        let quantise = |piece: &Piece| quantised(weights, spec, precision, piece);
        let ready: Result<Vec<Vec<u8>>, BackendError> = wave.par_iter().map(quantise).collect();
        ready?.iter().try_for_each(|bytes| writer.write(bytes))?;
    }
    for part in &spec.parts {
        weights.release(&part.name);
    }
    Ok(())
}

/// Rows `first..end` of the tensor of part `part`.
struct Piece {
    part: usize,
    first: usize,
    end: usize,
}

fn pieces(spec: &MatrixSource) -> Vec<Piece> {
    let step = (PIECE / spec.columns).max(1);
    let cut = |(index, part): (usize, &TensorRows)| {
        let end = part.first + part.rows;
        (part.first..end).step_by(step).map(move |first| Piece {
            part: index,
            first,
            end: (first + step).min(end),
        })
    };
    spec.parts.iter().enumerate().flat_map(cut).collect()
}

fn quantised(
    weights: &Weights,
    spec: &MatrixSource,
    precision: Precision,
    piece: &Piece,
) -> Result<Vec<u8>, BackendError> {
    let weight = spec.parts[piece.part].tensor(weights, spec.columns)?;
    let count = piece.end - piece.first;
    let columns = device::kept_columns(precision, spec.columns);
    let mut numbers = vec![0.0; count * columns];
    for (row, numbers) in (piece.first..piece.end).zip(numbers.chunks_exact_mut(columns)) {
        weight.read_rows(row..row + 1, &mut numbers[..spec.columns])?;
    }
    let quantise = || {
        let numbers = Tensor::from_vec(numbers, (count, columns), &Device::Cpu)?;
        let blocks = QTensor::quantize(&numbers, precision.kind())?;
        Ok(blocks.data()?.into_owned())
    };
    quantise().map_err(device_error)
}
