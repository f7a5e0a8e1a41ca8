//! Networks by family: one file each.

mod llada;

use unmask_sdk::{BackendError, LoadSpec, Progress};

pub(crate) use llada::Llada;

use crate::precision::Precision;

/// Families whose networks this backend has.
pub(crate) const FAMILIES: [&str; 1] = ["llada"];

/// Loads the network of `spec.family`.
///
/// # Errors
/// As `Backend::load`.
pub(crate) fn load(
    spec: &LoadSpec,
    precision: Precision,
    progress: &Progress<'_>,
) -> Result<Llada, BackendError> {
    match spec.family.as_str() {
        "llada" => Llada::load(spec, precision, progress),
        other => Err(BackendError::Unsupported(format!(
            "candle has no network for the family {other:?}; it has {}",
            FAMILIES.join(", ")
        ))),
    }
}
