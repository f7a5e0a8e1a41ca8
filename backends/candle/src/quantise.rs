//! Turns matrices of a checkpoint into blocks, a few rows at a time on every thread, and streams them to a sink.

use std::io::{self, Seek, SeekFrom, Write};

use candle_core::quantized::QTensor;
use candle_core::{Device, Tensor};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use unmask_sdk::weights::Weights;
use unmask_sdk::{BackendError, Meter};

use crate::layout::Layout;
use crate::matrix::MatrixSpec;
use crate::precision::Precision;
use crate::{device, device_error};

/// Numbers that a thread quantises at once.
const PIECE: usize = 1 << 20;

/// Why nothing was built.
pub(crate) enum Failure {
    /// The sink did not take it, such as a full disk.
    Sink(io::Error),
    /// Everything else.
    Backend(BackendError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Sink(error)
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}

/// Writes the whole store to `sink`: a header without checksums, the matrices, the header again.
pub(crate) fn build(
    weights: &Weights,
    layout: &mut Layout,
    specs: &[MatrixSpec],
    meter: &Meter<'_>,
    mut sink: impl Write + Seek,
) -> Result<(), Failure> {
    sink.write_all(&layout.header())?;
    for (index, spec) in specs.iter().enumerate() {
        let precision = layout.matrices[index].precision;
        let mut hash = Sha256::new();
        // Every wave is all threads' work for a moment; the order of the bytes stays that of the rows.
        for wave in pieces(spec).chunks(rayon::current_num_threads() * 4) {
            let quantise = |piece: &Piece| quantised(weights, spec, precision, piece, meter);
            let ready: Result<Vec<Vec<u8>>, BackendError> = wave.par_iter().map(quantise).collect();
            for bytes in ready? {
                hash.update(&bytes);
                sink.write_all(&bytes)?;
            }
        }
        for (name, _) in &spec.parts {
            weights.release(name);
        }
        layout.matrices[index].checksum = hash.finalize().into();
        sink.write_all(layout.gap_after(index))?;
    }
    sink.seek(SeekFrom::Start(0))?;
    sink.write_all(&layout.header())?;
    Ok(sink.flush()?)
}

/// Rows `first..end` of part `part`.
struct Piece {
    part: usize,
    first: usize,
    end: usize,
}

fn pieces(spec: &MatrixSpec) -> Vec<Piece> {
    let step = (PIECE / spec.columns).max(1);
    let cut = |(part, (_, rows)): (usize, &(String, usize))| {
        let rows = *rows;
        (0..rows).step_by(step).map(move |first| Piece {
            part,
            first,
            end: (first + step).min(rows),
        })
    };
    spec.parts.iter().enumerate().flat_map(cut).collect()
}

fn quantised(
    weights: &Weights,
    spec: &MatrixSpec,
    precision: Precision,
    piece: &Piece,
    meter: &Meter<'_>,
) -> Result<Vec<u8>, BackendError> {
    let (name, rows) = &spec.parts[piece.part];
    let weight = weights.shaped(name, &[*rows, spec.columns])?;
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
    let bytes = quantise().map_err(device_error)?;
    meter.add(bytes.len() as u64)?;
    Ok(bytes)
}
