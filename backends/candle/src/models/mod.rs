//! Networks by family: one file each, and an arm in each `match` here.

mod llada;
mod norm;

use candle_core::Tensor;
use unmask_sdk::keys::RowKeys;
use unmask_sdk::llada::{Heads, LladaConfig};
use unmask_sdk::{BackendError, LoadSpec, Pass};

use self::llada::Llada;
pub(crate) use self::norm::Norm;
use crate::loader::{Held, MatrixLoader};
use crate::matrix::MatrixSource;
use crate::slot::KeyValues;

/// What a configuration makes of a network, before any weight is read.
pub(crate) struct NetworkPlan {
    pub(crate) sizes: Sizes,
    pub(crate) matrices: Vec<MatrixSource>,
    pub(crate) family: FamilyConfig,
}

/// Families whose networks this backend has.
pub(crate) enum FamilyConfig {
    Llada(LladaConfig),
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

/// A network with its weights.
pub(crate) enum Network {
    Llada(Llada),
}

impl NetworkPlan {
    /// Reads the configuration of a model of `spec.family`.
    ///
    /// # Errors
    /// As `Backend::check`.
    pub(crate) fn read(spec: &LoadSpec) -> Result<Self, BackendError> {
        match spec.family.as_str() {
            "llada" => Ok(llada::plan(LladaConfig::read(spec)?)),
            other => Err(BackendError::Unsupported(format!(
                "candle has no network for the family {other:?}; it has llada"
            ))),
        }
    }

    /// Loads the network.
    ///
    /// # Errors
    /// As `Backend::load`.
    pub(crate) fn load(self, loader: &MatrixLoader<'_>) -> Result<(Network, Held), BackendError> {
        match self.family {
            FamilyConfig::Llada(config) => {
                let (network, held) = Llada::load(config, &self.matrices, loader)?;
                Ok((Network::Llada(network), held))
            }
        }
    }
}

impl Network {
    /// Computes a pass of `rows`, whose cells are in `slots` by slot and layer; returns the wanted logits, `[wanted, vocab]`.
    ///
    /// # Errors
    /// As `Session::forward`.
    pub(crate) fn forward(
        &self,
        pass: &Pass<'_>,
        rows: &[RowKeys],
        slots: &[Vec<KeyValues>],
    ) -> Result<Tensor, BackendError> {
        match self {
            Self::Llada(network) => network.forward(pass, rows, slots),
        }
    }
}
