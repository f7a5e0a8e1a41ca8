//! What a `config.json` may say that gives other numbers than the network that is read.

use serde_json::Value;

use super::Variant;
use crate::decoder::keys::{Keys, short};
use crate::decoder::variants::not_neutral;

/// The first key that asks for another network.
pub(super) fn unsupported(variant: Variant, keys: &Keys) -> Option<String> {
    let known: &[&str] = match variant {
        Variant::Dream | Variant::FastDllmV2 => &[],
        Variant::Sdar => &["attention_bias"],
        Variant::LladaMoe | Variant::Llada2 => &["partial_rotary_factor"],
    };
    let other = not_neutral(keys, known);
    other.or_else(|| wanted(variant).find_map(|(key, right)| differs(keys, key, &right)))
}

/// Keys that have to say one thing where they say something.
fn wanted(variant: Variant) -> impl Iterator<Item = (&'static str, Value)> {
    let of_all = [("hidden_act", Value::from("silu"))];
    let more = match variant {
        // LLaDA-MoE's code heeds neither groups nor another score.
        Variant::Dream | Variant::Sdar | Variant::FastDllmV2 | Variant::LladaMoe => Vec::new(),
        Variant::Llada2 => vec![
            ("use_bias", Value::Bool(false)),
            ("use_qk_norm", Value::Bool(true)),
            ("use_rmsnorm", Value::Bool(true)),
            ("norm_head", Value::Bool(false)),
            ("score_function", Value::from("sigmoid")),
        ],
    };
    of_all.into_iter().chain(more)
}

fn differs(keys: &Keys, key: &str, right: &Value) -> Option<String> {
    let said = keys.said(key).filter(|said| !said.is_null())?;
    (said != right).then(|| format!("{key} is {}, not {right}", short(said)))
}
