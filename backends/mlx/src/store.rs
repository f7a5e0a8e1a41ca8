//! Keeps quantised matrices on the disk, so that only the first load quantises: a file as MLX writes it, with a checksum of
//! each matrix.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use mlx_rs::error::AsSliceError;
use mlx_rs::{Array, Dtype, transforms};
use sha2::{Digest, Sha256};
use unmask_sdk::llada::MatrixSpec;
use unmask_sdk::weights::Weights;
use unmask_sdk::{BackendError, Meter, Progress};

use crate::bytes::with_bytes;
use crate::device::failed;
use crate::matrix::{Quantised, bytes_of};
use crate::precision::GROUP;

/// Raised when what is kept changes; older files are then made anew.
const FORMAT: &str = "1";

/// What is kept.
pub(crate) struct Store<'a> {
    /// The checkpoint, for its fingerprint.
    pub(crate) weights: &'a Weights,
    pub(crate) specs: Vec<&'a MatrixSpec>,
    pub(crate) bits: usize,
    /// Of scales and biases.
    pub(crate) dtype: Dtype,
    pub(crate) folder: Option<&'a Path>,
    pub(crate) progress: &'a Progress<'a>,
}

/// Quantised matrices by name, and a line for `ModelFacts::notes`.
pub(crate) type Kept = (HashMap<String, Quantised>, Option<String>);

impl Store<'_> {
    /// Takes the matrices from the folder, or makes them of what `dense` reads, and keeps them.
    ///
    /// # Errors
    /// Those of `dense`; [`BackendError::Cancelled`]. A folder that cannot be written to is none: a note says so.
    pub(crate) fn open(
        &self,
        dense: impl Fn(&MatrixSpec) -> Result<Array, BackendError>,
    ) -> Result<Kept, BackendError> {
        let path = self.folder.map(|folder| folder.join(self.file_name()));
        let mut note = None;
        if let Some(path) = path.as_ref().filter(|path| path.exists()) {
            match self.reopen(path) {
                Ok(kept) => return Ok((kept, None)),
                Err(Reopen::Failed(error)) => return Err(error),
                Err(Reopen::Damaged(what)) => {
                    note = Some(format!("{}: {what}; quantised again", path.display()));
                }
            }
        }
        let made = self.make(dense)?;
        if let Some(path) = &path
            && let Err(error) = self.write(path, &made)
        {
            note = Some(format!(
                "{}: cannot be written ({error}); the weights will be quantised again at the next load",
                path.display()
            ));
        }
        Ok((made, note))
    }

    fn make(
        &self,
        dense: impl Fn(&MatrixSpec) -> Result<Array, BackendError>,
    ) -> Result<HashMap<String, Quantised>, BackendError> {
        let meter = self.meter("quantising weights");
        let mut made = HashMap::new();
        for spec in &self.specs {
            let quantised = Quantised::new(&dense(spec)?, self.bits, GROUP).map_err(failed)?;
            transforms::eval(quantised.arrays()).map_err(failed)?;
            made.insert(spec.name.clone(), quantised);
            meter.add(self.bytes(spec))?;
        }
        Ok(made)
    }

    fn reopen(&self, path: &PathBuf) -> Result<HashMap<String, Quantised>, Reopen> {
        let damaged = |error| match error {
            BackendError::Checkpoint { what, .. } => Reopen::Damaged(what),
            other => Reopen::Damaged(other.full_text()),
        };
        let file = Weights::open(std::slice::from_ref(path)).map_err(damaged)?;
        let meter = self.meter("checking quantised weights");
        let mut kept = HashMap::new();
        for spec in &self.specs {
            let (rows, columns) = (spec.rows, spec.columns);
            let quantised = Quantised::read(&file, &spec.name, rows, columns).map_err(damaged)?;
            transforms::eval(quantised.arrays()).map_err(failed)?;
            let sum = checksum(&quantised)?;
            if file.metadata(&checksum_key(&spec.name)) != Some(sum) {
                let what = format!("has a wrong checksum for {}", spec.name);
                return Err(Reopen::Damaged(what));
            }
            for tensor in tensors(&spec.name) {
                file.release(&tensor);
            }
            kept.insert(spec.name.clone(), quantised);
            meter.add(self.bytes(spec))?;
        }
        Ok(kept)
    }

    /// Writes the file beside its place and moves it there, so that nobody sees half of it.
    fn write(&self, path: &Path, made: &HashMap<String, Quantised>) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut metadata = HashMap::from([("format".to_owned(), "mlx".to_owned())]);
        let mut arrays = Vec::new();
        for spec in &self.specs {
            let quantised = &made[&spec.name];
            let sum = checksum(quantised).map_err(io::Error::other)?;
            metadata.insert(checksum_key(&spec.name), sum);
            arrays.extend(tensors(&spec.name).into_iter().zip(quantised.arrays()));
        }
        // MLX insists on the ending.
        let partial =
            Partial(path.with_extension(format!("{}.partial.safetensors", process::id())));
        Array::save_safetensors(arrays, &metadata, &partial.0).map_err(io::Error::other)?;
        File::open(&partial.0)?.sync_all()?;
        fs::rename(&partial.0, path)
    }

    fn file_name(&self) -> String {
        let mut hash = Sha256::new();
        hash.update([FORMAT, &self.weights.fingerprint()].join("\n"));
        hash.update(format!("\n{} bits, {:?}", self.bits, self.dtype));
        for spec in &self.specs {
            hash.update(format!("\n{} {} {}", spec.name, spec.rows, spec.columns));
        }
        let key = hex(&hash.finalize()[..16]);
        format!("mlx-q{}-{key}.safetensors", self.bits)
    }

    fn meter(&self, stage: &'static str) -> Meter<'_> {
        let total = self.specs.iter().map(|spec| self.bytes(spec)).sum();
        Meter::new(self.progress, stage, total)
    }

    fn bytes(&self, spec: &MatrixSpec) -> u64 {
        bytes_of(spec, Some((self.bits, GROUP)), width(self.dtype))
    }
}

enum Reopen {
    Damaged(String),
    Failed(BackendError),
}

impl From<BackendError> for Reopen {
    fn from(error: BackendError) -> Self {
        Self::Failed(error)
    }
}

impl From<AsSliceError> for Reopen {
    fn from(error: AsSliceError) -> Self {
        Self::Failed(failed(error))
    }
}

/// Removes what a failed write leaves.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // After the rename there is nothing to remove; after a failure there is nobody left to tell.
        fs::remove_file(&self.0).ok();
    }
}

/// Bytes of a float.
pub(crate) fn width(dtype: Dtype) -> usize {
    match dtype {
        Dtype::Float16 | Dtype::Bfloat16 => 2,
        _ => 4,
    }
}

fn tensors(name: &str) -> [String; 3] {
    let stem = name.strip_suffix(".weight").unwrap_or(name);
    ["weight", "scales", "biases"].map(|part| format!("{stem}.{part}"))
}

fn checksum_key(name: &str) -> String {
    format!("sha256 {name}")
}

fn checksum(quantised: &Quantised) -> Result<String, AsSliceError> {
    let mut hash = Sha256::new();
    for array in quantised.arrays() {
        with_bytes(array, |bytes| hash.update(bytes))?;
    }
    Ok(hex(&hash.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
