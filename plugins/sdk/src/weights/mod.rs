//! Checkpoints as safetensors or GGUF, one file or several, mapped into memory and looked up by name.
//!
//! ```no_run
//! # fn main() -> Result<(), unmask_sdk::BackendError> {
//! let weights = unmask_sdk::weights::Weights::open(&["model.safetensors".into()])?;
//! let norm = weights.shaped("model.transformer.ln_f.weight", &[4096])?.to_f32()?;
//! # Ok(())
//! # }
//! ```

mod adapter;
mod blocks;
#[cfg(feature = "cache")]
pub mod cache;
mod file;
mod fingerprint;
mod gguf;
mod guard;
mod nearest;
mod tensor;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};

pub use safetensors::Dtype;
use tensor::{Stored, StoredForm};
pub use tensor::{Weight, all_finite};
pub use unmask_gguf::GgmlType;

use crate::BackendError;
use adapter::Delta;
use file::File;
use gguf::RowOrder;

/// A checkpoint's tensors, held by mapped files; cheap to open, read from the disk when touched.
#[derive(Debug)]
pub struct Weights {
    files: Vec<File>,
    tensors: BTreeMap<String, TensorLocation>,
    /// What an adapter adds, by the tensor.
    deltas: BTreeMap<String, Delta>,
    /// The `__metadata__` of safetensors files.
    metadata: HashMap<String, String>,
    /// A lock that tells others that the file is in use.
    #[cfg(feature = "cache")]
    _held: Option<std::fs::File>,
}

/// Where a tensor is.
#[derive(Debug)]
struct TensorLocation {
    file: usize,
    form: StoredForm,
    shape: Vec<usize>,
    bytes: Range<usize>,
    order: RowOrder,
}

impl Weights {
    /// Maps the files and reads their headers; the tensors of GGUF files are called as in the checkpoint that was converted.
    /// `adapter_model.safetensors` among them is a LoRA of PEFT's, with
    /// `adapter_config.json` beside it: its tensors are merged with the others as these are read.
    ///
    /// # Errors
    /// [`BackendError::Io`] if a file cannot be opened; [`BackendError::Checkpoint`] if one is truncated, has a bad
    /// header, or holds a tensor that an earlier one has too, and for an adapter of another model;
    /// [`BackendError::Unsupported`] for an adapter of another kind.
    pub fn open(paths: &[PathBuf]) -> Result<Self, BackendError> {
        let files = paths.iter().map(|path| File::open(path));
        Self::index(files.collect::<Result<_, _>>()?)
    }

    /// Reads a safetensors file that is in memory already; `path` is what errors call it.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`] as for [`open`](Self::open).
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, BackendError> {
        Self::index(vec![File::from_bytes(path, bytes)])
    }

    /// Reads a safetensors file that was written to memory mapped for it, whose tensors are aligned as in a mapped file.
    #[cfg(feature = "cache")]
    fn from_map(path: &Path, map: memmap2::MmapMut) -> Result<Self, BackendError> {
        Self::index(vec![File::anonymous(path, map)?])
    }

    fn index(files: Vec<File>) -> Result<Self, BackendError> {
        let mut tensors: BTreeMap<String, TensorLocation> = BTreeMap::new();
        let mut adapters = Vec::new();
        let mut metadata = HashMap::new();
        let mut names = None;
        for (index, file) in files.iter().enumerate() {
            if let Some(header) = file.gguf() {
                gguf::add(file, index, &header?, &mut names, &mut tensors)?;
                continue;
            }
            let header = file.header()?;
            for (key, value) in header.metadata().iter().flatten() {
                let entry = metadata.entry(key.clone());
                entry.or_insert_with(|| value.clone());
            }
            let mut own = BTreeMap::new();
            let is_adapter = adapter::is_adapter(&file.path);
            let tensors = if is_adapter { &mut own } else { &mut tensors };
            for (name, info) in header.tensors() {
                let (start, end) = info.data_offsets;
                let first = file.data_start() + start;
                let place = TensorLocation {
                    file: index,
                    form: StoredForm::Each(info.dtype),
                    shape: info.shape.clone(),
                    bytes: first..first + (end - start),
                    order: RowOrder::AsNamed,
                };
                match tensors.entry(name) {
                    Entry::Vacant(free) => free.insert(place),
                    Entry::Occupied(taken) => {
                        let earlier = &files[taken.get().file].path;
                        return Err(file.broken(format!(
                            "tensor {} is also in {}; the folder mixes two checkpoints, keep the files of one",
                            taken.key(),
                            earlier.display()
                        )));
                    }
                };
            }
            adapters.extend(is_adapter.then_some(own));
        }
        let mut deltas = BTreeMap::new();
        for own in adapters {
            deltas.extend(adapter::merge(&files, own, &mut tensors)?);
        }
        Ok(Self {
            files,
            tensors,
            deltas,
            metadata,
            #[cfg(feature = "cache")]
            _held: None,
        })
    }

