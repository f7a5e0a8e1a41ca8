//! What a LLaDA checkpoint (arXiv:2502.09992) says of itself: its `config.json` read and checked, the names and shapes of its
//! tensors, the frequencies of its rotary positions.
//!
//! ```no_run
//! # use unmask_sdk::{BackendError, LoadSpec, llada::LladaConfig, weights::Weights};
//! # fn load(spec: &LoadSpec) -> Result<(), BackendError> {
//! let config = LladaConfig::read(spec)?;
//! let weights = Weights::open(&spec.weights)?;
//! for matrix in config.matrices() {
//!     let weight = weights.shaped(&matrix.name, &[matrix.rows, matrix.columns])?;
//! }
//! # Ok(())
//! # }
//! ```

mod bounds;
mod keys;
mod variants;

use serde_json::Value;

use crate::weights::Weights;
use crate::{BackendError, LoadSpec, rope};
use keys::Keys;

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

/// The keys that matter when a model answers, with OLMo's names.
#[derive(Debug, Clone)]
pub struct LladaConfig {
    /// Width of the residual stream.
    pub d_model: usize,
    /// Blocks of the transformer.
    pub n_layers: usize,
    n_heads: usize,
    n_kv_heads: Option<usize>,
    multi_query_attention: Option<bool>,
    mlp_hidden_size: Option<usize>,
    mlp_ratio: usize,
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
    pub scale_logits: bool,
    /// Embeddings are multiplied by `sqrt(d_model)`.
    pub input_emb_norm: bool,
    include_bias: bool,
    include_qkv_bias: bool,
    bias_for_layer_norm: Option<bool>,
    activation_type: String,
    block_type: String,
    alibi: bool,
    rope: bool,
    layer_norm_type: String,
    layer_norm_with_affine: bool,
    attention_layer_norm: bool,
    block_group_size: usize,
}

/// What every tensor's name begins with.
const PREFIX: &str = "model.transformer.";

impl LladaConfig {
    /// Reads `spec.config_json`, whose sizes the weight files have to bear out, and tests that these hold every matrix in
    /// its shape. Without weight files that can be read, the sizes are only kept within reason.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`] naming the missing or senseless key or tensor, or MLX if that has quantised the weights;
    /// [`BackendError::Unsupported`] for a variant of the architecture that LLaDA does not use.
    pub fn read(spec: &LoadSpec) -> Result<Self, BackendError> {
        let (config, weights) = Self::read_either(spec)?;
        if let Some(quantised) = quantised(spec, weights.as_ref()) {
            return Err(broken(
                spec,
                format!(
                    "{quantised}, which this backend does not read; choose framework = \"mlx\", or fetch the checkpoint \
                     that is not quantised"
                ),
            ));
        }
        if let Some(weights) = &weights {
            bounds::check_tensors(&config, weights)?;
        }
        Ok(config)
    }

