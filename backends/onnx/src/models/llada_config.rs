//! `config.json` of LLaDA checkpoints: what shapes the network, and what this backend refuses.

use serde::Deserialize;
use unmask_sdk::{BackendError, LoadSpec};

use crate::matrix::MatrixSpec;
use crate::slot::Heads;

/// The keys that matter when a model answers; those without a default are required.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Config {
    pub(crate) d_model: usize,
    pub(crate) n_layers: usize,
    n_heads: usize,
    n_kv_heads: Option<usize>,
    multi_query_attention: Option<bool>,
    mlp_hidden_size: Option<usize>,
    mlp_ratio: Option<usize>,
    vocab_size: usize,
    embedding_size: Option<usize>,
    pub(crate) max_sequence_length: u32,
    pub(crate) rope_theta: f32,
    pub(crate) rms_norm_eps: f32,
    pub(crate) weight_tying: bool,
    #[serde(default)]
    pub(crate) scale_logits: bool,
    #[serde(default)]
    pub(crate) input_emb_norm: bool,
    #[serde(default)]
    include_bias: bool,
    #[serde(default)]
    include_qkv_bias: bool,
    bias_for_layer_norm: Option<bool>,
    activation_type: String,
    block_type: String,
    #[serde(default)]
    alibi: bool,
    rope: Option<bool>,
    layer_norm_type: Option<String>,
    layer_norm_with_affine: Option<bool>,
    #[serde(default)]
    attention_layer_norm: bool,
    block_group_size: Option<usize>,
}

/// What every tensor's name begins with.
const PREFIX: &str = "model.transformer.";

impl Config {
    /// Reads `spec.config_json`.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`] naming the missing or senseless key; [`BackendError::Unsupported`] for a variant of
    /// the architecture that LLaDA does not use.
    pub(crate) fn read(spec: &LoadSpec) -> Result<Self, BackendError> {
        let path = spec.folder.join("config.json");
        let broken = |what: String| BackendError::Checkpoint {
            path: path.clone(),
            what,
        };
        let config: Self = serde_json::from_str(&spec.config_json).map_err(|error| {
            broken(format!(
                "{error}; fetch the file again, or check that the model is a LLaDA"
            ))
        })?;
        if let Some(what) = config.nonsense() {
            return Err(broken(format!("{what}; fetch the file again")));
        }
        match config.unsupported() {
            None => Ok(config),
            Some(what) => Err(BackendError::Unsupported(format!(
                "{}: {what}, which LLaDA does not use and onnx's network lacks; choose another backend",
                path.display()
            ))),
        }
    }

    fn nonsense(&self) -> Option<String> {
        let heads = self.heads();
        let sizes = [
            ("d_model", self.d_model),
            ("n_layers", self.n_layers),
            ("n_heads", self.n_heads),
            ("n_kv_heads", heads.keys),
            ("mlp_hidden_size", self.mlp_width()),
            ("vocab_size", self.vocab_size),
        ];
        if let Some((key, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Some(format!("{key} is 0"));
        }
        if !self.d_model.is_multiple_of(self.n_heads) || !heads.dim.is_multiple_of(2) {
            let (width, count) = (self.d_model, self.n_heads);
            return Some(format!(
                "d_model {width} does not split into {count} heads of even width"
            ));
        }
        if !heads.queries.is_multiple_of(heads.keys) {
            let (queries, keys) = (heads.queries, heads.keys);
            return Some(format!(
                "{queries} n_heads do not share {keys} n_kv_heads evenly"
            ));
        }
        None
    }

    fn unsupported(&self) -> Option<String> {
        let layer_norm = self.layer_norm_type.as_deref().unwrap_or("rms");
        let refusals = [
            (
                self.block_type != "llama",
                format!("block_type is {:?}, not \"llama\"", self.block_type),
            ),
            (
                self.activation_type != "silu",
                format!(
                    "activation_type is {:?}, not \"silu\"",
                    self.activation_type
                ),
            ),
            (
                layer_norm != "rms",
                format!("layer_norm_type is {layer_norm:?}, not \"rms\""),
            ),
            (self.alibi, "alibi is true".to_owned()),
            (self.rope == Some(false), "rope is false".to_owned()),
            (
                self.attention_layer_norm,
                "attention_layer_norm is true".to_owned(),
            ),
            (
                self.layer_norm_with_affine == Some(false),
                "layer_norm_with_affine is false".to_owned(),
            ),
            (
                self.block_group_size.is_some_and(|size| size != 1),
                "block_group_size is not 1".to_owned(),
            ),
        ];
        let refused = refusals.into_iter().find(|(refused, _)| *refused);
        refused.map(|(_, what)| what)
    }

    pub(crate) fn heads(&self) -> Heads {
        let keys = match (self.n_kv_heads, self.multi_query_attention) {
            (Some(keys), _) => keys,
            (None, Some(true)) => 1,
            (None, _) => self.n_heads,
        };
        Heads {
            queries: self.n_heads,
            keys,
            dim: self.d_model.checked_div(self.n_heads).unwrap_or(0),
        }
    }

    pub(crate) fn mlp_width(&self) -> usize {
        let ratio = self.mlp_ratio.unwrap_or(4);
        self.mlp_hidden_size.unwrap_or(ratio * self.d_model)
    }

    /// Columns of the logits.
    pub(crate) fn vocab(&self) -> usize {
        self.embedding_size.unwrap_or(self.vocab_size)
    }

    pub(crate) fn norm_has_bias(&self) -> bool {
        self.bias_for_layer_norm.unwrap_or(self.include_bias)
    }

    /// Every matrix, in the order in which a pass meets them: seven a layer, then the head.
    pub(crate) fn matrices(&self) -> Vec<MatrixSpec> {
        let (width, mlp, heads) = (self.d_model, self.mlp_width(), self.heads());
        let keys = heads.keys * heads.dim;
        let bias = self.include_bias;
        let qkv_bias = bias || self.include_qkv_bias;
        let layer = |layer: usize| {
            let spec = |name: &'static str, rows, columns, bias| {
                matrix(&format!("blocks.{layer}.{name}"), name, rows, columns, bias)
            };
            [
                spec("k_proj", keys, width, qkv_bias),
                spec("v_proj", keys, width, qkv_bias),
                spec("q_proj", width, width, qkv_bias),
                spec("attn_out", width, width, bias),
                spec("ff_proj", mlp, width, bias),
                spec("up_proj", mlp, width, bias),
                spec("ff_out", width, mlp, bias),
            ]
        };
        let vocab = self.vocab();
        // With tied weights the head has no bias of its own in the reference either.
        let head = if self.weight_tying {
            matrix("wte", "wte", vocab, width, false)
        } else {
            matrix("ff_out", "lm_head", vocab, width, bias)
        };
        (0..self.n_layers).flat_map(layer).chain([head]).collect()
    }
}

/// The full name of a tensor of the transformer.
pub(crate) fn tensor_name(name: &str) -> String {
    format!("{PREFIX}{name}")
}

fn matrix(name: &str, label: &'static str, rows: usize, columns: usize, bias: bool) -> MatrixSpec {
    MatrixSpec {
        name: tensor_name(&format!("{name}.weight")),
        label,
        rows,
        columns,
        bias: bias.then(|| tensor_name(&format!("{name}.bias"))),
    }
}
