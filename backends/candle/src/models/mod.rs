//! Networks: what a configuration makes of one (`NetworkPlan`), its layers with their weights (`stack`, `norm`, `router`), and
//! what is computed with them on candle (`network`, `experts`).

mod experts;
mod network;
mod norm;
mod router;
mod stack;

use unmask_sdk::decoder::{Decoder, FAMILIES, Heads};
use unmask_sdk::{BackendError, LoadSpec};

pub(crate) use self::network::Network;
pub(crate) use self::norm::Norm;
pub(crate) use self::router::Routes;
pub(crate) use self::stack::{Experts, Gated, Layer, Mlp, Stack};
use crate::matrix::MatrixSource;

/// What a configuration makes of a network, before any weight is read.
pub(crate) struct NetworkPlan {
    pub(crate) sizes: Sizes,
    pub(crate) matrices: Vec<MatrixSource>,
    pub(crate) decoder: Decoder,
}

/// What a network is to its sessions.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    /// Columns of the logits.
    pub(crate) vocab: usize,
    /// Positions that it was trained with.
    pub(crate) max_positions: u32,
    pub(crate) layers: usize,
    pub(crate) heads: Heads,
}

impl Sizes {
    /// Bytes of one cell of one slot.
    pub(crate) fn cell_bytes(self) -> u64 {
        self.heads.cell_bytes(self.layers, size_of::<f32>())
    }
}

impl NetworkPlan {
    /// Reads the configuration of a model of `spec.family`.
    ///
    /// # Errors
    /// As `Backend::check`.
    pub(crate) fn read(spec: &LoadSpec) -> Result<Self, BackendError> {
        if !FAMILIES.contains(&spec.family.as_str()) {
            return Err(BackendError::Unsupported(format!(
                "candle has no network for the family {:?}; it has {}",
                spec.family,
                FAMILIES.join(", ")
            )));
        }
        let decoder = Decoder::read(spec)?;
        Ok(Self {
            sizes: Sizes {
                vocab: decoder.vocab,
                max_positions: decoder.max_positions,
                layers: decoder.layers.len(),
                heads: decoder.heads,
            },
            matrices: stack::sources(&decoder),
            decoder,
        })
    }
}
