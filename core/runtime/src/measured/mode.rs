use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Params;
use crate::params::{CacheMode, Transfer};
use crate::settings::{GenerationPatch, Setting, SettingValue};

/// A way to denoise: what it does otherwise than exact decoding, which commits a token a step and keeps no K/V.
///
/// Written `exact`, or parts joined by `+`: `steps/2` (two tokens a step), `prefix` and `dual` (caches), `KEY=VALUE` of any
/// setting: `dual+threshold=0.9`.
#[derive(Debug, Clone, PartialEq)]
pub struct DenoisingMode {
    /// Tokens that the schedule commits a step.
    pub tokens_per_step: usize,
    /// Settings above those of exact decoding.
    pub settings: GenerationPatch,
}

/// Why a text is no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{part}`: {what}; write exact, or steps/N, prefix, dual and KEY=VALUE of a setting, joined by +"
)]
pub struct ModeError {
    /// The part that is wrong.
    pub part: String,
    /// What is wrong with it.
    pub what: String,
}

impl DenoisingMode {
    /// What all others are compared with.
    #[must_use]
    pub fn exact() -> Self {
        Self {
            tokens_per_step: 1,
            settings: GenerationPatch::default(),
        }
    }

    /// True for exact decoding.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        *self == Self::exact()
    }

    /// Settings of this mode for an answer of so many positions; what it does not say stays.
    #[must_use]
    pub fn over(&self, params: &Params, length: usize) -> Params {
        let mut params = Params {
            transfer: Transfer::Quota,
            cache: CacheMode::Off,
            steps: length.div_ceil(self.tokens_per_step).max(1),
            ..params.clone()
        };
        let mut length = length;
        self.settings.apply(&mut params, &mut length);
        params
    }

    fn set(&mut self, part: &str) -> Result<(), String> {
        if let Some(divisor) = part.strip_prefix("steps/") {
            let divisor = divisor.parse().ok().filter(|&it: &usize| it > 0);
            self.tokens_per_step = divisor.ok_or("the steps are divided by 1 or more")?;
            return Ok(());
        }
        let (key, value) = match part {
            "prefix" | "dual" => ("cache", part),
            _ => part.split_once('=').ok_or("it is no way to denoise")?,
        };
        let setting = Setting::of_key(key).ok_or("there is no such setting")?;
        if setting == Setting::Length {
            return Err("answers of one length are compared; use --len".to_owned());
        }
        let value = setting.definition().domain.parse(value)?;
        let said = self.settings.iter().chain([(setting, value)]);
        self.settings = said.collect();
        self.settings.check().map_err(|(_, why)| why)
    }
}

impl FromStr for DenoisingMode {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<Self, ModeError> {
        let mut mode = Self::exact();
        for part in text.split('+').map(str::trim) {
            if part == "exact" && text.trim() == "exact" {
                continue;
            }
            mode.set(part).map_err(|what| ModeError {
                part: part.to_owned(),
                what,
            })?;
        }
        Ok(mode)
    }
}

impl fmt::Display for DenoisingMode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_exact() {
            return write!(out, "exact");
        }
        let steps = (self.tokens_per_step > 1).then(|| format!("steps/{}", self.tokens_per_step));
        let settings = self.settings.iter().map(|(setting, value)| match value {
            SettingValue::Choice(word) if setting == Setting::Cache => word.to_owned(),
            value => format!("{}={value}", setting.definition().key),
        });
        let parts: Vec<String> = steps.into_iter().chain(settings).collect();
        write!(out, "{}", parts.join("+"))
    }
}

impl Serialize for DenoisingMode {
    fn serialize<S: serde::Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DenoisingMode {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
