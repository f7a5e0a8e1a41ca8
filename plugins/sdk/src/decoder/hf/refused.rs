//! What a `config.json` may say that gives other numbers than the network that is read.

use serde_json::Value;

use super::Variant;
use crate::decoder::keys::{Keys, short};
use crate::decoder::variants::not_neutral;

/// The first key that asks for another network.
pub(super) fn unsupported(variant: Variant, keys: &Keys) -> Option<String> {
    let known: &[&str] = match variant {
        Variant::Dream | Variant::FastDllmV2 => &[],
        Variant::Illada | Variant::Sdar => &["attention_bias"],
        Variant::LladaMoe | Variant::Llada2 => &["partial_rotary_factor"],
    };
    let other = not_neutral(keys, known);
    other.or_else(|| wanted(variant).find_map(|(key, right)| differs(keys, key, &right)))
}

/// Keys that have to say one thing where they say something.
fn wanted(variant: Variant) -> impl Iterator<Item = (&'static str, Value)> {
    let of_all = [("hidden_act", Value::from("silu"))];
    let more = match variant {
        Variant::Illada => vec![
            ("mlp_bias", Value::Bool(false)),
            // Its code has a norm of another kind for a number here.
            ("layer_norm_eps", Value::Null),
        ],
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

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn a_share_that_is_turned_counts_inside_the_parameters_too() {
        let parameters = |more: &str| {
            let text = format!(
                r#"{{"hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4, "vocab_size": 8,
                "max_position_embeddings": 32, "intermediate_size": 8, "head_dim": 16, "moe_intermediate_size": 8,
                "num_experts": 4, "num_experts_per_tok": 1, "num_shared_experts": 1, "n_group": 1, "topk_group": 1,
                "rope_parameters": {{"rope_type": "default", "rope_theta": 5.0{more}}}}}"#
            );
            Keys::parse(&text).expect("it is JSON")
        };
        let half = parameters(r#", "partial_rotary_factor": 0.5"#);
        for variant in [
            Variant::Illada,
            Variant::Dream,
            Variant::Sdar,
            Variant::FastDllmV2,
        ] {
            let told = unsupported(variant, &half).expect("it turns all");
            assert!(told.starts_with("rope_parameters is {"), "{told}");
            let whole = parameters(r#", "partial_rotary_factor": 1.0"#);
            assert_eq!(unsupported(variant, &whole), None);
        }
        assert_eq!(unsupported(Variant::Llada2, &half), None);
        let config = Config::of(Variant::Llada2, &half).expect("it is whole");
        assert_eq!((config.rotary, config.theta), (8, 5.0));
        let other = parameters(r#", "attention_factor": 2.0"#);
        assert!(unsupported(Variant::Llada2, &other).is_some());
    }

    #[test]
    fn biases_and_norms_that_illada_does_not_use_are_named() {
        let told = |text: &str| {
            let keys = Keys::parse(text).expect("it is JSON");
            unsupported(Variant::Illada, &keys)
        };
        let usual = r#"{"attention_bias": true, "mlp_bias": false, "layer_norm_eps": null, "rope_scaling": null}"#;
        assert_eq!(told(usual), None);
        let wrong = [
            (r#"{"mlp_bias": true}"#, "mlp_bias is true, not false"),
            (
                r#"{"layer_norm_eps": 1e-5}"#,
                "layer_norm_eps is 0.00001, not null",
            ),
        ];
        for (text, right) in wrong {
            assert_eq!(told(text).as_deref(), Some(right));
        }
    }
}
