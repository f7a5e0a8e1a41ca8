//! Keeps quantised matrices on the disk, so that only the first load quantises; in memory if that is not possible.

use std::fs::{self, File};
use std::io::{BufWriter, Cursor};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;

use rayon::prelude::*;
use unmask_sdk::weights::Weights;
use unmask_sdk::{BackendError, Meter, Progress};

use crate::layout::Layout;
use crate::matrix::MatrixSpec;
use crate::quantise::{self, Failure};

/// Where the matrices came from, and what the user should know about it.
pub(crate) struct Store {
    pub(crate) weights: Arc<Weights>,
    /// A line for `ModelFacts::notes`.
    pub(crate) note: Option<String>,
    /// Bytes on the heap, 0 for a mapped file.
    pub(crate) held_bytes: u64,
}

/// Opens the file of this layout, or builds it first.
///
/// # Errors
/// Those of reading the checkpoint; [`BackendError::Cancelled`]. A folder that cannot be written to is none: then the
/// matrices are held in memory, and a note says so.
pub(crate) fn open(
    checkpoint: &Weights,
    specs: &[MatrixSpec],
    mut layout: Layout,
    folder: Option<&Path>,
    progress: &Progress<'_>,
) -> Result<Store, BackendError> {
    let Some(folder) = folder else {
        return held(checkpoint, specs, layout, progress, None);
    };
    let precision = layout
        .matrices
        .first()
        .map_or("", |kept| kept.precision.name());
    let file = format!(
        "candle-{precision}-{}.safetensors",
        layout.key(&checkpoint.fingerprint())
    );
    let path = folder.join(file);
    let mut note = None;
    if path.exists() {
        match reopen(&path, &layout, progress) {
            Ok(weights) => return Ok(mapped(weights, None)),
            Err(Reopen::Cancelled) => return Err(BackendError::Cancelled),
            Err(Reopen::Damaged(what)) => {
                note = Some(format!("{}: {what}; quantised again", path.display()));
            }
        }
    }
    match write(checkpoint, specs, &mut layout, &path, progress) {
        Ok(()) => Ok(mapped(Weights::open(&[path])?, note)),
        Err(Failure::Backend(error)) => Err(error),
        Err(Failure::Sink(error)) => {
            let note = format!(
                "{}: cannot be written ({error}); the weights will be quantised again at the next load",
                path.display()
            );
            held(checkpoint, specs, layout, progress, Some(note))
        }
    }
}

fn mapped(weights: Weights, note: Option<String>) -> Store {
    Store {
        weights: Arc::new(weights),
        note,
        held_bytes: 0,
    }
}

fn held(
    checkpoint: &Weights,
    specs: &[MatrixSpec],
    mut layout: Layout,
    progress: &Progress<'_>,
    note: Option<String>,
) -> Result<Store, BackendError> {
    let mut bytes = Vec::with_capacity(layout.file_bytes());
    let meter = Meter::new(progress, "quantising weights", layout.data_bytes());
    match quantise::build(
        checkpoint,
        &mut layout,
        specs,
        &meter,
        Cursor::new(&mut bytes),
    ) {
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

enum Reopen {
    Cancelled,
    Damaged(String),
}

/// Maps an existing file and verifies every matrix.
fn reopen(path: &PathBuf, layout: &Layout, progress: &Progress<'_>) -> Result<Weights, Reopen> {
    let weights = Weights::open(std::slice::from_ref(path)).map_err(|error| {
        Reopen::Damaged(match error {
            BackendError::Checkpoint { what, .. } => what,
            other => other.to_string(),
        })
    })?;
    let meter = Meter::new(progress, "checking quantised weights", layout.data_bytes());
    let check = |index: usize| {
        let kept = &layout.matrices[index];
        layout.check(&weights, index).map_err(Reopen::Damaged)?;
        weights.release(&kept.name);
        meter
            .add(kept.bytes() as u64)
            .map_err(|_| Reopen::Cancelled)
    };
    (0..layout.matrices.len())
        .into_par_iter()
        .try_for_each(check)?;
    Ok(weights)
}

/// Builds the file beside its place and moves it there, so that nobody sees half of it.
fn write(
    checkpoint: &Weights,
    specs: &[MatrixSpec],
    layout: &mut Layout,
    path: &Path,
    progress: &Progress<'_>,
) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let partial = Partial(path.with_extension(format!("{}.partial", process::id())));
    let file = File::create(&partial.0)?;
    let meter = Meter::new(progress, "quantising weights", layout.data_bytes());
    let mut sink = BufWriter::with_capacity(1 << 20, &file);
    quantise::build(checkpoint, layout, specs, &meter, &mut sink)?;
    drop(sink);
    file.sync_all()?;
    Ok(fs::rename(&partial.0, path)?)
}

/// Removes what a failed or cancelled build leaves.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // After the rename there is nothing to remove; after a failure there is nobody left to tell.
        fs::remove_file(&self.0).ok();
    }
}
