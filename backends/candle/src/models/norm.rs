//! The weights of a norm.

use unmask_sdk::BackendError;
use unmask_sdk::llada::{LladaConfig, tensor_name};
use unmask_sdk::weights::Weights;

/// What a row is multiplied by once its mean square is 1, and what is added.
pub(crate) struct Norm {
    /// `[width]`
    pub(crate) weight: Vec<f32>,
    /// `[width]`
    pub(crate) bias: Option<Vec<f32>>,
}

impl Norm {
    /// Reads norm `name` of a network.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`].
    pub(crate) fn load(
        weights: &Weights,
        config: &LladaConfig,
        name: &str,
    ) -> Result<Self, BackendError> {
        let read = |kind: &str| {
            let name = tensor_name(&format!("{name}.{kind}"));
            weights.shaped(&name, &[config.d_model])?.to_f32()
        };
        let bias = config.norm_has_bias().then(|| read("bias"));
        Ok(Self {
            weight: read("weight")?,
            bias: bias.transpose()?,
        })
    }
}
