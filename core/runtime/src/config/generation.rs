use serde::Deserialize;

use super::{Origin, Setting};
use crate::Params;
use crate::params::{CacheMode, Remasking, Rules, Transfer};

/// The keys of `[available_models.KEY.generation]`.
pub(super) const KEYS: &[&str] = &[
    "length",
    "steps",
    "block_length",
    "temperature",
    "cfg_scale",
    "remasking",
    "threshold",
    "factor",
    "cache",
    "logits_eos_inf",
    "confidence_eos_eot_inf",
    "early_stop",
    "seed",
];

/// What one layer (file, environment, flags, checkpoint) says about denoising; `None` leaves it to the layer below.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct GenerationPatch {
    /// Positions of the answer, 1 and up.
    pub length: Option<usize>,
    /// See [`Params::steps`].
    pub steps: Option<usize>,
    /// See [`Params::block_length`].
    pub block_length: Option<usize>,
    /// See [`Params::temperature`].
    pub temperature: Option<f64>,
    /// See [`Params::cfg_scale`].
    pub cfg_scale: Option<f32>,
    /// See [`Params::remasking`].
    pub remasking: Option<Remasking>,
    /// See [`Transfer::Threshold`], 0 to 1; excludes `factor`.
    pub threshold: Option<f64>,
    /// See [`Transfer::Factor`], above 0; excludes `threshold`.
    pub factor: Option<f64>,
    /// See [`Params::cache`].
    pub cache: Option<CacheMode>,
    /// See [`Params::logits_eos_inf`].
    pub logits_eos_inf: Option<bool>,
    /// See [`Params::confidence_eos_eot_inf`].
    pub confidence_eos_eot_inf: Option<bool>,
    /// See [`Params::early_stop`].
    pub early_stop: Option<bool>,
    /// See [`Params::seed`].
    pub seed: Option<u64>,
}

impl GenerationPatch {
    /// Tests the ranges.
    ///
    /// # Errors
    /// The key, and its range.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let counts = [
            ("length", self.length),
            ("steps", self.steps),
            ("block_length", self.block_length),
        ];
        if let Some((key, _)) = counts.iter().find(|(_, count)| *count == Some(0)) {
            return Err((key, "0 is too small; it must be 1 or more".to_owned()));
        }
        let outside =
            |value: f64, range: &str| format!("{value} is out of range; it must be {range}");
        let not_negative = |value: f64| value.is_finite() && value >= 0.0;
        let cfg_scale = self.cfg_scale.map(f64::from);
        for (key, value) in [("temperature", self.temperature), ("cfg_scale", cfg_scale)] {
            if let Some(value) = value.filter(|&value| !not_negative(value)) {
                return Err((key, outside(value, "0 or more")));
            }
        }
        if let Some(value) = self.threshold.filter(|value| !(0.0..=1.0).contains(value)) {
            return Err(("threshold", outside(value, "0 to 1")));
        }
        if let Some(value) = self
            .factor
            .filter(|&value| !not_negative(value) || value == 0.0)
        {
            return Err(("factor", outside(value, "above 0")));
        }
        if self.threshold.is_some() && self.factor.is_some() {
            let message = "threshold and factor are two ways to do the same; remove one".to_owned();
            return Err(("factor", message));
        }
        Ok(())
    }
}

/// What the layers together say about denoising; `None` where none of them says anything, so that the checkpoint and its
/// family decide.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GenerationSettings {
    /// Positions of the answer.
    pub length: Option<Setting<usize>>,
    /// See [`Params::steps`].
    pub steps: Option<Setting<usize>>,
    /// See [`Params::block_length`].
    pub block_length: Option<Setting<usize>>,
    /// See [`Params::temperature`].
    pub temperature: Option<Setting<f64>>,
    /// See [`Params::cfg_scale`].
    pub cfg_scale: Option<Setting<f32>>,
    /// See [`Params::remasking`].
    pub remasking: Option<Setting<Remasking>>,
    /// See [`Transfer::Threshold`].
    pub threshold: Option<Setting<f64>>,
    /// See [`Transfer::Factor`].
    pub factor: Option<Setting<f64>>,
    /// See [`Params::cache`].
    pub cache: Option<Setting<CacheMode>>,
    /// See [`Params::logits_eos_inf`].
    pub logits_eos_inf: Option<Setting<bool>>,
    /// See [`Params::confidence_eos_eot_inf`].
    pub confidence_eos_eot_inf: Option<Setting<bool>>,
    /// See [`Params::early_stop`].
    pub early_stop: Option<Setting<bool>>,
    /// See [`Params::seed`].
    pub seed: Option<Setting<u64>>,
}

