use std::path::Path;

use serde_json::Value;

use super::CheckpointError;
use crate::config::GenerationPatch;

/// What a `generation_config.json` says about denoising.
///
/// Many are left over from autoregressive models: a temperature without a length, steps or block is not meant for us.
pub(super) fn patch(config: &Value, path: &Path) -> Result<GenerationPatch, CheckpointError> {
    let count = |key: &str| config[key].as_u64().map(|count| count as usize);
    let counts = GenerationPatch {
        length: count("gen_length"),
        steps: count("steps"),
        block_length: count("block_length"),
        ..GenerationPatch::default()
    };
    if counts == GenerationPatch::default() {
        return Ok(counts);
    }
    let refused = |key, what| CheckpointError::Generation {
        path: path.to_owned(),
        key,
        what,
    };
    let remasking = match &config["remasking"] {
        Value::Null => None,
        word => {
            let what = format!("{word} is not known; it must be low_confidence or random");
            Some(serde_json::from_value(word.clone()).map_err(|_| refused("remasking", what))?)
        }
    };
    let patch = GenerationPatch {
        temperature: config["temperature"].as_f64(),
        cfg_scale: config["cfg_scale"].as_f64().map(|scale| scale as f32),
        remasking,
        ..counts
    };
    patch.check().map_err(|(key, what)| refused(key, what))?;
    Ok(patch)
}
