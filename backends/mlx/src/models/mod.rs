//! Networks: one for all families without experts.

mod layer;
mod network;

use unmask_sdk::decoder::{Decoder, FAMILIES as ALL};
use unmask_sdk::{BackendError, LoadSpec};

pub(crate) use self::network::{Network, check};

/// Families whose networks this backend has.
const FAMILIES: [&str; 5] = ["llada", "illada", "dream", "sdar", "fast_dllm_v2"];

/// The network of `spec`, whose weights MLX may have quantised.
///
/// # Errors
/// As `Backend::check`.
fn decoder(spec: &LoadSpec) -> Result<Decoder, BackendError> {
    let family = spec.family.as_str();
    if FAMILIES.contains(&family) {
        return Decoder::read_quantised(spec);
    }
    Err(BackendError::Unsupported(match ALL.contains(&family) {
        true => format!(
            "mlx has no network for {family:?}, a mixture of experts, yet; choose framework = \"candle\""
        ),
        false => format!(
            "mlx has no network for the family {family:?}; it has {}",
            FAMILIES.join(", ")
        ),
    }))
}
