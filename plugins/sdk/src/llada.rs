//! What a LLaDA checkpoint (arXiv:2502.09992) says of itself: its `config.json` read and checked, the names and shapes of its
//! tensors, the frequencies of its rotary positions.
//!
//! ```no_run
//! # use unmask_sdk::{BackendError, LoadSpec, llada::Config, weights::Weights};
//! # fn load(spec: &LoadSpec) -> Result<(), BackendError> {
//! let config = Config::read(spec)?;
//! let weights = Weights::open(&spec.weights)?;
//! for matrix in config.matrices() {
//!     let weight = weights.shaped(&matrix.name, &[matrix.rows, matrix.columns])?;
//! }
//! # Ok(())
//! # }
//! ```

use serde::Deserialize;

use crate::{BackendError, LoadSpec, rope};

/// How a layer's width is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// Query heads.
    pub queries: usize,
    /// Key and value heads, a divisor of `queries`.
    pub keys: usize,
    /// Numbers per head, even.
    pub dim: usize,
}

impl Heads {
    /// Query heads that share a key head; head `h` uses key head `h / group`.
    #[must_use]
    pub fn group(self) -> usize {
        self.queries / self.keys
    }

    /// Bytes of keys and values of one cell in `layers` layers, in numbers of `number_bytes` each.
    #[must_use]
    pub fn cell_bytes(self, layers: usize, number_bytes: usize) -> u64 {
        (layers * 2 * self.keys * self.dim * number_bytes) as u64
    }
}

/// A matrix of the network, `y = x Wᵀ (+ b)`, and which tensors of the checkpoint it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatrixSpec {
    /// The tensor's name.
    pub name: String,
    /// What people call it, such as `k_proj`.
    pub label: &'static str,
    /// Numbers that come out.
    pub rows: usize,
    /// Numbers that go in: the length of a row.
    pub columns: usize,
    /// The tensor of its bias `[rows]`, if it has one.
    pub bias: Option<String>,
}

/// The keys that matter when a model answers, with OLMo's names; those without a default are required.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// Width of the residual stream.
    pub d_model: usize,
    /// Blocks of the transformer.
    pub n_layers: usize,
    n_heads: usize,
    n_kv_heads: Option<usize>,
    multi_query_attention: Option<bool>,
    mlp_hidden_size: Option<usize>,
    mlp_ratio: Option<usize>,
    vocab_size: usize,
    embedding_size: Option<usize>,
    /// Positions that it was trained with.
    pub max_sequence_length: u32,
    /// Base of the rotary frequencies.
    pub rope_theta: f32,
    /// Added to the mean square before the root.
    pub rms_norm_eps: f32,
    /// The table of embeddings is the head too.
    pub weight_tying: bool,
    /// Logits are divided by `sqrt(d_model)`.
    #[serde(default)]
    pub scale_logits: bool,
    /// Embeddings are multiplied by `sqrt(d_model)`.
    #[serde(default)]
    pub input_emb_norm: bool,
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
    pub fn read(spec: &LoadSpec) -> Result<Self, BackendError> {
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
                "{}: {what}, which LLaDA does not use and this backend lacks; choose another backend",
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

    /// How `d_model` is split.
    #[must_use]
    pub fn heads(&self) -> Heads {
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

    /// Width of the gated layer.
    #[must_use]
    pub fn mlp_width(&self) -> usize {
        let ratio = self.mlp_ratio.unwrap_or(4);
        self.mlp_hidden_size.unwrap_or(ratio * self.d_model)
    }

    /// Columns of the logits.
    #[must_use]
    pub fn vocab(&self) -> usize {
        self.embedding_size.unwrap_or(self.vocab_size)
    }

    /// Whether norms add a bias, `[d_model]` under the norm's name with `.bias`.
    #[must_use]
    pub fn norm_has_bias(&self) -> bool {
        self.bias_for_layer_norm.unwrap_or(self.include_bias)
    }

    /// Angles a position of the rotary positions, see [`rope::frequencies`].
    #[must_use]
    pub fn frequencies(&self) -> Vec<f32> {
        rope::frequencies(self.rope_theta, self.heads().dim)
    }

    /// Every matrix but the table of embeddings, in the order in which a pass meets them: seven a layer (`k_proj`, `v_proj`,
    /// `q_proj`, `attn_out`; `ff_proj` the gate, `up_proj` the up and `ff_out` the down projection), then the head.
    #[must_use]
    pub fn matrices(&self) -> Vec<MatrixSpec> {
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

/// The full name of a tensor of the transformer, such as `wte.weight`.
#[must_use]
pub fn tensor_name(name: &str) -> String {
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
