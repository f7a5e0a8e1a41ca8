//! Packs a checkpoint's matrices, or opens what was packed before.
//!
//! A matrix that loses too much in its format is kept in the next better one, and so on up to `f32`. What each has lost is
//! known once it is packed, and is kept beside the matrices; those kept otherwise have a file of their own.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use unmask_kernels::{Element, Error, Format, Layout, Pool, Source};
use unmask_sdk::machine::Memory;
use unmask_sdk::weights::cache::{self, Array, Cache, CachedArrays, Writer};
use unmask_sdk::weights::{Dtype, Weight, Weights};
use unmask_sdk::{BackendError, Progress, memory};

use super::failed;
use super::linear::{Numbers, Projection};
use super::packing::{Packing, layout, most_lost};
use super::panel::{Lost, Panel};
use crate::loader::{Held, MatrixLoader};
use crate::matrix::MatrixSource;
use crate::precision::Precision;

/// Raised when other bytes are made of the same numbers.
const EDITION: u32 = 1;
/// Bytes that are packed before they are written.
const WAVE_BYTES: usize = 8 << 20;
/// The array of what matrices have lost.
const LOST: &str = "lost";

/// Everything that loading takes.
pub(super) struct PackedLoader<'a> {
    pub(super) weights: &'a Arc<Weights>,
    pub(super) packing: Packing,
    pub(super) cache_folder: Option<&'a Path>,
    pub(super) progress: &'a Progress<'a>,
    pub(super) pool: &'a Pool,
}

/// A matrix and how it is packed.
type Planned<'a> = (&'a MatrixSource, Layout);

/// Bytes of all `specs` packed. Every pass reads them whole, so they are as good as held where they are mapped.
pub(super) fn packed_bytes(specs: &[MatrixSource], packing: Packing) -> u64 {
    let planned = specs
        .iter()
        .map(|spec| Ok((spec, layout(spec, packing.format(spec))?)));
    let planned: Result<Vec<Planned<'_>>, BackendError> = planned.collect();
    planned.map_or(u64::MAX, |planned| cache::held_bytes(&arrays(&planned)))
}

fn arrays(planned: &[Planned<'_>]) -> Vec<Array> {
    let matrix = |(spec, layout): &Planned<'_>| {
        let shape = [layout.panels(), layout.panel_bytes()];
        Array::new(spec.name.clone(), Dtype::U8, &shape)
    };
    let lost = Array::new(LOST.to_owned(), Dtype::F32, &[planned.len()]);
    planned.iter().map(matrix).chain([lost]).collect()
}

