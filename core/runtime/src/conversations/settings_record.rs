use serde::{Deserialize, Serialize};

use crate::Params;
use crate::settings::{GenerationPatch, Setting};

/// How an answer was denoised: what [`GenerationPatch`] says by key, without the seed. A key or a value that this version
/// does not know is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "serde_json::Map<String, serde_json::Value>")]
pub struct SettingsRecord(GenerationPatch);

impl SettingsRecord {
    /// The settings of a turn; `length` is 0 if that is not known.
    #[must_use]
    pub fn of(params: &Params, length: usize) -> Self {
        Self(GenerationPatch::of(params, length).without(Setting::Seed))
    }

    /// The settings as a turn takes them.
    #[must_use]
    pub fn params(&self, seed: u64) -> Params {
        let (mut params, mut length) = (Params::default(), 0);
        self.0.apply(&mut params, &mut length);
        Params { seed, ..params }
    }
}

impl From<serde_json::Map<String, serde_json::Value>> for SettingsRecord {
    fn from(said: serde_json::Map<String, serde_json::Value>) -> Self {
        Self(GenerationPatch::known(said))
    }
}

#[cfg(test)]
mod tests {
    use crate::params::{CacheMode, Transfer};

    use super::*;

    #[test]
    fn settings_of_other_versions_are_read_as_far_as_they_are_known() {
        let text = r#"{"length":32,"steps":8,"block_length":4,"temperature":0.7,"cfg_scale":0.1,
            "remasking":"to_come","threshold":0.9,"cache":"dual","logits_eos_inf":false,
            "confidence_eos_eot_inf":true,"early_stop":true,"to_come":[1]}"#;
        let record: SettingsRecord = serde_json::from_str(text).expect("it is an object");
        let expected = Params {
            steps: 8,
            block_length: 4,
            temperature: 0.7,
            cfg_scale: 0.1,
            transfer: Transfer::Threshold(0.9),
            cache: CacheMode::Dual,
            confidence_eos_eot_inf: true,
            seed: 7,
            ..Params::default()
        };
        assert_eq!(record.params(7), expected);
    }
}
