//! Networks: one graph for all families without experts.

mod decoder;

use unmask_sdk::decoder::{FAMILIES as ALL, MatrixSpec};
use unmask_sdk::{BackendError, LoadSpec, Progress};

use crate::graph::{ElementType, Graph};
use crate::precision::Precision;
use crate::slot::CacheSizes;

/// Families whose networks this backend has.
pub(crate) const FAMILIES: [&str; 5] = ["llada", "illada", "dream", "sdar", "fast_dllm_v2"];

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
    known(&spec.family)?;
    decoder::build(spec, precision, cache_kind, progress)
}

/// The inputs and outputs of the graph that [`build`] would build.
///
/// # Errors
/// As `Backend::load`, as far as it concerns `config.json`.
pub(crate) fn outline(spec: &LoadSpec, cache_kind: ElementType) -> Result<Network, BackendError> {
    known(&spec.family)?;
    decoder::outline(spec, cache_kind)
}

fn known(family: &str) -> Result<(), BackendError> {
    if FAMILIES.contains(&family) {
        return Ok(());
    }
    let has = FAMILIES.join(", ");
    // Its operator, QMoE, took 0.20 to 0.35 s of processors for the experts of a layer of LLaDA-MoE over 185 positions in 8 and in
    // 4 bits (ONNX Runtime 1.32.0), where candle took 0.04 to 0.11 s for the whole layer.
    Err(BackendError::Unsupported(match ALL.contains(&family) {
        true => format!(
            "onnx has no network for {family:?}, a mixture of experts, which its runtime computes slower than candle; choose \
             framework = \"candle\""
        ),
        false => format!("onnx has no network for the family {family:?}; it has {has}"),
    }))
}
