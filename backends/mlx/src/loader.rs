//! Loads a network's matrices in the requested precision and accounts for their memory.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use mlx_rs::{Array, Dtype};
use unmask_sdk::decoder::{MatrixSpec, NormSpec};
use unmask_sdk::weights::Weights;
use unmask_sdk::{BackendError, LoadSpec, Meter, Progress, memory};

use crate::bytes;
use crate::device::{ComputeDevice, failed};
use crate::layers::Norm;
use crate::matrix::{Matrix, Numbers, Quantised, bytes_of};
use crate::names::Names;
use crate::precision::{GROUP, Precision};
use crate::store::{KeptMatrices, Store, tensors, width};

/// Everything that loading a matrix needs.
pub(crate) struct MatrixLoader<'a> {
    weights: &'a Weights,
    pub(crate) names: Names,
    device: ComputeDevice,
    precision: Precision,
    cache_folder: Option<&'a Path>,
    progress: &'a Progress<'a>,
}

/// Matrices in the order asked for.
pub(crate) struct LoadedMatrices {
    pub(crate) matrices: Vec<Matrix>,
    /// Bytes held.
    pub(crate) memory_bytes: u64,
    /// Lines for `ModelFacts::notes`.
    pub(crate) notes: Vec<String>,
    /// For `ModelFacts::precision`.
    pub(crate) precision: String,
}

impl<'a> MatrixLoader<'a> {
    /// Loads from `weights` what `spec` asks for.
    pub(crate) fn new(
        spec: &'a LoadSpec,
        weights: &'a Weights,
        device: ComputeDevice,
        precision: Precision,
        progress: &'a Progress<'a>,
    ) -> Self {
        Self {
            names: Names::of(weights),
            weights,
            device,
            precision,
            cache_folder: spec.cache_folder.as_deref(),
            progress,
        }
    }

    /// What is computed in.
    pub(crate) fn dtype(&self) -> Dtype {
        self.precision.dtype(self.device.usual_dtype())
    }

    /// Loads `specs`: as the folder has quantised them, else quantised or as floats.
    ///
    /// # Errors
    /// As `Backend::load`.
    pub(crate) fn load(&self, specs: &[MatrixSpec]) -> Result<LoadedMatrices, BackendError> {
        self.check_memory(specs)?;
        let (mut kept, note) = self.kept(specs)?;
        let mut notes: Vec<String> = note.into_iter().chain(self.fallback_note(specs)).collect();
        let total = self.total_bytes(specs);
        let meter = Meter::new(self.progress, "reading weights", total);
        let (mut matrices, mut memory_bytes) = (Vec::new(), 0);
        let mut widths = BTreeSet::new();
        for spec in specs {
            let numbers = self.numbers(spec, &mut kept)?;
            if let Numbers::Quantised(quantised) = &numbers {
                widths.insert((quantised.bits, quantised.group));
            }
            let bias = spec.bias.as_ref().map(|name| self.vector(name, spec.rows));
            let matrix = Matrix {
                numbers,
                bias: bias.transpose()?,
            };
            memory_bytes += matrix.settle()?;
            self.weights.release(&self.names.spell(&spec.name));
            matrices.push(matrix);
            meter.add(self.bytes(spec))?;
        }
        let mut precision = self.precision.name().to_owned();
        if specs
            .iter()
            .any(|spec| self.is_stored_quantised(&spec.name))
        {
            precision = names_of(&widths);
            notes.push(self.stored_note(&widths)?);
        }
        Ok(LoadedMatrices {
            matrices,
            memory_bytes,
            notes,
            precision,
        })
    }

