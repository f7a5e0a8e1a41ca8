//! Quantised matrices that are kept on the disk, so that only the first load quantises.

use std::collections::HashMap;
use std::path::Path;

use mlx_rs::{Array, Dtype, transforms};
use unmask_sdk::decoder::MatrixSpec;
use unmask_sdk::weights::cache::{self, Cache};
use unmask_sdk::weights::{Dtype as Stored, Weights};
use unmask_sdk::{BackendError, Progress};

use crate::bytes::with_bytes;
use crate::device::failed;
use crate::matrix::Quantised;
use crate::precision::GROUP;

/// Raised when other arrays are made of the same numbers.
const EDITION: u32 = 1;

/// What is kept.
pub(crate) struct Store<'a> {
    pub(crate) weights: &'a Weights,
    pub(crate) specs: Vec<&'a MatrixSpec>,
    pub(crate) bits: usize,
    /// Of scales and biases.
    pub(crate) dtype: Dtype,
    pub(crate) folder: Option<&'a Path>,
    pub(crate) progress: &'a Progress<'a>,
}

/// Quantised matrices by name, and a line for `ModelFacts::notes`.
pub(crate) type KeptMatrices = (HashMap<String, Quantised>, Option<String>);

impl Store<'_> {
    /// Takes the matrices from the folder, or makes them of what `dense` reads, and keeps them.
    ///
    /// # Errors
    /// Those of `dense`; [`BackendError::Cancelled`]. A folder that cannot be written to is none: a note says so.
    pub(crate) fn open(
        &self,
        dense: impl Fn(&MatrixSpec) -> Result<Array, BackendError>,
    ) -> Result<KeptMatrices, BackendError> {
        let arrays: Vec<_> = (self.specs.iter())
            .flat_map(|spec| self.arrays(spec))
            .collect();
        let cache = Cache {
            label: &format!("mlx-q{}", self.bits),
            edition: EDITION,
            checkpoint: self.weights,
            arrays: &arrays,
            folder: self.folder,
            progress: self.progress,
        };
        let file = cache.open(|writer| {
            self.specs.iter().try_for_each(|spec| {
                let quantised = Quantised::new(&dense(spec)?, self.bits, GROUP);
                for array in quantised.map_err(failed)?.arrays() {
                    with_bytes(array, |bytes| writer.write(bytes)).map_err(failed)??;
                }
                Ok(())
            })
        })?;
        let mut kept = HashMap::new();
        for spec in &self.specs {
            let (rows, columns) = (spec.rows, spec.columns);
            let quantised = Quantised::read(&file.weights, &spec.name, rows, columns)?;
            transforms::eval(quantised.arrays()).map_err(failed)?;
            for tensor in tensors(&spec.name) {
                file.weights.release(&tensor);
            }
            kept.insert(spec.name.clone(), quantised);
        }
        Ok((kept, file.note))
    }

    /// What a matrix is kept as.
    fn arrays(&self, spec: &MatrixSpec) -> [cache::Array; 3] {
        let floats = match self.dtype {
            Dtype::Float16 => Stored::F16,
            Dtype::Bfloat16 => Stored::BF16,
            _ => Stored::F32,
        };
        let words = spec.columns * self.bits / 32;
        let [numbers, scales, biases] = tensors(&spec.name);
        [
            cache::Array::new(numbers, Stored::U32, &[spec.rows, words]),
            cache::Array::new(scales, floats, &[spec.rows, spec.columns / GROUP]),
            cache::Array::new(biases, floats, &[spec.rows, spec.columns / GROUP]),
        ]
    }
}

/// Bytes of a float.
pub(crate) fn width(dtype: Dtype) -> usize {
    match dtype {
        Dtype::Float16 | Dtype::Bfloat16 => 2,
        _ => 4,
    }
}

/// The tensors that a quantised matrix consists of.
pub(crate) fn tensors(name: &str) -> [String; 3] {
    let stem = name.strip_suffix(".weight").unwrap_or(name);
    ["weight", "scales", "biases"].map(|part| format!("{stem}.{part}"))
}
