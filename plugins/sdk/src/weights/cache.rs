//! Arrays that are derived from a checkpoint, such as its matrices in fewer bits: kept on the disk, so that only the first
//! load makes them, or in memory if that is not possible.
//!
//! ```no_run
//! # use unmask_sdk::{BackendError, LoadSpec, Progress};
//! # use unmask_sdk::weights::{Dtype, Weights, cache::{Array, Cache}};
//! # fn load(spec: &LoadSpec, progress: &Progress<'_>) -> Result<(), BackendError> {
//! let checkpoint = Weights::open(&spec.weights)?;
//! let arrays = [Array::new("head".to_owned(), Dtype::I8, &[32_000, 4096])];
//! let cache = Cache {
//!     label: "mine-int8",
//!     edition: 1,
//!     checkpoint: &checkpoint,
//!     arrays: &arrays,
//!     folder: spec.cache_folder.as_deref(),
//!     progress,
//! };
//! let kept = cache.open(|writer| {
//!     let numbers = checkpoint.get("lm_head.weight")?.to_f32()?;
//!     let quantised: Vec<u8> = numbers.iter().map(|x| (x * 127.0) as i8 as u8).collect();
//!     writer.write(&quantised)
//! })?;
//! let head = kept.weights.get("head")?;
//! # Ok(())
//! # }
//! ```

mod contents;

use std::fs::{self, TryLockError};
use std::io::{self, BufWriter, Cursor, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use memmap2::MmapMut;
use rayon::prelude::*;
use safetensors::Dtype;
use tempfile::NamedTempFile;
use twox_hash::XxHash3_128;

use super::Weights;
use crate::{BackendError, Meter, Progress};
use contents::Contents;

/// An array that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Array {
    /// Its name in the file, unlike those of all others.
    pub name: String,
    /// How a number is stored.
    pub dtype: Dtype,
    /// Lengths of the dimensions, row-major.
    pub shape: Vec<usize>,
}

impl Array {
    /// Puts the three together.
    #[must_use]
    pub fn new(name: String, dtype: Dtype, shape: &[usize]) -> Self {
        let shape = shape.to_vec();
        Self { name, dtype, shape }
    }

    /// Bytes of its numbers.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype.bitsize() / 8
    }
}

/// What is kept, where, and of what it is made.
#[derive(Clone, Copy)]
pub struct Cache<'a> {
    /// Backend and precision, such as `candle-q4k`: what the file's name begins with.
    pub label: &'a str,
    /// Raised by the backend when it makes other arrays of the same checkpoint; older files are then made anew.
    pub edition: u32,
    /// Of which they are made.
    pub checkpoint: &'a Weights,
    /// In the order in which they are made.
    pub arrays: &'a [Array],
    /// Where the file is kept; `None` keeps the arrays in memory.
    pub folder: Option<&'a Path>,
    /// Hears of the making and checking.
    pub progress: &'a Progress<'a>,
}

/// The arrays, and what the user should know of them.
pub struct CachedArrays {
    /// The arrays by name, each at a multiple of 64 bytes in memory.
    pub weights: Arc<Weights>,
    /// A line for `ModelFacts::notes`.
    pub note: Option<String>,
    /// Bytes on the heap, 0 for a mapped file.
    pub held_bytes: u64,
}

/// Bytes that `arrays` take in memory where there is no folder.
#[must_use]
pub fn held_bytes(arrays: &[Array]) -> u64 {
    Contents::new(arrays, None).file_bytes() as u64
}

