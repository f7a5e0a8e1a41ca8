//! What a `config.json` of the same model says, out of the metadata.

use serde_json::{Map, Value, json};
use unmask_gguf::{GgufHeader, GgufTensor};

use crate::family::{Family, Shift};

/// Ids that files of Hugging Face keep as `NAME_token_id`, and what GGUF calls them.
const IDS: [(&str, &str); 5] = [
    ("bos", "bos"),
    ("eos", "eos"),
    ("eot", "eot"),
    ("mask", "mask"),
    ("pad", "padding"),
];

/// Of the model that all files of `headers` hold, the first of which holds the metadata.
///
/// # Errors
/// What is missing or cannot be meant.
pub(super) fn config(headers: &[GgufHeader<'_>], family: &Family) -> Result<Value, String> {
    let keys = Keys::of(headers);
    let kind = keys.header.text("general.type").unwrap_or("model");
    if kind == "adapter" {
        return Err(
            "holds an adapter, and adapters are read as PEFT saves them alone: fetch its safetensors, and the model's".to_owned(),
        );
    }
    keys.check(family)?;
    let mut config = match keys.architecture {
        "llada" => keys.llada()?,
        "llada-moe" => keys.llada_moe()?,
        _ => keys.dream()?,
    };
    for (name, key) in IDS {
        let id = keys.header.count(&format!("tokenizer.ggml.{key}_token_id"));
        if let Some(id) = id {
            config.insert(format!("{name}_token_id"), id.into());
        }
    }
    Ok(Value::Object(config))
}

struct Keys<'a> {
    headers: &'a [GgufHeader<'a>],
    header: &'a GgufHeader<'a>,
    architecture: &'a str,
}

impl<'a> Keys<'a> {
    fn of(headers: &'a [GgufHeader<'a>]) -> Self {
        let header = &headers[0];
        Self {
            headers,
            header,
            architecture: header.text("general.architecture").unwrap_or_default(),
        }
    }

    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.architecture)
    }

    fn some_count(&self, key: &str) -> Option<u64> {
        self.header.count(&self.key(key))
    }

    fn count(&self, key: &str) -> Result<u64, String> {
        self.some_count(key).ok_or_else(|| self.lacks(key))
    }

    fn lacks(&self, key: &str) -> String {
        format!(
            "does not say {}; fetch it again, or convert the model with a newer llama.cpp",
            self.key(key)
        )
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.header.number(&self.key(key))
    }

    fn tensor(&self, name: &str) -> Option<&GgufTensor<'_>> {
        self.headers.iter().find_map(|header| header.tensor(name))
    }

    /// Rows of the embedding.
    fn rows(&self) -> Result<usize, String> {
        let name = "token_embd.weight";
        let rows = self.tensor(name).map(|it| it.shape[0]);
        rows.ok_or_else(|| format!("has no tensor {name}; fetch it again"))
    }

    /// Tests what has to be as the family's models are, where the file says it.
    fn check(&self, family: &Family) -> Result<(), String> {
        let key = "diffusion.shift_logits";
        let shifts = !matches!(family.shift, Shift::None);
        if let Some(said) = self.header.flag(key).filter(|said| *said != shifts) {
            let title = family.title;
            return Err(format!("says that {key} is {said}, which no {title} does"));
        }
        let key = self.key("attention.causal");
        if self.header.flag(&key) == Some(true) {
            return Err(format!(
                "says that {key} is true: it writes from left to right, and this program runs masked diffusion models"
            ));
        }
        let width = self.count("embedding_length")?;
        let heads = self.count("attention.head_count")?;
        let dim = width.checked_div(heads).unwrap_or(0);
        for key in [
            "rope.dimension_count",
            "attention.key_length",
            "attention.value_length",
        ] {
            if let Some(said) = self.some_count(key).filter(|said| *said != dim) {
                let key = self.key(key);
                return Err(format!(
                    "says that {key} is {said}, not the {dim} of {width} numbers in {heads} heads, and is not run"
                ));
            }
        }
        Ok(())
    }

    fn llada(&self) -> Result<Map<String, Value>, String> {
        let heads = self.count("attention.head_count")?;
        object(json!({
            "architectures": ["LLaDAModelLM"],
            "model_type": "llada",
            "activation_type": "silu",
            "block_type": "llama",
            "layer_norm_type": "rms",
            "rope": true,
            "d_model": self.count("embedding_length")?,
            "n_layers": self.count("block_count")?,
            "n_heads": heads,
            "n_kv_heads": self.some_count("attention.head_count_kv").unwrap_or(heads),
            "mlp_hidden_size": self.count("feed_forward_length")?,
            "max_sequence_length": self.count("context_length")?,
            "rms_norm_eps": self.eps()?,
            "rope_theta": self.theta(),
            "rope_scaling": self.scaling(),
            "embedding_size": self.rows()?,
            "vocab_size": self.rows()?,
            "weight_tying": self.tensor("output.weight").is_none(),
            "include_bias": false,
            "include_qkv_bias": self.tensor("blk.0.attn_q.bias").is_some(),
        }))
    }

    fn dream(&self) -> Result<Map<String, Value>, String> {
        let mut config = self.of_library()?;
        config.insert("architectures".to_owned(), json!(["DreamModel"]));
        config.insert("model_type".to_owned(), "Dream".into());
        config.insert(
            "intermediate_size".to_owned(),
            self.count("feed_forward_length")?.into(),
        );
        Ok(config)
    }

    fn llada_moe(&self) -> Result<Map<String, Value>, String> {
        let mut config = self.of_library()?;
        let more = object(json!({
            "architectures": ["LLaDAMoEModelLM"],
            "model_type": "llada",
            "num_experts": self.count("expert_count")?,
            "num_experts_per_tok": self.count("expert_used_count")?,
            "expert_intermediate_size": self.count("expert_feed_forward_length")?,
            "qk_layernorm": self.tensor("blk.0.attn_q_norm.weight").is_some(),
        }))?;
        config.extend(more);
        Ok(config)
    }

    /// With the names of Hugging Face's library.
    fn of_library(&self) -> Result<Map<String, Value>, String> {
        let heads = self.count("attention.head_count")?;
        object(json!({
            "hidden_act": "silu",
            "hidden_size": self.count("embedding_length")?,
            "num_hidden_layers": self.count("block_count")?,
            "num_attention_heads": heads,
            "num_key_value_heads": self.some_count("attention.head_count_kv").unwrap_or(heads),
            "max_position_embeddings": self.count("context_length")?,
            "rms_norm_eps": self.eps()?,
            "rope_theta": self.theta(),
            "rope_scaling": self.scaling(),
            "vocab_size": self.rows()?,
            "tie_word_embeddings": self.tensor("output.weight").is_none(),
        }))
    }

    fn eps(&self) -> Result<f64, String> {
        let key = "attention.layer_norm_rms_epsilon";
        self.number(key).ok_or_else(|| self.lacks(key))
    }

    /// As llama.cpp, which takes this base where none is said.
    fn theta(&self) -> f64 {
        self.number("rope.freq_base").unwrap_or(10_000.0)
    }

    /// Where positions are scaled, which backends refuse.
    fn scaling(&self) -> Value {
        let kind = self.header.text(&self.key("rope.scaling.type"));
        match kind.filter(|it| *it != "none") {
            Some(kind) => json!({"rope_type": kind, "factor": self.number("rope.scaling.factor")}),
            None => Value::Null,
        }
    }
}

fn object(value: Value) -> Result<Map<String, Value>, String> {
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err("has no configuration".to_owned()),
    }
}
