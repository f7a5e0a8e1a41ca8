//! Networks by family: one file each.

mod llada;

use unmask_sdk::llada::MatrixSpec;
use unmask_sdk::{BackendError, LoadSpec, Progress};

use crate::graph::{ElementType, Graph};
use crate::precision::Precision;
use crate::slot::CacheSizes;

/// Families whose networks this backend has.
pub(crate) const FAMILIES: [&str; 1] = ["llada"];

/// A network as a graph with its weights, and what a session has to know of it.
pub(crate) struct Network {
    /// Its inputs and outputs are those of [`crate::ports`].
    pub(crate) graph: Graph,
    pub(crate) vocab: usize,
    pub(crate) max_positions: u32,
    pub(crate) caches: CacheSizes,
    pub(crate) matrices: Vec<MatrixSpec>,
    /// Bytes of the matrices as the graph has them; as many more if the runtime rearranges them.
    pub(crate) matrix_bytes: u64,
    /// Bytes held, mapped files not counted.
    pub(crate) held_bytes: u64,
    /// Lines for `ModelFacts::notes`.
    pub(crate) notes: Vec<String>,
}

/// Builds the graph of `spec.family`, which keeps keys and values as `cache_kind`.
///
/// # Errors
/// As `Backend::load`.
pub(crate) fn build(
    spec: &LoadSpec,
    precision: Precision,
    cache_kind: ElementType,
    progress: &Progress<'_>,
) -> Result<Network, BackendError> {
    match spec.family.as_str() {
        "llada" => llada::build(spec, precision, cache_kind, progress),
        other => Err(unknown(other)),
    }
}

/// The inputs and outputs of the graph that [`build`] would build.
///
/// # Errors
/// As `Backend::load`, as far as it concerns `config.json`.
pub(crate) fn outline(spec: &LoadSpec, cache_kind: ElementType) -> Result<Network, BackendError> {
    match spec.family.as_str() {
        "llada" => llada::outline(spec, cache_kind),
        other => Err(unknown(other)),
    }
}

fn unknown(family: &str) -> BackendError {
    BackendError::Unsupported(format!(
        "onnx has no network for the family {family:?}; it has {}",
        FAMILIES.join(", ")
    ))
}
