//! Loads a network's matrices in the requested precision into its graph.

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use unmask_sdk::decoder::MatrixSpec;
use unmask_sdk::machine::Memory;
use unmask_sdk::weights::cache::{self, Array, Cache};
use unmask_sdk::weights::{Dtype, Weights};
use unmask_sdk::{BackendError, Meter, Progress, memory};

use crate::graph::{Data, ElementType, Graph, Value};
use crate::matrix::{Matrix, Numbers};
use crate::precision::Precision;
use crate::quant;

/// Everything that loading a matrix needs.
pub(crate) struct MatrixLoader<'a> {
    pub(crate) weights: &'a Arc<Weights>,
    pub(crate) precision: Precision,
    pub(crate) cache_folder: Option<&'a Path>,
    pub(crate) progress: &'a Progress<'a>,
}

/// Matrices in the order asked for.
pub(crate) struct LoadedMatrices {
    pub(crate) matrices: Vec<Matrix>,
    /// Bytes of the matrices as the graph has them; as many more if the runtime rearranges them.
    pub(crate) matrix_bytes: u64,
    /// Bytes held for them, mapped files not counted.
    pub(crate) held_bytes: u64,
    /// Lines for `ModelFacts::notes`.
    pub(crate) notes: Vec<String>,
}

/// What matrices take, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct MatrixBytes {
    /// As the graph has them.
    pub(crate) all: u64,
    /// Of these, held in memory: mapped files not counted.
    pub(crate) held: u64,
}

impl MatrixBytes {
    /// Of `specs` once they are loaded in `precision`; `is_f32` tells whether the checkpoint has one in it.
    pub(crate) fn of(
        specs: &[MatrixSpec],
        precision: Precision,
        cache_folder: Option<&Path>,
        is_f32: impl Fn(&MatrixSpec) -> bool,
    ) -> Self {
        let sum = |specs: &mut dyn Iterator<Item = &MatrixSpec>| {
            specs.map(|spec| bytes(spec, precision)).sum()
        };
        Self {
            all: sum(&mut specs.iter()),
            held: match (precision, cache_folder) {
                (Precision::F32, _) => sum(&mut specs.iter().filter(|spec| !is_f32(spec))),
                (_, Some(_)) => 0,
                (_, None) => cache::held_bytes(&arrays(specs, precision)),
            },
        }
    }
}

fn arrays(specs: &[MatrixSpec], precision: Precision) -> Vec<Array> {
    let of = |spec| quant::arrays(spec, precision);
    specs.iter().flat_map(of).collect()
}

/// Whether the checkpoint has the matrix in `f32`.
pub(crate) fn is_f32(weights: &Weights, spec: &MatrixSpec) -> bool {
    (weights.find(&spec.name))
        .is_some_and(|weight| weight.dtype == Dtype::F32 && !weight.is_derived())
}

fn bytes(spec: &MatrixSpec, precision: Precision) -> u64 {
    match precision {
        Precision::F32 => (spec.rows * spec.columns * 4) as u64,
        Precision::F16 | Precision::Int8 | Precision::Int4 => {
            let arrays = quant::arrays(spec, precision);
            arrays.iter().map(|array| array.bytes() as u64).sum()
        }
    }
}

/// The numbers of all matrices.
struct AllNumbers {
    numbers: Vec<Numbers>,
    held_bytes: u64,
    note: Option<String>,
}