impl Cache<'_> {
    /// Opens the file of these arrays, or has `make` write them all in their order; a second time if a file cannot be.
    ///
    /// Every array has a checksum, which is compared at each load. What an earlier edition wrote, or of another checkpoint,
    /// has another name and is not read.
    ///
    /// # Errors
    /// Those of `make`; [`BackendError::Cancelled`]. A folder that cannot be written to is none: then the arrays are held
    /// in memory, and a note says so.
    pub fn open(
        &self,
        make: impl Fn(&mut Writer<'_>) -> Result<(), BackendError>,
    ) -> Result<CachedArrays, BackendError> {
        let Some(folder) = self.folder else {
            return self.held(make, None);
        };
        let path = folder.join(self.file_name());
        let mut note = None;
        if path.exists() {
            match self.reopen(&path) {
                Ok(weights) => return Ok(mapped(weights, None)),
                Err(Reopen::Cancelled) => return Err(BackendError::Cancelled),
                Err(Reopen::Damaged(what)) => {
                    note = Some(format!("{}: {what}; quantised again", path.display()));
                }
            }
        }
        match self.write(&path, &make) {
            Ok(()) => Ok(mapped(Weights::open_held(&path)?, note)),
            Err(Failure::Backend(error)) => Err(error),
            Err(Failure::Sink(error)) => {
                let note = format!(
                    "{}: cannot be written ({error}); the weights will be quantised again at the next load",
                    path.display()
                );
                self.held(make, Some(note))
            }
        }
    }

    fn file_name(&self) -> String {
        let key = contents::key(self.edition, &self.checkpoint.fingerprint(), self.arrays);
        format!("{}-{key}.safetensors", self.label)
    }

    fn held(
        &self,
        make: impl Fn(&mut Writer<'_>) -> Result<(), BackendError>,
        note: Option<String>,
    ) -> Result<CachedArrays, BackendError> {
        let out_of_memory = |error: io::Error| BackendError::OutOfMemory(error.to_string());
        let length = self.contents().file_bytes();
        let mut map = MmapMut::map_anon(length).map_err(out_of_memory)?;
        match self.build(&make, Cursor::new(&mut map[..])) {
            Ok(()) => (),
            Err(Failure::Backend(error)) => return Err(error),
            Err(Failure::Sink(error)) => return Err(out_of_memory(error)),
        }
        let held_bytes = length as u64;
        let weights = Weights::from_map(Path::new("quantised weights in memory"), map)?;
        Ok(CachedArrays {
            weights: Arc::new(weights),
            note,
            held_bytes,
        })
    }

    /// Maps an existing file and verifies every array.
    fn reopen(&self, path: &Path) -> Result<Weights, Reopen> {
        let weights = Weights::open_held(path).map_err(|error| {
            Reopen::Damaged(match error {
                BackendError::Checkpoint { what, .. } => what,
                other => other.to_string(),
            })
        })?;
        let meter = self.meter("checking quantised weights");
        let check = |array: &Array| {
            contents::check(&weights, array).map_err(Reopen::Damaged)?;
            weights.release(&array.name);
            meter
                .add(array.bytes() as u64)
                .map_err(|_| Reopen::Cancelled)
        };
        self.arrays.par_iter().try_for_each(check)?;
        Ok(weights)
    }

    /// Builds the file beside its place and moves it there, so that nobody sees half of it.
    fn write(
        &self,
        path: &Path,
        make: &dyn Fn(&mut Writer<'_>) -> Result<(), BackendError>,
    ) -> Result<(), Failure> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let partial = partial(path)?;
        self.build(make, BufWriter::with_capacity(1 << 20, partial.as_file()))?;
        partial.as_file().sync_all()?;
        partial.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    fn contents(&self) -> Contents<'_> {
        Contents::new(self.arrays, self.checkpoint.checkpoint_folder())
    }

    /// Writes a header without checksums, the arrays, the header again.
    fn build(
        &self,
        make: &dyn Fn(&mut Writer<'_>) -> Result<(), BackendError>,
        mut sink: impl Write + Seek,
    ) -> Result<(), Failure> {
        let contents = self.contents();
        sink.write_all(&contents.header())?;
        let mut writer = Writer {
            contents,
            sink: &mut sink,
            meter: self.meter("quantising weights"),
            array: 0,
            written: 0,
            sum: XxHash3_128::new(),
            refusal: None,
        };
        let made = make(&mut writer);
        if let Some(error) = writer.refusal {
            return Err(Failure::Sink(error));
        }
        made?;
        // What was cut off meanwhile must not be kept as zeros.
        self.checkpoint.check_whole()?;
        assert_eq!(
            writer.array,
            self.arrays.len(),
            "a backend writes all arrays"
        );
        let header = writer.contents.header();
        sink.seek(SeekFrom::Start(0))?;
        sink.write_all(&header)?;
        Ok(sink.flush()?)
    }

    fn meter<'a>(&'a self, stage: &'a str) -> Meter<'a> {
        let total = self.arrays.iter().map(|array| array.bytes() as u64).sum();
        Meter::new(self.progress, stage, total)
    }
}

fn mapped(weights: Weights, note: Option<String>) -> CachedArrays {
    CachedArrays {
        weights: Arc::new(weights),
        note,
        held_bytes: 0,
    }
}

/// Takes the bytes of the arrays, one array after the other.
pub struct Writer<'a> {
    contents: Contents<'a>,
    sink: &'a mut dyn Write,
    meter: Meter<'a>,
    /// Which array the next bytes are of.
    array: usize,
    /// Bytes of it that are written.
    written: usize,
    sum: XxHash3_128,
    /// Why the sink took no more.
    refusal: Option<io::Error>,
}

impl Writer<'_> {
    /// Takes the next bytes of an array, or all of them; progress is told.
    ///
    /// # Errors
    /// [`BackendError::Cancelled`] if the host wants no more; another one if they cannot be written. `make` hands both on.
    ///
    /// # Panics
    /// If they are more than are left of the array.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), BackendError> {
        self.sum.write(bytes);
        self.written += bytes.len();
        let mut result = self.sink.write_all(bytes);
        let length = self.contents.arrays[self.array].bytes();
        assert!(self.written <= length, "bytes are of one array");
        if self.written == length && result.is_ok() {
            self.contents.sums[self.array] = self.sum.finish_128();
            result = self.sink.write_all(self.contents.gap_after(self.array));
            (self.array, self.written) = (self.array + 1, 0);
            self.sum = XxHash3_128::new();
        }
        if let Err(error) = result {
            self.refusal = Some(error);
            return Err(BackendError::Device(
                "quantised weights cannot be written".to_owned(),
            ));
        }
        self.meter.add(bytes.len() as u64)
    }
}

enum Reopen {
    Cancelled,
    Damaged(String),
}

/// Why nothing was built.
enum Failure {
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

/// A file beside `path`, which is removed if it does not get there.
///
/// Its maker holds a lock on it, which ends with the process however that ends: the host removes from the cache folder what
/// ends in `.partial` and is held by nobody.
fn partial(path: &Path) -> io::Result<NamedTempFile> {
    /// How often one is made anew that was removed between its making and its lock.
    const TRIES: usize = 8;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().unwrap_or(Path::new("."));
    let prefix = format!(".{name}.");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".partial");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    for _ in 0..TRIES {
        let file = builder.tempfile_in(folder)?;
        match file.as_file().try_lock() {
            Ok(()) if file.path().exists() => return Ok(file),
            Ok(()) | Err(TryLockError::WouldBlock) => (),
            // Where there are no locks, nothing is removed.
            Err(TryLockError::Error(_)) => return Ok(file),
        }
    }
    Err(io::Error::other(
        "what is written is removed by another program",
    ))
}

#[cfg(test)]
mod tests;
