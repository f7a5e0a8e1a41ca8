//! Weights that other programs have quantised, named for what they are.

use serde_json::Value;

use super::{broken, config_path};
use crate::weights::Weights;
use crate::{BackendError, LoadSpec};

/// The error of weights that MLX has quantised, if it has: what `config.json` says, or tensors that its converter alone
/// writes.
pub(super) fn by_mlx(spec: &LoadSpec, weights: Option<&Weights>) -> Option<BackendError> {
    let config: Value = serde_json::from_str(&spec.config_json).ok()?;
    let said = &config["quantization"];
    let width = (said["bits"].as_u64(), said["group_size"].as_u64());
    let how = match width {
        (Some(bits), Some(group)) => format!(", to {bits} bits in groups of {group}"),
        _ if said.is_object() || weights.is_some_and(Weights::has_scales) => String::new(),
        _ => return None,
    };
    Some(broken(
        spec,
        format!(
            "the weights are quantised for MLX{how}, which this backend does not read; choose framework = \"mlx\", or fetch \
             the checkpoint that is not quantised"
        ),
    ))
}

/// The error of weights that GPTQ, AWQ or another method of Hugging Face's library has quantised, if one has: what
/// `config.json` says, or tensors that they alone write.
pub(super) fn by_others(spec: &LoadSpec, weights: Option<&Weights>) -> Option<BackendError> {
    let config: Value = serde_json::from_str(&spec.config_json).ok()?;
    let said = &config["quantization_config"];
    let method = said["quant_method"].as_str();
    let packed = || weights?.names().find(|name| name.ends_with(".qweight"));
    let method = match method {
        Some(method) => method.to_uppercase(),
        None => packed().map(|_| "GPTQ or AWQ".to_owned())?,
    };
    let how = match (said["bits"].as_u64(), said["group_size"].as_u64()) {
        (Some(bits), Some(group)) => format!(", to {bits} bits in groups of {group}"),
        (Some(bits), None) => format!(", to {bits} bits"),
        (None, _) => String::new(),
    };
    Some(BackendError::Unsupported(format!(
        "{}: the weights are quantised by {method}{how}, which is not read; fetch the checkpoint that is not quantised, which \
         `precision` quantises as it is loaded, or a GGUF file of the model",
        config_path(spec).display()
    )))
}
