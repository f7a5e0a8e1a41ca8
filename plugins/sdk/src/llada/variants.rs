//! What a `config.json` may say that gives other numbers than LLaDA's network, and so is refused.

use serde_json::Value;

use super::LladaConfig;
use crate::decoder::keys::Keys;
use crate::decoder::variants::not_neutral;

/// The first key that asks for another network; `None` if there is none.
pub(super) fn unsupported(config: &LladaConfig, keys: &Keys) -> Option<String> {
    let norm = &config.layer_norm_type;
    let refusals = [
        (
            config.block_type != "llama",
            format!("block_type is {:?}, not \"llama\"", config.block_type),
        ),
        (
            config.activation_type != "silu",
            format!(
                "activation_type is {:?}, not \"silu\"",
                config.activation_type
            ),
        ),
        (
            norm != "rms",
            format!("layer_norm_type is {norm:?}, not \"rms\""),
        ),
        (config.alibi, "alibi is true".to_owned()),
        (!config.rope, "rope is false".to_owned()),
        (
            config.attention_layer_norm,
            "attention_layer_norm is true".to_owned(),
        ),
        (
            !config.layer_norm_with_affine,
            "layer_norm_with_affine is false".to_owned(),
        ),
        (
            config.block_group_size != 1,
            "block_group_size is not 1".to_owned(),
        ),
    ];
    let refused = refusals.into_iter().find(|(refused, _)| *refused);
    refused
        .map(|(_, what)| what)
        .or_else(|| not_neutral(keys, &[]))
        .or_else(|| other_heads(config, keys))
}

/// Heads of another width than an even share, as other families have them, and a base of rotary positions said twice.
fn other_heads(config: &LladaConfig, keys: &Keys) -> Option<String> {
    let dim = config.heads().dim as u64;
    let said = keys.said("head_dim").and_then(Value::as_u64);
    if let Some(said) = said.filter(|said| *said != dim) {
        return Some(format!("head_dim is {said}, not d_model / n_heads = {dim}"));
    }
    let inner = keys.said("rope_parameters")?["rope_theta"].as_f64()?;
    (inner as f32 != config.rope_theta)
        .then(|| format!("rope_theta is {} and {inner}", config.rope_theta))
}