impl GenerationSettings {
    /// Puts a layer on top; `origin` tells where a key of it was said.
    pub fn lay(&mut self, patch: &GenerationPatch, origin: &dyn Fn(&'static str) -> Origin) {
        if patch.threshold.is_some() || patch.factor.is_some() {
            (self.threshold, self.factor) = (None, None);
        }
        put(&mut self.length, patch.length, "length", origin);
        put(&mut self.steps, patch.steps, "steps", origin);
        put(
            &mut self.block_length,
            patch.block_length,
            "block_length",
            origin,
        );
        put(
            &mut self.temperature,
            patch.temperature,
            "temperature",
            origin,
        );
        put(&mut self.cfg_scale, patch.cfg_scale, "cfg_scale", origin);
        put(&mut self.remasking, patch.remasking, "remasking", origin);
        put(&mut self.threshold, patch.threshold, "threshold", origin);
        put(&mut self.factor, patch.factor, "factor", origin);
        put(&mut self.cache, patch.cache, "cache", origin);
        put(
            &mut self.logits_eos_inf,
            patch.logits_eos_inf,
            "logits_eos_inf",
            origin,
        );
        put(
            &mut self.confidence_eos_eot_inf,
            patch.confidence_eos_eot_inf,
            "confidence_eos_eot_inf",
            origin,
        );
        put(&mut self.early_stop, patch.early_stop, "early_stop", origin);
        put(&mut self.seed, patch.seed, "seed", origin);
    }

    /// Writes what is set over the settings of a checkpoint and over its answer's length.
    ///
    /// A count that was said in a lower layer than the length shrinks with it, so that `--len 64` alone does what is meant.
    /// A threshold, a factor or a cache brings [`Rules::Settled`], under which no mask is left.
    pub fn apply(&self, params: &mut Params, length: &mut usize) {
        set(length, self.length.as_ref());
        set(&mut params.steps, self.steps.as_ref());
        set(&mut params.block_length, self.block_length.as_ref());
        set(&mut params.temperature, self.temperature.as_ref());
        set(&mut params.cfg_scale, self.cfg_scale.as_ref());
        set(&mut params.remasking, self.remasking.as_ref());
        set(&mut params.cache, self.cache.as_ref());
        set(&mut params.logits_eos_inf, self.logits_eos_inf.as_ref());
        set(
            &mut params.confidence_eos_eot_inf,
            self.confidence_eos_eot_inf.as_ref(),
        );
        set(&mut params.early_stop, self.early_stop.as_ref());
        set(&mut params.seed, self.seed.as_ref());
        if let Some(threshold) = &self.threshold {
            params.transfer = Transfer::Threshold(threshold.value);
        }
        if let Some(factor) = &self.factor {
            params.transfer = Transfer::Factor(factor.value);
        }
        if !params.is_exact() {
            params.rules = Rules::Settled;
        }
        let rank = |setting: &Option<Setting<usize>>| {
            setting.as_ref().map(|setting| setting.origin.rank())
        };
        for (count, setting) in [
            (&mut params.steps, &self.steps),
            (&mut params.block_length, &self.block_length),
        ] {
            if rank(setting) < rank(&self.length) {
                *count = (*count).min(*length);
            }
        }
    }
}

fn put<T>(
    slot: &mut Option<Setting<T>>,
    value: Option<T>,
    key: &'static str,
    origin: &dyn Fn(&'static str) -> Origin,
) {
    if let Some(value) = value {
        *slot = Some(Setting {
            value,
            origin: origin(key),
        });
    }
}

fn set<T: Copy>(slot: &mut T, setting: Option<&Setting<T>>) {
    if let Some(setting) = setting {
        *slot = setting.value;
    }
}
