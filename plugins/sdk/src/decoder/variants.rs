//! What a `config.json` may say that gives other numbers than the network that is read, and so is refused.

use serde_json::{Map, Value};

use super::keys::{Keys, short};

/// Keys of other networks, which have to say nothing: null, false, empty, or what [`is_neutral`] knows.
const OTHERS: [&str; 10] = [
    "rope_scaling",
    "rope_parameters",
    "partial_rotary_factor",
    "quantization_config",
    "compression_config",
    "clip_qkv",
    "use_sliding_window",
    "final_logit_softcapping",
    "attn_logit_softcapping",
    "attention_bias",
];

/// The first key of [`OTHERS`] that says something and is not `known` to the reader.
pub(crate) fn not_neutral(keys: &Keys, known: &[&str]) -> Option<String> {
    let others = OTHERS.iter().filter(|key| !known.contains(key));
    let mut said = others.filter_map(|key| Some((key, keys.said(key)?)));
    said.find(|(key, value)| !is_neutral(key, value, keys, known))
        .map(|(key, value)| format!("{key} is {}", short(value)))
}

fn is_neutral(key: &str, value: &Value, keys: &Keys, known: &[&str]) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) if fields.is_empty() => true,
        Value::Object(fields) => match key {
            "rope_scaling" => is_default_rope(fields, &[]),
            "rope_parameters" => {
                let read: Vec<&str> = [known, &["rope_theta"]].concat();
                is_default_rope(fields, &read)
            }
            // MLX's converter says the same twice.
            "quantization_config" => keys.said("quantization") == Some(value),
            _ => false,
        },
        Value::Number(factor) => key == "partial_rotary_factor" && factor.as_f64() == Some(1.0),
        Value::Bool(true) | Value::String(_) => false,
    }
}

/// True for what later versions of Hugging Face's library write for rotary positions that are not scaled, beside keys that are
/// `read`.
fn is_default_rope(fields: &Map<String, Value>, read: &[&str]) -> bool {
    let says_nothing = |(key, value): (&String, &Value)| match key.as_str() {
        "rope_type" | "type" => value == "default",
        key if read.contains(&key) => true,
        "partial_rotary_factor" => value.as_f64() == Some(1.0),
        _ => false,
    };
    let has_kind = fields.contains_key("rope_type") || fields.contains_key("type");
    let mut said = fields.iter().filter(|(_, value)| !value.is_null());
    has_kind && said.all(says_nothing)
}