    /// A norm.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub(crate) fn norm(&self, spec: &NormSpec, eps: f32) -> Result<Norm, BackendError> {
        let bias = spec.bias.as_ref().map(|name| self.vector(name, spec.width));
        Ok(Norm {
            weight: self.vector(&spec.weight, spec.width)?,
            bias: bias.transpose()?,
            eps,
        })
    }

    /// The table `name` if the folder has quantised it.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub(crate) fn stored_quantised(
        &self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Option<Quantised>, BackendError> {
        if !self.is_stored_quantised(name) {
            return Ok(None);
        }
        let name = self.names.spell(name);
        let read = Quantised::read(self.weights, &name, rows, columns)?;
        Ok(Some(read.cast(self.dtype()).map_err(failed)?))
    }

    fn is_stored_quantised(&self, name: &str) -> bool {
        let name = self.names.spell(name);
        let stem = name.strip_suffix(".weight").unwrap_or(&name);
        self.weights.find(&format!("{stem}.scales")).is_some()
    }

    /// Bits that this backend quantises the matrix to.
    fn own_bits(&self, spec: &MatrixSpec) -> Option<usize> {
        let fits = spec.columns.is_multiple_of(GROUP) && !self.is_stored_quantised(&spec.name);
        let bits = self.precision.bits().filter(|_| fits)?;
        Some(usize::from(bits.get()))
    }

    fn kept(&self, specs: &[MatrixSpec]) -> Result<KeptMatrices, BackendError> {
        let own = specs.iter().filter(|spec| self.own_bits(spec).is_some());
        let own: Vec<&MatrixSpec> = own.collect();
        let Some(bits) = own.first().and_then(|spec| self.own_bits(spec)) else {
            return Ok((HashMap::new(), None));
        };
        let store = Store {
            weights: self.weights,
            specs: own,
            bits,
            dtype: self.dtype(),
            folder: self.cache_folder,
            progress: self.progress,
        };
        store.open(|spec| {
            let dense = self.dense(spec)?;
            dense.eval().map_err(failed)?;
            self.weights.release(&self.names.spell(&spec.name));
            Ok(dense)
        })
    }

    fn numbers(
        &self,
        spec: &MatrixSpec,
        kept: &mut HashMap<String, Quantised>,
    ) -> Result<Numbers, BackendError> {
        if let Some(quantised) = kept.remove(&spec.name) {
            return Ok(Numbers::Quantised(quantised));
        }
        match self.stored_quantised(&spec.name, spec.rows, spec.columns)? {
            Some(quantised) => Ok(Numbers::Quantised(quantised)),
            None => Ok(Numbers::Dense(self.dense(spec)?)),
        }
    }

    fn dense(&self, spec: &MatrixSpec) -> Result<Array, BackendError> {
        self.floats(&spec.name, &[spec.rows, spec.columns])
    }

    fn vector(&self, name: &str, size: usize) -> Result<Array, BackendError> {
        self.floats(name, &[size])
    }

    fn floats(&self, name: &str, shape: &[usize]) -> Result<Array, BackendError> {
        let weight = self.weights.shaped(&self.names.spell(name), shape)?;
        let array = bytes::array(&weight)?;
        array.as_dtype(self.dtype()).map_err(failed)
    }

    /// Bytes of all matrices, once they are loaded.
    pub(crate) fn total_bytes(&self, specs: &[MatrixSpec]) -> u64 {
        specs.iter().map(|spec| self.bytes(spec)).sum()
    }

    fn bytes(&self, spec: &MatrixSpec) -> u64 {
        if self.is_stored_quantised(&spec.name) {
            let parts = tensors(&self.names.spell(&spec.name)).map(|name| self.weights.find(&name));
            return (parts.iter().flatten())
                .map(|part| part.bytes.len() as u64)
                .sum();
        }
        let own = self.own_bits(spec).map(|bits| (bits, GROUP));
        bytes_of(spec, own, width(self.dtype()))
    }

    fn check_memory(&self, specs: &[MatrixSpec]) -> Result<(), BackendError> {
        let needed = self.total_bytes(specs);
        let (_, free) = self.device.memory();
        let remedy = match self.precision {
            Precision::Q4 => "close other programs or choose a smaller model",
            Precision::Bf16 | Precision::F16 | Precision::F32 | Precision::Q8 => {
                "try precision = \"q4\""
            }
        };
        memory::check_weights(needed, free, self.precision.name(), remedy)
    }

    /// Says which matrices are not kept in the precision asked for.
    fn fallback_note(&self, specs: &[MatrixSpec]) -> Option<String> {
        self.precision.bits()?;
        let odd = specs
            .iter()
            .filter(|spec| self.own_bits(spec).is_none() && !self.is_stored_quantised(&spec.name));
        let labels: BTreeSet<&str> = odd.clone().map(|spec| spec.label).collect();
        (!labels.is_empty()).then(|| {
            format!(
                "{} of {} matrices ({}) have rows that are no multiple of {GROUP}: kept as floats",
                odd.count(),
                specs.len(),
                labels.into_iter().collect::<Vec<_>>().join(", ")
            )
        })
    }

    /// Tells of the folder's own quantisation, and refuses to make another one of it.
    fn stored_note(&self, widths: &BTreeSet<(usize, usize)>) -> Result<String, BackendError> {
        let requested = self.precision.bits().map(|bits| usize::from(bits.get()));
        if let Some(requested) = requested
            && widths.iter().any(|(bits, _)| *bits != requested)
        {
            return Err(BackendError::Unsupported(format!(
                "the folder's weights are quantised already, as {}; choose precision = \"bf16\", \"f16\" or \"f32\", which \
                 is then what is computed in",
                names_of(widths)
            )));
        }
        let each = widths
            .iter()
            .map(|(bits, group)| format!("{bits} bits in groups of {group}"));
        Ok(format!(
            "the folder's own weights: {}; computed in {}",
            each.collect::<Vec<_>>().join(" and "),
            name_of(self.dtype())
        ))
    }
}

fn names_of(widths: &BTreeSet<(usize, usize)>) -> String {
    let bits: BTreeSet<usize> = widths.iter().map(|(bits, _)| *bits).collect();
    let names: Vec<String> = bits.iter().map(|bits| format!("q{bits}")).collect();
    names.join("+")
}

fn name_of(dtype: Dtype) -> &'static str {
    let mut all = Precision::ALL.into_iter();
    let found = all.find(|each| each.bits().is_none() && each.dtype(dtype) == dtype);
    found.map_or("floats", Precision::name)
}
