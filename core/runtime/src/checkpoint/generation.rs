use std::path::Path;

use serde::de::DeserializeSeed as _;
use serde_json::Value;

use super::CheckpointError;
use crate::Params;
use crate::family::Family;
use crate::sampler::FittedParams;
use crate::settings::{Domain, GenerationPatch, Setting};

/// The keys that say that the file is meant for us.
const COUNTS: [(&str, Setting); 3] = [
    ("gen_length", Setting::Length),
    ("steps", Setting::Steps),
    ("block_length", Setting::BlockLength),
];

/// The keys that are heeded beside them.
const OTHERS: [(&str, Setting); 3] = [
    ("temperature", Setting::Temperature),
    ("cfg_scale", Setting::CfgScale),
    ("remasking", Setting::Remasking),
];

/// What a `generation_config.json` says about denoising.
///
/// Many are left over from autoregressive models: a temperature without a length, steps or block is not meant for us.
pub(super) fn patch(config: &Value, path: &Path) -> Result<GenerationPatch, CheckpointError> {
    let refused = |key, what| CheckpointError::Generation {
        path: path.to_owned(),
        key,
        what,
    };
    if !COUNTS.iter().any(|(key, _)| config[key].is_u64()) {
        return Ok(GenerationPatch::default());
    }
    let mut said = Vec::new();
    for (key, setting) in COUNTS.into_iter().chain(OTHERS) {
        let (row, value) = (setting.definition(), &config[key]);
        match row.domain.deserialize(value) {
            Ok(value) => said.push((setting, value)),
            Err(error) if matches!(row.domain, Domain::Choice(_)) && !value.is_null() => {
                return Err(refused(row.key, error.to_string()));
            }
            // Not there, or of another kind and so not meant as ours.
            Err(_) => (),
        }
    }
    let patch: GenerationPatch = said.into_iter().collect();
    patch.check().map_err(|(key, what)| refused(key, what))?;
    Ok(patch)
}

/// What a checkpoint's files and its family say together.
pub(super) struct Defaults {
    pub(super) params: Params,
    /// Positions of an answer.
    pub(super) length: usize,
    /// What had to be changed, such as `steps 512 → 128`.
    pub(super) changes: Vec<String>,
}

/// What `said` makes of the family's preset. Files often say a number alone: of length, block and steps what is not said
/// follows what is, and what cannot be done is rounded.
pub(super) fn defaults(family: &Family, said: &GenerationPatch) -> Defaults {
    let preset = (family.preset)();
    let (mut params, mut length) = (preset.params, preset.length);
    said.apply(&mut params, &mut length);
    let is_said = |setting| said.get(setting).is_some();
    if !is_said(Setting::BlockLength) && !length.is_multiple_of(params.block_length) {
        params.block_length = length;
    }
    let mut changes = Vec::new();
    if params.steps > length {
        if is_said(Setting::Steps) {
            changes.push(format!("steps {} → {length}, the length", params.steps));
        }
        params.steps = length;
    }
    let fit = FittedParams::new(length, &params);
    // Steps that nobody asked for are no news.
    let is_news = |change: &String| is_said(Setting::Steps) || !change.starts_with("steps");
    changes.extend(fit.notes.into_iter().filter(is_news));
    Defaults {
        params: fit.params,
        length: fit.length,
        changes,
    }
}
