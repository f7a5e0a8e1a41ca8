//! Matrices in the blocks of a GGUF file, whichever types it mixes. What it stores as floats is computed in `f32`.

use std::sync::Arc;

use candle_core::quantized::QTensor;
use candle_core::{Device, Tensor};
use rayon::prelude::*;
use unmask_sdk::machine::Memory;
use unmask_sdk::weights::Weights;
use unmask_sdk::{BackendError, Meter, Progress, memory};

use crate::loader::Held;
use crate::matrix::{Matrix, MatrixSource, Numbers, TensorRows};
use crate::precision::{Choice, Precision};
use crate::{blocks, device, device_error};

/// Bytes that `specs` hold once they are loaded. Blocks that are multiplied as they are count, since every pass reads them.
///
/// # Errors
/// [`BackendError::Unsupported`] unless `weights` hold blocks; [`BackendError::Checkpoint`].
pub(crate) fn held_bytes(weights: &Weights, specs: &[MatrixSource]) -> Result<u64, BackendError> {
    let (mut held, mut has_blocks) = (0, false);
    for spec in specs {
        for part in &spec.parts {
            let tensor = part.tensor(weights, spec.columns)?;
            let precision = Precision::of(tensor.blocks());
            if precision != Precision::F32 {
                // What is read is tested as it is read.
                tensor.check_finite()?;
            }
            has_blocks |= precision != Precision::F32;
            let bytes = (part.rows * precision.row_bytes(spec.columns)) as u64;
            held += match device::arranged_bytes(precision, part.rows, spec.columns) {
                0 => bytes,
                arranged if tensor.block_bytes().is_some() => arranged,
                arranged => arranged + bytes,
            };
        }
    }
    match has_blocks {
        true => Ok(held),
        false => Err(BackendError::Unsupported(format!(
            "precision = \"stored\" takes the blocks of a GGUF file as they are, and these weights are none; choose another of {}",
            Choice::here().map(Choice::name).join(", ")
        ))),
    }
}

/// Loads `specs` in their order.
///
/// # Errors
/// As [`held_bytes`]; [`BackendError::OutOfMemory`] and [`BackendError::Cancelled`].
pub(crate) fn load(
    weights: &Arc<Weights>,
    specs: &[MatrixSource],
    progress: &Progress<'_>,
) -> Result<(Vec<Matrix>, Held), BackendError> {
    let memory_bytes = held_bytes(weights, specs)?;
    let remedy = "close other programs or choose a smaller file";
    let free = Memory::now().free_bytes;
    memory::check_weights(memory_bytes, free, Choice::Stored.name(), remedy)?;
    let meter = Meter::new(progress, "arranging weights", specs.len() as u64);
    let load = |spec: &MatrixSource| {
        let matrix = matrix(weights, spec)?;
        matrix.arrange().map_err(device_error)?;
        for part in &spec.parts {
            weights.release(&part.name);
        }
        meter.add(1)?;
        Ok(matrix)
    };
    let matrices = specs.par_iter().map(load);
    let matrices = matrices.collect::<Result<_, BackendError>>()?;
    weights.check_whole()?;
    let held = Held {
        memory_bytes,
        notes: Vec::new(),
    };
    Ok((matrices, held))
}

fn matrix(weights: &Arc<Weights>, spec: &MatrixSource) -> Result<Matrix, BackendError> {
    let parts = spec.parts.iter();
    let parts = parts.map(|part| numbers(weights, part, spec.columns));
    let mut parts: Vec<Numbers> = parts.collect::<Result<_, _>>()?;
    let bias = spec.bias(weights)?;
    let bias = bias.map(|bias| Tensor::from_vec(bias, spec.rows(), &Device::Cpu));
    Ok(Matrix {
        numbers: match parts.len() {
            1 => parts.remove(0),
            _ => Numbers::Stacked(parts),
        },
        bias: bias.transpose().map_err(device_error)?,
    })
}

fn numbers(
    weights: &Arc<Weights>,
    part: &TensorRows,
    columns: usize,
) -> Result<Numbers, BackendError> {
    let tensor = part.tensor(weights, columns)?;
    let precision = Precision::of(tensor.blocks());
    let (shape, rows) = ((part.rows, columns), part.first..part.first + part.rows);
    let numbers = match precision {
        Precision::F32 => {
            let mut numbers = vec![0.0; part.rows * columns];
            tensor.read_rows(rows, &mut numbers)?;
            Tensor::from_vec(numbers, shape, &Device::Cpu).map(Numbers::Dense)
        }
        _ if tensor.block_bytes().is_some() => {
            let mapped = blocks::tensor(weights, &part.name, precision, part.first, shape);
            mapped.map(|blocks| Numbers::Quantised(Box::new(blocks)))
        }
        // In another order than theirs.
        _ => {
            let mut bytes = Vec::new();
            rows.for_each(|row| tensor.copy_row(row, &mut bytes));
            let storage = precision.kind().from_data(bytes.into());
            QTensor::new(candle_core::quantized::QStorage::Cpu(storage), shape)
                .map(|blocks| Numbers::Quantised(Box::new(blocks)))
        }
    };
    numbers.map_err(device_error)
}
