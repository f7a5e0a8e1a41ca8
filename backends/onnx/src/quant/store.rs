//! Keeps arrays on the disk, so that only the first load makes them; in memory if that is not possible.

use std::fs::{self, File};
use std::io::{self, BufWriter, Cursor, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;

use rayon::prelude::*;
use unmask_sdk::llada::MatrixSpec;
use unmask_sdk::weights::Weights;
use unmask_sdk::{BackendError, Meter, Progress};

use super::{Layout, arrays, pack};
use crate::precision::Precision;

/// Where the arrays came from, and what the user should know about it.
pub(crate) struct Store {
    pub(crate) weights: Arc<Weights>,
    /// A line for `ModelFacts::notes`.
    pub(crate) note: Option<String>,
    /// Bytes on the heap, 0 for a mapped file.
    pub(crate) held_bytes: u64,
}

/// What is to be kept.
struct Job<'a> {
    checkpoint: &'a Weights,
    specs: &'a [MatrixSpec],
    precision: Precision,
    progress: &'a Progress<'a>,
}

/// Opens the file of the arrays of `specs`, or builds it first.
///
/// # Errors
/// Those of reading the checkpoint; [`BackendError::Cancelled`]. A folder that cannot be written to is none: then the
/// arrays are held in memory, and a note says so.
pub(crate) fn open(
    checkpoint: &Weights,
    specs: &[MatrixSpec],
    precision: Precision,
    folder: Option<&Path>,
    progress: &Progress<'_>,
) -> Result<Store, BackendError> {
    let job = Job {
        checkpoint,
        specs,
        precision,
        progress,
    };
    let mut layout = job.layout();
    let Some(folder) = folder else {
        return job.held(None);
    };
    let key = layout.key(&checkpoint.fingerprint());
    let path = folder.join(format!("onnx-{}-{key}.safetensors", precision.name()));
    let mut note = None;
    if path.exists() {
        match job.reopen(&path, &layout) {
            Ok(weights) => return Ok(mapped(weights, None)),
            Err(Reopen::Cancelled) => return Err(BackendError::Cancelled),
            Err(Reopen::Damaged(what)) => {
                note = Some(format!("{}: {what}; quantised again", path.display()));
            }
        }
    }
    match job.write(&mut layout, &path) {
        Ok(()) => Ok(mapped(Weights::open(&[path])?, note)),
        Err(Failure::Backend(error)) => Err(error),
        Err(Failure::Sink(error)) => job.held(Some(format!(
            "{}: cannot be written ({error}); the weights will be quantised again at the next load",
            path.display()
        ))),
    }
}

fn mapped(weights: Weights, note: Option<String>) -> Store {
    Store {
        weights: Arc::new(weights),
        note,
        held_bytes: 0,
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

impl Job<'_> {
    fn layout(&self) -> Layout {
        let of = |spec| arrays(spec, self.precision);
        Layout::new(self.specs.iter().flat_map(of).collect())
    }

    fn held(&self, note: Option<String>) -> Result<Store, BackendError> {
        let mut bytes = Vec::new();
        match self.build(&mut self.layout(), Cursor::new(&mut bytes)) {
            Ok(()) => (),
            Err(Failure::Backend(error)) => return Err(error),
            Err(Failure::Sink(error)) => return Err(BackendError::OutOfMemory(error.to_string())),
        }
        let held_bytes = bytes.len() as u64;
        let weights = Weights::from_bytes(Path::new("quantised weights in memory"), bytes)?;
        Ok(Store {
            weights: Arc::new(weights),
            note,
            held_bytes,
        })
    }

    /// Maps an existing file and verifies every array.
    fn reopen(&self, path: &PathBuf, layout: &Layout) -> Result<Weights, Reopen> {
        let weights = Weights::open(std::slice::from_ref(path)).map_err(|error| {
            Reopen::Damaged(match error {
                BackendError::Checkpoint { what, .. } => what,
                other => other.to_string(),
            })
        })?;
        let total = layout.data_bytes();
        let meter = Meter::new(self.progress, "checking quantised weights", total);
        let check = |index: usize| {
            layout.check(&weights, index).map_err(Reopen::Damaged)?;
            weights.release(&layout.arrays[index].name);
            let bytes = layout.arrays[index].bytes() as u64;
            meter.add(bytes).map_err(|_| Reopen::Cancelled)
        };
        (0..layout.arrays.len())
            .into_par_iter()
            .try_for_each(check)?;
        Ok(weights)
    }

    /// Builds the file beside its place and moves it there, so that nobody sees half of it.
    fn write(&self, layout: &mut Layout, path: &Path) -> Result<(), Failure> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let partial = Partial(path.with_extension(format!("{}.partial", process::id())));
        let file = File::create(&partial.0)?;
        self.build(layout, BufWriter::with_capacity(1 << 20, &file))?;
        file.sync_all()?;
        Ok(fs::rename(&partial.0, path)?)
    }

    /// Writes everything to `sink`: a header without checksums, the arrays matrix by matrix, the header again.
    fn build(&self, layout: &mut Layout, mut sink: impl Write + Seek) -> Result<(), Failure> {
        let meter = Meter::new(self.progress, "quantising weights", layout.data_bytes());
        sink.write_all(&layout.header())?;
        let mut index = 0;
        for spec in self.specs {
            for bytes in pack(self.checkpoint, spec, self.precision)? {
                layout.sum(index, &bytes);
                sink.write_all(&bytes)?;
                sink.write_all(layout.gap_after(index))?;
                meter.add(bytes.len() as u64)?;
                index += 1;
            }
            self.checkpoint.release(&spec.name);
        }
        sink.seek(SeekFrom::Start(0))?;
        sink.write_all(&layout.header())?;
        Ok(sink.flush()?)
    }
}

/// Removes what a failed or cancelled build leaves.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // After the rename there is nothing to remove; after a failure there is nobody left to tell.
        fs::remove_file(&self.0).ok();
    }
}
