//! The weights of a norm.

use unmask_sdk::BackendError;
use unmask_sdk::decoder::NormSpec;
use unmask_sdk::weights::Weights;

/// What a row is multiplied by once its mean square is 1, and what is added.
pub(crate) struct Norm {
    /// `[width]`
    pub(crate) weight: Vec<f32>,
    /// `[width]`
    pub(crate) bias: Option<Vec<f32>>,
}

impl Norm {
    /// Reads the norm of `spec`.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`].
    pub(crate) fn load(weights: &Weights, spec: &NormSpec) -> Result<Self, BackendError> {
        let read = |name: &String| weights.shaped(name, &[spec.width])?.to_f32();
        Ok(Self {
            weight: read(&spec.weight)?,
            bias: spec.bias.as_ref().map(read).transpose()?,
        })
    }
}
