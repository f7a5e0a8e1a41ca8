//! Loads a network's matrices in the requested precision and accounts for their memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use rayon::prelude::*;
use unmask_sdk::machine::Memory;
use unmask_sdk::weights::cache::{self, Array, Cache, CachedArrays};
use unmask_sdk::weights::{Dtype, Weights};
use unmask_sdk::{BackendError, Meter, Progress, memory};

use crate::matrix::{Matrix, MatrixSource, Numbers};
use crate::precision::Precision;
use crate::{blocks, device, device_error, quantise};

/// Raised when other blocks are made of the same numbers.
const EDITION: u32 = 1;

/// Everything that loading a matrix needs.
pub(crate) struct MatrixLoader<'a> {
    pub(crate) weights: &'a Arc<Weights>,
    pub(crate) precision: Precision,
    pub(crate) cache_folder: Option<&'a Path>,
    pub(crate) progress: &'a Progress<'a>,
}

/// What a loaded network takes, and what its user should know.
pub(crate) struct Held {
    /// Bytes held, mapped files not counted.
    pub(crate) memory_bytes: u64,
    /// Lines for `ModelFacts::notes`.
    pub(crate) notes: Vec<String>,
}

/// Bytes that `specs` hold once they are loaded: what passes work with, and the quantised matrices themselves where they
/// are not `kept` in a file.
pub(crate) fn held_bytes(specs: &[MatrixSource], precision: Precision, kept: bool) -> u64 {
    let working = working_bytes(specs, precision);
    match blocked(specs, precision) {
        specs if kept || specs.is_empty() => working,
        specs => working + cache::held_bytes(&arrays(&specs, precision)),
    }
}

/// Bytes that passes work with: dense matrices, and candle's arrangements of quantised ones.
fn working_bytes(specs: &[MatrixSource], precision: Precision) -> u64 {
    let working = |spec: &MatrixSource| match precision.fitting(spec.columns) {
        Precision::F32 => spec.bytes(Precision::F32),
        precision => {
            let columns = device::kept_columns(precision, spec.columns);
            device::arranged_bytes(precision, spec.rows(), columns)
        }
    };
    specs.iter().map(working).sum()
}

/// What quantised matrices are kept as: the bytes of their blocks.
fn arrays(specs: &[MatrixSource], precision: Precision) -> Vec<Array> {
    let array = |spec: &MatrixSource| {
        let precision = precision.fitting(spec.columns);
        let row_bytes = precision.row_bytes(device::kept_columns(precision, spec.columns));
        Array::new(spec.name.clone(), Dtype::U8, &[spec.rows(), row_bytes])
    };
    specs.iter().map(array).collect()
}

/// Those of `specs` that are quantised.
fn blocked(specs: &[MatrixSource], precision: Precision) -> Vec<MatrixSource> {
    let blocked = |spec: &&MatrixSource| precision.fitting(spec.columns) != Precision::F32;
    specs.iter().filter(blocked).cloned().collect()
}