impl MatrixLoader<'_> {
    /// Adds `specs` to `graph`.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`], [`BackendError::OutOfMemory`] and [`BackendError::Cancelled`], as `Backend::load`.
    pub(crate) fn load(
        &self,
        graph: &mut Graph,
        specs: &[MatrixSpec],
    ) -> Result<LoadedMatrices, BackendError> {
        let sizes = MatrixBytes::of(specs, self.precision, self.cache_folder, |spec| {
            is_f32(self.weights, spec)
        });
        self.check_memory(sizes, Memory::now().free_bytes)?;
        let all = match self.precision {
            Precision::F32 => self.dense(graph, specs)?,
            Precision::F16 | Precision::Int8 | Precision::Int4 => self.kept(graph, specs)?,
        };
        let matrices = all.numbers.into_iter().zip(specs).map(|(numbers, spec)| {
            Ok(Matrix {
                rows: spec.rows,
                columns: spec.columns,
                numbers,
                bias: self.bias(graph, spec)?,
            })
        });
        Ok(LoadedMatrices {
            matrices: matrices.collect::<Result<_, BackendError>>()?,
            matrix_bytes: sizes.all,
            held_bytes: all.held_bytes,
            notes: all.note.into_iter().collect(),
        })
    }

    /// Refuses what cannot be held at all; whether the runtime may hold another copy is decided later.
    fn check_memory(&self, sizes: MatrixBytes, free: u64) -> Result<(), BackendError> {
        let (needed, remedy) = match self.precision {
            // The runtime can only multiply what it has rearranged.
            Precision::Int4 => (sizes.all, "close other programs or choose a smaller model"),
            Precision::F32 | Precision::Int8 | Precision::F16 => {
                (sizes.held, "try precision = \"int4\"")
            }
        };
        memory::check_weights(needed, free, self.precision.name(), remedy)
    }

    /// From the file that keeps them.
    fn kept(&self, graph: &mut Graph, specs: &[MatrixSpec]) -> Result<AllNumbers, BackendError> {
        let precision = self.precision;
        let cache = Cache {
            label: &format!("onnx-{}", precision.name()),
            edition: quant::EDITION,
            checkpoint: self.weights,
            arrays: &arrays(specs, precision),
            folder: self.cache_folder,
            progress: self.progress,
        };
        let kept = cache.open(|writer| {
            specs.iter().try_for_each(|spec| {
                for bytes in quant::pack(self.weights, spec, precision)? {
                    writer.write(&bytes)?;
                }
                self.weights.release(&spec.name);
                Ok(())
            })
        })?;
        let mut add = |array: &Array| {
            let weight = kept.weights.shaped(&array.name, &array.shape)?;
            let kind =
                ElementType::of(array.dtype).expect("arrays are made of what the runtime knows");
            let data = match (Data::mapped(&kept.weights, &weight, kind), kind) {
                (Some(mapped), _) => mapped,
                (None, ElementType::F32) => Data::Numbers(weight.to_f32()?),
                (None, _) => Data::Held(weight.bytes.to_vec()),
            };
            let name = array.name.clone();
            Ok::<_, BackendError>(graph.weight(name, kind, &array.shape, data))
        };
        let mut numbers = Vec::with_capacity(specs.len());
        for spec in specs {
            let arrays = quant::arrays(spec, self.precision);
            let values: Vec<Value> = arrays.iter().map(&mut add).collect::<Result<_, _>>()?;
            numbers.push(match (self.precision, <[Value; 2]>::try_from(values)) {
                (Precision::Int8, Ok([numbers, scales])) => Numbers::Int8 {
                    numbers,
                    scales,
                    is_signed: arrays[0].dtype == Dtype::I8,
                },
                (_, Ok([numbers, scales])) => Numbers::Int4 { numbers, scales },
                (_, Err(values)) => Numbers::F16(values[0].clone()),
            });
        }
        kept.weights.check_whole()?;
        Ok(AllNumbers {
            numbers,
            held_bytes: kept.held_bytes,
            note: kept.note,
        })
    }

    /// As they are in the file, if they are `f32` there; else converted.
    fn dense(&self, graph: &mut Graph, specs: &[MatrixSpec]) -> Result<AllNumbers, BackendError> {
        let total = specs.iter().map(|spec| bytes(spec, self.precision)).sum();
        let meter = Meter::new(self.progress, "reading weights", total);
        let read = |spec: &MatrixSpec| {
            let weight = self
                .weights
                .shaped(&spec.name, &[spec.rows, spec.columns])?;
            let data = Data::f32(self.weights, &weight)?;
            if data.held_bytes() > 0 {
                self.weights.release(&spec.name);
            }
            meter.add(bytes(spec, self.precision))?;
            Ok(data)
        };
        let data: Vec<Data> = specs
            .par_iter()
            .map(read)
            .collect::<Result<_, BackendError>>()?;
        let add = |(spec, data): (&MatrixSpec, Data)| {
            let shape = [spec.rows, spec.columns];
            Numbers::F32(graph.weight(spec.name.clone(), ElementType::F32, &shape, data))
        };
        Ok(AllNumbers {
            held_bytes: data.iter().map(Data::held_bytes).sum(),
            numbers: specs.iter().zip(data).map(add).collect(),
            note: None,
        })
    }

    fn bias(&self, graph: &mut Graph, spec: &MatrixSpec) -> Result<Option<Value>, BackendError> {
        let Some(name) = &spec.bias else {
            return Ok(None);
        };
        let weight = self.weights.shaped(name, &[spec.rows])?;
        let data = Data::f32(self.weights, &weight)?;
        Ok(Some(graph.weight(
            name.clone(),
            ElementType::F32,
            &[spec.rows],
            data,
        )))
    }
}
