use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Params;
use crate::params::ConfidenceType;
use crate::settings::{GenerationPatch, object};

/// The function from seed, step and position to noise that this version has.
const NOISE: u32 = 1;

/// Everything that a run was set to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSettings {
    /// Every setting by its key; what is off is null.
    #[serde(flatten)]
    pub settings: Map<String, Value>,
    /// How confidences are rounded.
    pub confidence_type: ConfidenceType,
    /// The number of the function from seed, step and position to noise.
    pub noise: u32,
}

impl RunSettings {
    /// The settings of a run whose answer has `length` positions.
    #[must_use]
    pub fn of(params: &Params, length: usize) -> Self {
        Self {
            settings: object(params, length),
            confidence_type: params.confidence_type,
            noise: NOISE,
        }
    }

    /// The settings as a turn takes them; those that this version does not know are left out.
    #[must_use]
    pub fn params(&self) -> Params {
        let (mut params, mut length) = (Params::default(), 0);
        GenerationPatch::known(self.settings.clone()).apply(&mut params, &mut length);
        Params {
            confidence_type: self.confidence_type,
            ..params
        }
    }
}