impl MatrixLoader<'_> {
    /// Loads `specs` in their order, quantising them or taking them from the cache folder.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`], [`BackendError::OutOfMemory`] and [`BackendError::Cancelled`], as `Backend::load`.
    pub(crate) fn load(&self, specs: &[MatrixSource]) -> Result<(Vec<Matrix>, Held), BackendError> {
        self.check_memory(specs, Memory::now().free_bytes)?;
        let blocked = blocked(specs, self.precision);
        let mut notes = fallbacks(specs, self.precision);
        let mut memory_bytes = working_bytes(specs, self.precision);
        let mut kept = None;
        if !blocked.is_empty() {
            let opened = self.kept(&blocked)?;
            notes.extend(opened.note);
            memory_bytes += opened.held_bytes;
            kept = Some(opened.weights);
        }
        let total = specs.iter().map(|spec| self.bytes(spec)).sum();
        let meter = Meter::new(self.progress, "arranging weights", total);
        let load = |spec: &MatrixSource| {
            let matrix = self.matrix(spec, kept.as_ref())?;
            matrix.arrange().map_err(device_error)?;
            if let Some(kept) = &kept {
                kept.release(&spec.name);
            }
            meter.add(self.bytes(spec))?;
            Ok(matrix)
        };
        let matrices = specs.par_iter().map(load);
        let matrices = matrices.collect::<Result<_, BackendError>>()?;
        if let Some(kept) = &kept {
            kept.check_whole()?;
        }
        let held = Held {
            memory_bytes,
            notes,
        };
        Ok((matrices, held))
    }

    /// The blocks of `specs`.
    fn kept(&self, specs: &[MatrixSource]) -> Result<CachedArrays, BackendError> {
        let cache = Cache {
            label: &format!("candle-{}", self.precision.name()),
            edition: EDITION,
            checkpoint: self.weights,
            arrays: &arrays(specs, self.precision),
            folder: self.cache_folder,
            progress: self.progress,
        };
        cache.open(|writer| {
            let mut each = specs.iter();
            each.try_for_each(|spec| {
                let precision = self.precision.fitting(spec.columns);
                quantise::write(self.weights, spec, precision, writer)
            })
        })
    }

    fn bytes(&self, spec: &MatrixSource) -> u64 {
        spec.bytes(self.precision.fitting(spec.columns))
    }

    fn check_memory(&self, specs: &[MatrixSource], free: u64) -> Result<(), BackendError> {
        let needed = held_bytes(specs, self.precision, self.cache_folder.is_some());
        let remedy = match self.precision {
            Precision::Q4K => "close other programs or choose a smaller model",
            _ => "try precision = \"int4\"",
        };
        memory::check_weights(needed, free, self.precision.name(), remedy)
    }

    fn matrix(
        &self,
        spec: &MatrixSource,
        kept: Option<&Arc<Weights>>,
    ) -> Result<Matrix, BackendError> {
        let precision = self.precision.fitting(spec.columns);
        let shape = (spec.rows(), device::kept_columns(precision, spec.columns));
        let numbers = match kept.filter(|_| precision != Precision::F32) {
            Some(kept) => blocks::tensor(kept, &spec.name, precision, 0, shape)
                .map(|blocks| Numbers::Quantised(Box::new(blocks))),
            None => Tensor::from_vec(self.stacked(spec)?, shape, &Device::Cpu).map(Numbers::Dense),
        };
        let bias = spec.bias(self.weights)?;
        let bias = bias.map(|bias| Tensor::from_vec(bias, spec.rows(), &Device::Cpu));
        Ok(Matrix {
            numbers: numbers.map_err(device_error)?,
            bias: bias.transpose().map_err(device_error)?,
        })
    }

    fn stacked(&self, spec: &MatrixSource) -> Result<Vec<f32>, BackendError> {
        let mut numbers = vec![0.0; spec.rows() * spec.columns];
        let mut rest = numbers.as_mut_slice();
        for part in &spec.parts {
            let weight = part.tensor(self.weights, spec.columns)?;
            let (numbers, after) = rest.split_at_mut(part.rows * spec.columns);
            weight.read_rows(part.first..part.first + part.rows, numbers)?;
            self.weights.release(&part.name);
            rest = after;
        }
        Ok(numbers)
    }
}

/// Says which matrices are not kept in the precision asked for.
fn fallbacks(specs: &[MatrixSource], requested: Precision) -> Vec<String> {
    let mut groups: BTreeMap<(usize, Precision), Vec<&MatrixSource>> = BTreeMap::new();
    for spec in specs {
        let precision = requested.fitting(spec.columns);
        if precision != requested {
            groups
                .entry((spec.columns, precision))
                .or_default()
                .push(spec);
        }
    }
    let describe = |((columns, precision), group): (&(usize, Precision), &Vec<&MatrixSource>)| {
        let mut labels: Vec<&str> = Vec::new();
        for spec in group {
            if !labels.contains(&spec.label) {
                labels.push(spec.label);
            }
        }
        format!(
            "{} of {} matrices ({}) have rows of {columns}, not a multiple of {}: kept as {}",
            group.len(),
            specs.len(),
            labels.join(", "),
            requested.kind().block_size(),
            precision.name()
        )
    };
    groups.iter().map(describe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::{Parts, TensorRows};

    fn spec(name: &str, label: &'static str, rows: usize, columns: usize) -> MatrixSource {
        MatrixSource {
            name: name.to_owned(),
            label,
            parts: vec![TensorRows {
                name: name.to_owned(),
                first: 0,
                rows,
                of_rows: rows,
                bias: None,
            }],
            columns,
            parts_are: Parts::Rows,
        }
    }

    #[test]
    fn fallbacks_are_told_in_one_line_per_row_length() {
        let specs = [
            spec("0.q", "q_proj", 320, 320),
            spec("1.q", "q_proj", 320, 320),
            spec("0.down", "ff_out", 320, 100),
            spec("head", "lm_head", 320, 512),
        ];
        assert_eq!(
            fallbacks(&specs, Precision::Q4K),
            [
                "1 of 4 matrices (ff_out) have rows of 100, not a multiple of 256: kept as f32",
                "2 of 4 matrices (q_proj) have rows of 320, not a multiple of 256: kept as q8_0",
            ]
        );
        assert!(fallbacks(&specs[..2], Precision::Q8_0).is_empty());
    }

    #[test]
    fn too_little_memory_is_told_before_anything_is_read() {
        let weights = Arc::new(Weights::open(&[]).expect("no files are fine"));
        let loader = MatrixLoader {
            weights: &weights,
            precision: Precision::F32,
            cache_folder: None,
            progress: &|_| std::ops::ControlFlow::Continue(()),
        };
        let specs = [spec("head", "lm_head", 1 << 20, 1 << 10)];
        let error = loader
            .check_memory(&specs, 1 << 30)
            .expect_err("4 GiB do not fit into 1");
        assert_eq!(
            error.to_string(),
            "the weights need 4.3 GB as f32, but only 1.1 GB of memory is free; try precision = \"int4\""
        );
        assert!(
            loader.check_memory(&specs, 0).is_ok(),
            "unknown memory is no obstacle"
        );
    }
}