impl PackedLoader<'_> {
    /// Loads `specs` in their order.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`], [`BackendError::OutOfMemory`] and [`BackendError::Cancelled`], as `Backend::load`.
    pub(super) fn load(
        &self,
        specs: &[MatrixSource],
    ) -> Result<(Vec<Projection>, Held), BackendError> {
        let needed = packed_bytes(specs, self.packing);
        let remedy = match self.packing {
            Packing::Int8 => "try precision = \"int4\"",
            Packing::Int4 => "close other programs or choose a smaller model",
        };
        let free = Memory::now().free_bytes;
        memory::check_weights(needed, free, self.packing.name(), remedy)?;
        let mut held = Held {
            memory_bytes: needed,
            notes: Vec::new(),
        };
        let mut linears: Vec<Option<Numbers>> = specs.iter().map(|_| None).collect();
        let mut left: Vec<usize> = (0..specs.len()).collect();
        let mut dense = Vec::new();
        for &(label, packing) in self.stages() {
            let lossy = self.pack_some(specs, &left, (label, packing), &mut linears, &mut held)?;
            // What loses too much in 8 bits would lose as much in the next file.
            let in_four = |at: &usize| packing.format(&specs[*at]) == Format::Int4;
            let eight: Vec<usize>;
            (left, eight) = lossy.into_iter().partition(in_four);
            dense.extend(eight);
        }
        self.load_dense(specs, &dense, &mut linears, &mut held)?;
        let bias = |spec: &MatrixSource| spec.bias(self.weights);
        let linears = specs.iter().zip(linears).filter_map(|(spec, numbers)| {
            let linear = |numbers| {
                Ok(Projection {
                    numbers,
                    bias: bias(spec)?,
                })
            };
            numbers.map(linear)
        });
        Ok((linears.collect::<Result<_, BackendError>>()?, held))
    }

    /// The files that may be needed: of all matrices, then of those that lose too much in 4 bits.
    fn stages(&self) -> &'static [(&'static str, Packing)] {
        match self.packing {
            Packing::Int8 => &[("candle-int8", Packing::Int8)],
            Packing::Int4 => &[
                ("candle-int4", Packing::Int4),
                ("candle-int4-fallback", Packing::Int8),
            ],
        }
    }

    /// Packs those of `specs` that are `left` and returns which of them have lost too much.
    fn pack_some(
        &self,
        specs: &[MatrixSource],
        left: &[usize],
        (label, packing): (&str, Packing),
        linears: &mut [Option<Numbers>],
        held: &mut Held,
    ) -> Result<Vec<usize>, BackendError> {
        let plan = |spec| Ok((spec, layout(spec, packing.format(spec))?));
        let planned = left.iter().map(|&at| plan(&specs[at]));
        let planned: Vec<Planned<'_>> = planned.collect::<Result<_, BackendError>>()?;
        if planned.is_empty() {
            return Ok(Vec::new());
        }
        let opened = self.opened(label, &planned)?;
        held.notes.extend(opened.note);
        if planned.len() < specs.len() {
            held.memory_bytes += cache::held_bytes(&arrays(&planned));
        }
        let lost = opened.weights.shaped(LOST, &[planned.len()])?.to_f32()?;
        let mut lossy = Vec::new();
        for ((&at, (spec, layout)), lost) in left.iter().zip(planned).zip(lost) {
            // A NaN is too much as well.
            if lost.is_nan() || lost > most_lost(layout.format()) {
                held.notes.push(note(spec, layout.format(), lost));
                lossy.push(at);
                continue;
            }
            linears[at] = Some(Numbers::Packed {
                weights: Arc::clone(&opened.weights),
                name: spec.name.clone(),
                layout,
            });
        }
        Ok(lossy)
    }

    /// Loads those of `specs` that are `left` as `f32`.
    fn load_dense(
        &self,
        specs: &[MatrixSource],
        left: &[usize],
        linears: &mut [Option<Numbers>],
        held: &mut Held,
    ) -> Result<(), BackendError> {
        if left.is_empty() {
            return Ok(());
        }
        let loader = MatrixLoader {
            weights: self.weights,
            precision: Precision::F32,
            cache_folder: None,
            progress: self.progress,
        };
        let mut dense: Vec<MatrixSource> = left.iter().map(|&at| specs[at].clone()).collect();
        for part in dense.iter_mut().flat_map(|spec| &mut spec.parts) {
            // The epilogue adds it.
            part.bias = None;
        }
        let (matrices, dense_held) = loader.load(&dense)?;
        held.memory_bytes += dense_held.memory_bytes;
        for (&at, matrix) in left.iter().zip(matrices) {
            linears[at] = Some(Numbers::Dense {
                matrix,
                rows: specs[at].rows(),
                parts_are: specs[at].parts_are,
            });
        }
        Ok(())
    }

    fn opened(&self, label: &str, planned: &[Planned<'_>]) -> Result<CachedArrays, BackendError> {
        let arrays = arrays(planned);
        let cache = Cache {
            label,
            edition: EDITION,
            checkpoint: self.weights,
            arrays: &arrays,
            folder: self.cache_folder,
            progress: self.progress,
        };
        cache.open(|writer| {
            let lost = planned.iter().map(|planned| self.write(*planned, writer));
            let lost: Vec<f32> = lost.collect::<Result<_, _>>()?;
            let bytes: Vec<u8> = lost.iter().flat_map(|lost| lost.to_le_bytes()).collect();
            writer.write(&bytes)
        })
    }

    /// Writes a matrix and returns what its rows have lost on the average. While a wave is written, the next is packed.
    fn write(
        &self,
        (spec, layout): Planned<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<f32, BackendError> {
        let bytes = SourceBytes::of(self.weights, spec)?;
        let slices: Vec<&[u8]> = bytes.parts();
        let source = Source::new(bytes.element, spec.columns, &slices).map_err(failed)?;
        let panels = (WAVE_BYTES / layout.panel_bytes()).max(self.pool.threads());
        let (mut wave, mut packed) = (Vec::new(), Vec::new());
        let mut lost = Lost::default();
        let pack = |first: usize, to: &mut Vec<Panel>| -> Result<(), BackendError> {
            to.resize_with(panels.min(layout.panels() - first), Panel::default);
            let pack = |at: usize, panel: &mut [Panel]| {
                panel[0].pack(self.pool, layout, &source, first + at)
            };
            self.pool.for_each_chunk(to, 1, pack).map_err(failed)?;
            for panel in &mut *to {
                match std::mem::replace(&mut panel.result, Ok(())) {
                    Ok(()) => (),
                    Err(Error::NotFinite { .. }) => return Err(not_finite(self.weights, spec)),
                    Err(error) => return Err(failed(error)),
                }
            }
            Ok(())
        };
        pack(0, &mut packed)?;
        for next in (panels..layout.panels() + panels).step_by(panels) {
            std::mem::swap(&mut wave, &mut packed);
            thread::scope(|scope| {
                let packer =
                    (next < layout.panels()).then(|| scope.spawn(|| pack(next, &mut packed)));
                for panel in &wave {
                    writer.write(&panel.bytes)?;
                    lost.add(&panel.lost);
                }
                let packing = packer.map_or(Ok(Ok(())), |packer| packer.join());
                packing.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })?;
        }
        for part in &spec.parts {
            self.weights.release(&part.name);
        }
        Ok(lost.mean())
    }
}

/// Says of a matrix that it is kept otherwise.
fn note(spec: &MatrixSource, format: Format, lost: f32) -> String {
    let (bits, instead) = match format {
        Format::Int4 => (4, "int8"),
        Format::Int8 => (8, "f32"),
    };
    format!(
        "{} ({}) loses {:.0} % in {bits} bits: kept as {instead}",
        spec.name,
        spec.label,
        lost * 100.0
    )
}

/// The error that names the tensor.
fn not_finite(weights: &Weights, spec: &MatrixSource) -> BackendError {
    let checked = spec
        .parts
        .iter()
        .map(|part| weights.get(&part.name)?.check_finite());
    let found = checked.filter_map(Result::err).next();
    found.unwrap_or_else(|| failed(Error::NotFinite { row: 0 }))
}

/// The bytes of a matrix's parts in one type.
struct SourceBytes<'a> {
    element: Element,
    parts: Vec<&'a [u8]>,
    /// Where the parts are of several types, or one is derived: as `f32`.
    widened: Vec<u8>,
}

