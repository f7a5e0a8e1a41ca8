//! Networks by family: one file each.

mod llada;

use mlx_rs::Array;
use unmask_sdk::keys::RowKeys;
use unmask_sdk::{BackendError, Estimate, LoadSpec, ModelFacts, Pass, Progress};

use crate::device::ComputeDevice;
use crate::precision::Precision;
use crate::slot::{CacheSizes, LayerCache};
use llada::Llada;

/// Families whose networks this backend has.
const FAMILIES: [&str; 1] = ["llada"];

/// A network with its weights.
pub(crate) enum Network {
    Llada(Llada),
}

/// What loading the network of `spec.family` would take.
///
/// # Errors
/// As `Backend::check`.
pub(crate) fn check(
    spec: &LoadSpec,
    device: ComputeDevice,
    precision: Precision,
) -> Result<Estimate, BackendError> {
    match spec.family.as_str() {
        "llada" => Llada::check(spec, device, precision),
        other => Err(unknown(other)),
    }
}

impl Network {
    /// Loads the network of `spec.family`.
    ///
    /// # Errors
    /// As `Backend::load`.
    pub(crate) fn load(
        spec: &LoadSpec,
        device: ComputeDevice,
        precision: Precision,
        progress: &Progress<'_>,
    ) -> Result<Self, BackendError> {
        match spec.family.as_str() {
            "llada" => Llada::load(spec, device, precision, progress).map(Self::Llada),
            other => Err(unknown(other)),
        }
    }

    pub(crate) fn facts(&self) -> ModelFacts {
        match self {
            Self::Llada(network) => network.facts.clone(),
        }
    }

    pub(crate) fn sizes(&self) -> CacheSizes {
        match self {
            Self::Llada(network) => network.sizes(),
        }
    }

    /// Computes a pass whose rows attend to `rows`; `slots` holds every layer's cache of every slot.
    ///
    /// Returns the logits of the wanted tokens, `[wanted, vocab]` in f32, computed; `None` if there are none.
    ///
    /// # Errors
    /// As `Session::forward`.
    pub(crate) fn forward(
        &self,
        pass: &Pass<'_>,
        rows: &[RowKeys],
        slots: &mut [Vec<LayerCache>],
    ) -> Result<Option<Array>, BackendError> {
        match self {
            Self::Llada(network) => network.forward(pass, rows, slots),
        }
    }
}

fn unknown(family: &str) -> BackendError {
    BackendError::Unsupported(format!(
        "mlx has no network for the family {family:?}; it has {}",
        FAMILIES.join(", ")
    ))
}
