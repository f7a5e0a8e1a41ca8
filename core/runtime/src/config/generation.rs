use std::collections::BTreeMap;

use super::{Origin, Resolved};
use crate::Params;
use crate::settings::{GenerationPatch, Setting, SettingValue};

/// What the layers together say about denoising; where none of them says anything, the checkpoint and its family decide.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GenerationSettings {
    values: BTreeMap<Setting, Resolved<SettingValue>>,
}

impl GenerationSettings {
    /// What is said of a setting.
    #[must_use]
    pub fn get(&self, setting: Setting) -> Option<&Resolved<SettingValue>> {
        self.values.get(&setting)
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether it was said for this run, by a variable, a preset or a flag, rather than by a file or nobody.
    #[must_use]
    pub fn is_said_for_run(&self, setting: Setting) -> bool {
        self.get(setting).is_some_and(|it| match it.origin {
            Origin::Default | Origin::File(_) => false,
            Origin::Variable(_) | Origin::Preset(_) | Origin::Flag(_) => true,
        })
    }

    /// Puts a layer on top; `origin` tells where a key of it was said.
    pub fn lay(&mut self, patch: &GenerationPatch, origin: &dyn Fn(&'static str) -> Origin) {
        for (setting, value) in patch.iter() {
            let row = setting.definition();
            if row.is_used(value) {
                row.others().for_each(|other| {
                    self.values.remove(&other.setting);
                });
            }
            let origin = origin(row.key);
            self.values.insert(setting, Resolved { value, origin });
        }
    }

    /// Writes what is set over the settings of a checkpoint and over its answer's length.
    ///
    /// A count that was said in a lower layer than the length shrinks with it, so that `--len 64` alone does what is meant.
    pub fn apply(&self, params: &mut Params, length: &mut usize) {
        let said = self.values.iter().map(|(&setting, it)| (setting, it.value));
        said.collect::<GenerationPatch>().apply(params, length);
        let rank = |setting| self.get(setting).map(|it| it.origin.rank());
        for (setting, count) in [
            (Setting::Steps, &mut params.steps),
            (Setting::BlockLength, &mut params.block_length),
        ] {
            if rank(setting) < rank(Setting::Length) {
                *count = (*count).min(*length);
            }
        }
    }
}