impl<'a> SourceBytes<'a> {
    fn of(weights: &'a Weights, spec: &MatrixSource) -> Result<Self, BackendError> {
        let (mut elements, mut parts) = (Vec::new(), Vec::new());
        let mut is_derived = false;
        for part in &spec.parts {
            let tensor = part.tensor(weights, spec.columns)?;
            elements.push(element(&tensor)?);
            is_derived |= tensor.is_derived();
            if is_derived {
                continue;
            }
            let row_bytes = tensor.bytes.len() / part.of_rows;
            parts.push(&tensor.bytes[part.first * row_bytes..][..part.rows * row_bytes]);
        }
        let first = elements.first().copied().unwrap_or(Element::F32);
        if !is_derived && elements.iter().all(|it| *it == first) {
            return Ok(Self {
                element: first,
                parts,
                widened: Vec::new(),
            });
        }
        let mut widened = Vec::new();
        for part in &spec.parts {
            let mut numbers = vec![0.0; part.rows * spec.columns];
            let tensor = part.tensor(weights, spec.columns)?;
            tensor.read_rows(part.first..part.first + part.rows, &mut numbers)?;
            widened.extend(numbers.into_iter().flat_map(f32::to_le_bytes));
        }
        Ok(Self {
            element: Element::F32,
            parts: Vec::new(),
            widened,
        })
    }

    fn parts(&self) -> Vec<&[u8]> {
        match self.parts.is_empty() {
            true => vec![&self.widened],
            false => self.parts.clone(),
        }
    }
}

fn element(tensor: &Weight<'_>) -> Result<Element, BackendError> {
    match tensor.dtype {
        Dtype::F32 => Ok(Element::F32),
        Dtype::F16 => Ok(Element::F16),
        Dtype::BF16 => Ok(Element::Bf16),
        other => {
            // Says so in the words of all that read tensors.
            tensor.read_rows(0..0, &mut [])?;
            Err(BackendError::Device(format!(
                "{} is stored as {other:?}",
                tensor.name
            )))
        }
    }
}