    /// Maps a file that may be removed when nobody uses it, and holds a shared lock on it.
    #[cfg(feature = "cache")]
    fn open_held(path: &Path) -> Result<Self, BackendError> {
        // First, since it waits for no pipe.
        let weights = Self::open(&[path.to_owned()])?;
        let held = std::fs::File::open(path).ok();
        if let Some(file) = &held {
            // Where there are no locks, or it is being removed, it is used all the same.
            file.try_lock_shared().ok();
        }
        Ok(Self {
            _held: held,
            ..weights
        })
    }

    /// The folder of the first file, if there are files.
    #[cfg(feature = "cache")]
    fn checkpoint_folder(&self) -> Option<&Path> {
        self.files.first()?.path.parent()
    }

    /// The names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Tensor `name`, if there is one.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Weight<'_>> {
        let (name, place) = self.tensors.get_key_value(name)?;
        let file = &self.files[place.file];
        let stored = &file.bytes()[place.bytes.clone()];
        let update = self.deltas.get(name).map(|delta| delta.of(&self.files));
        let (dtype, bytes) = match (update, place.form, place.order) {
            (None, StoredForm::Each(dtype), RowOrder::AsNamed) => (dtype, stored),
            _ => (Dtype::F32, &[][..]),
        };
        Some(Weight {
            name,
            path: &file.path,
            dtype,
            shape: &place.shape,
            offset: place.bytes.start,
            bytes,
            stored: Stored {
                file,
                form: place.form,
                bytes: stored,
                order: place.order,
                update,
            },
        })
    }

    /// Whether everything that was read of the mapped files is what they hold: to be asked after each pass by whoever reads
    /// weights where they are mapped, and after each load, since another program may cut a file short meanwhile. What is
    /// gone is zeros then; on other systems than Linux touching it ends the process, so ask before a pass too. It costs a
    /// call of the system for each file.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`] naming the file.
    pub fn check_whole(&self) -> Result<(), BackendError> {
        self.files.iter().try_for_each(File::check_whole)
    }

    /// Tensor `name`, whose file has as many bytes as when it was mapped.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`] naming the nearest name if there is none, or the file if it was cut short.
    pub fn get(&self, name: &str) -> Result<Weight<'_>, BackendError> {
        if let Some(place) = self.tensors.get(name) {
            self.files[place.file].check_whole()?;
        }
        self.find(name).ok_or_else(|| {
            let hint = match nearest::nearest(name, self.names()) {
                Some(near) => format!("; the nearest is {near}"),
                None => String::new(),
            };
            BackendError::Checkpoint {
                path: self.place(),
                what: format!(
                    "tensor {name} is missing among {}{hint}; fetch all weight files, or check the model's family",
                    self.tensors.len()
                ),
            }
        })
    }

    /// Tensor `name`, which must have this shape.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`] if it is missing or has another shape.
    pub fn shaped(&self, name: &str, shape: &[usize]) -> Result<Weight<'_>, BackendError> {
        let weight = self.get(name)?;
        if weight.shape == shape {
            return Ok(weight);
        }
        Err(weight.broken(format!(
            "has shape {:?}, but config.json asks for {shape:?}; fetch config.json and the weights from the same place",
            weight.shape
        )))
    }

    /// Tells the system that tensor `name` is not needed soon, so that its mapped pages stop counting as this process's memory.
    ///
    /// It can be read again, at the cost of fetching it from the file. Nothing happens if there is no such tensor.
    pub fn release(&self, name: &str) {
        if let Some(place) = self.tensors.get(name) {
            self.files[place.file].release(&place.bytes);
        }
    }

    /// The value of `key` in the files' `__metadata__`; the first file that has it wins.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// The longest side of a tensor that holds numbers.
    #[must_use]
    pub fn longest_side(&self) -> usize {
        let sides = self.tensors.values().filter(|it| !it.bytes.is_empty());
        let sides = sides.flat_map(|it| it.shape.iter().copied());
        sides.max().unwrap_or(0)
    }

    /// True if matrices have `.scales` beside them, as those that MLX has quantised.
    #[must_use]
    pub fn has_scales(&self) -> bool {
        self.names().any(|name| name.ends_with(".scales"))
    }

    /// The file of the tensors, or the folder if there are several.
    #[must_use]
    pub fn place(&self) -> PathBuf {
        let first = self.files.first().map(|file| file.path.as_path());
        match first {
            Some(path) if self.files.len() == 1 => path.to_owned(),
            Some(path) => path.parent().unwrap_or(path).to_owned(),
            None => PathBuf::from("the checkpoint"),
        }
    }
}

#[cfg(test)]
mod tests;
