//! Networks by family: one file each.

mod llada;

use unmask_sdk::{BackendError, LoadSpec, Progress};

pub(crate) use llada::Llada;

use crate::device::Place;
use crate::precision::Precision;

/// Families whose networks this backend has.
const FAMILIES: [&str; 1] = ["llada"];

/// Loads the network of `spec.family`.
///
/// # Errors
/// As `Backend::load`.
pub(crate) fn load(
    spec: &LoadSpec,
    place: Place,
    precision: Precision,
    progress: &Progress<'_>,
) -> Result<Llada, BackendError> {
    match spec.family.as_str() {
        "llada" => Llada::load(spec, place, precision, progress),
        other => Err(BackendError::Unsupported(format!(
            "mlx has no network for the family {other:?}; it has {}",
            FAMILIES.join(", ")
        ))),
    }
}
