//! `int8` and `int4`: networks over slices of `f32` on `unmask-kernels`, without candle.
//!
//! Weights are kept packed as the kernels read them, in a file that passes use where it is mapped. Activations are rounded to
//! 8 bits before each product, keys and values to 16; everything between is `f32`. `weights` packs or opens matrices
//! (`linear`), `network` is what is computed with them (`experts`, where there are some), `attention` and `cells` what it attends to, `work` the buffers of a pass, `session` a
//! loaded model's conversations.

mod attention;
mod cells;
mod experts;
mod linear;
mod network;
mod packing;
mod panel;
mod session;
#[cfg(test)]
mod tests;
mod weights;
mod work;

use std::num::NonZeroUsize;
use std::sync::Arc;

use unmask_kernels::Pool;
use unmask_sdk::weights::Weights;
use unmask_sdk::{BackendError, Estimate, LoadSpec, Model, Progress};

use crate::device;
use crate::models::NetworkPlan;
use cells::CellForm;
use network::PackedNetwork;
pub(crate) use packing::Packing;
use session::{PackedModel, Shared};
use weights::PackedLoader;

/// What a load of `plan` takes.
pub(crate) fn estimate(plan: &NetworkPlan, packing: Packing, spec: &LoadSpec) -> Estimate {
    Estimate {
        weights_bytes: weights::packed_bytes(&plan.matrices, packing),
        cell_bytes: CellForm::of(plan.sizes).cell_bytes(),
        threads: device::threads(spec.threads) as u32,
    }
}

/// Loads `plan`.
///
/// # Errors
/// As `Backend::load`.
pub(crate) fn load(
    plan: NetworkPlan,
    packing: Packing,
    spec: &LoadSpec,
    progress: &Progress<'_>,
) -> Result<Box<dyn Model>, BackendError> {
    Ok(Box::new(PackedModel {
        shared: Arc::new(share(plan, packing, spec, progress)?),
    }))
}

fn share(
    plan: NetworkPlan,
    packing: Packing,
    spec: &LoadSpec,
    progress: &Progress<'_>,
) -> Result<Shared, BackendError> {
    let threads = NonZeroUsize::new(device::threads(spec.threads)).unwrap_or(NonZeroUsize::MIN);
    let pool = Pool::new(threads).map_err(failed)?;
    let loader = PackedLoader {
        weights: &Arc::new(Weights::open(&spec.weights)?),
        packing,
        cache_folder: spec.cache_folder.as_deref(),
        progress,
        pool: &pool,
    };
    let sizes = plan.sizes;
    let (network, held) = PackedNetwork::load(plan, &loader)?;
    Ok(Shared {
        network,
        sizes,
        form: CellForm::of(sizes),
        attention: spec.attention,
        packing,
        pool,
        held,
        rooms: Vec::new().into(),
    })
}

/// A refusal of the kernels: of sizes that were tested before, or of what the environment names.
fn failed(error: unmask_kernels::Error) -> BackendError {
    BackendError::Device(format!("the kernels failed: {error}"))
}