    /// As [`read`](Self::read), for a backend that also reads matrices as MLX quantises and names them: it tests their shapes
    /// itself.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_quantised(spec: &LoadSpec) -> Result<Self, BackendError> {
        Self::read_either(spec).map(|(config, _)| config)
    }

    fn read_either(spec: &LoadSpec) -> Result<(Self, Option<Weights>), BackendError> {
        let again = |what: String| broken(spec, format!("{what}; fetch the file again"));
        let keys = Keys::parse(&spec.config_json).map_err(again)?;
        let config = Self::of(&keys).map_err(|what| {
            let what = format!("{what}; fetch the file again, or check that the model is a LLaDA");
            broken(spec, what)
        })?;
        if let Some(what) = config.nonsense() {
            return Err(again(what));
        }
        if let Some(what) = variants::unsupported(&config, &keys) {
            let path = spec.folder.join("config.json");
            return Err(BackendError::Unsupported(format!(
                "{}: {what}, which LLaDA does not use and this backend lacks; choose another backend",
                path.display()
            )));
        }
        // Whoever asks what a load would take need not have them; a load tells what is wrong with them.
        let weights = Weights::open(&spec.weights).ok();
        let weights = weights.filter(|_| !spec.weights.is_empty());
        bounds::check(&config, weights.as_ref()).map_err(|what| {
            let what = format!("{what}; fetch config.json and the weights from the same place");
            broken(spec, what)
        })?;
        Ok((config, weights))
    }

    /// The values of LLaDA's `ModelConfig` are taken for keys that are not there.
    fn of(keys: &Keys) -> Result<Self, String> {
        let positions = match keys.said("max_sequence_length") {
            Some(_) => keys.count("max_sequence_length")?,
            None => 1024,
        };
        Ok(Self {
            d_model: keys.count("d_model")?,
            n_layers: keys.count("n_layers")?,
            n_heads: keys.count("n_heads")?,
            n_kv_heads: keys.some_count("n_kv_heads")?,
            multi_query_attention: keys.some_flag("multi_query_attention")?,
            mlp_hidden_size: keys.some_count("mlp_hidden_size")?,
            mlp_ratio: keys.some_count("mlp_ratio")?.unwrap_or(4),
            vocab_size: keys.count("vocab_size")?,
            // Differs from the reference: there the class says 50304, which fits GPT-2's vocabulary alone.
            embedding_size: keys.some_count("embedding_size")?,
            max_sequence_length: u32::try_from(positions).map_err(|_| {
                format!("max_sequence_length is {positions}, more than any model has")
            })?,
            rope_theta: keys.number("rope_theta", 10_000.0)?,
            rms_norm_eps: keys.number("rms_norm_eps", 1e-5)?,
            weight_tying: keys.flag("weight_tying", true)?,
            scale_logits: keys.flag("scale_logits", false)?,
            input_emb_norm: keys.flag("input_emb_norm", false)?,
            include_bias: keys.flag("include_bias", false)?,
            include_qkv_bias: keys.flag("include_qkv_bias", false)?,
            bias_for_layer_norm: keys.some_flag("bias_for_layer_norm")?,
            activation_type: keys.word("activation_type", "swiglu")?,
            block_type: keys.word("block_type", "sequential")?,
            alibi: keys.flag("alibi", false)?,
            rope: keys.flag("rope", false)?,
            layer_norm_type: keys.word("layer_norm_type", "default")?,
            layer_norm_with_affine: keys.flag("layer_norm_with_affine", true)?,
            attention_layer_norm: keys.flag("attention_layer_norm", false)?,
            block_group_size: keys.some_count("block_group_size")?.unwrap_or(1),
        })
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
            ("embedding_size", self.vocab()),
            ("max_sequence_length", self.max_sequence_length as usize),
        ];
        if let Some((key, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Some(format!("{key} is 0"));
        }
        if let (Some(said), Some(multi)) = (self.n_kv_heads, self.multi_query_attention)
            && said != if multi { 1 } else { self.n_heads }
        {
            return Some(format!(
                "n_kv_heads is {said} and multi_query_attention is {multi}, which exclude each other"
            ));
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
        let usual = self.mlp_ratio.saturating_mul(self.d_model);
        self.mlp_hidden_size.unwrap_or(usual)
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

/// What is wrong with `config.json`.
fn broken(spec: &LoadSpec, what: String) -> BackendError {
    BackendError::Checkpoint {
        path: spec.folder.join("config.json"),
        what,
    }
}

/// How MLX has quantised the weights, if it has: what `config.json` says, or tensors that its converter alone writes.
fn quantised(spec: &LoadSpec, weights: Option<&Weights>) -> Option<String> {
    let config: Value = serde_json::from_str(&spec.config_json).ok()?;
    let said = &config["quantization"];
    let width = (said["bits"].as_u64(), said["group_size"].as_u64());
    if let (Some(bits), Some(group)) = width {
        return Some(format!(
            "the weights are quantised for MLX, to {bits} bits in groups of {group}"
        ));
    }
    let is_quantised = said.is_object() || weights.is_some_and(Weights::has_scales);
    is_quantised.then(|| "the weights are quantised for MLX".to_owned())
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
