//! What a LLaDA checkpoint (arXiv:2502.09992) says of itself: its `config.json` read and checked, and the names of its tensors.

mod variants;

use crate::decoder::bounds::{self, ConfigSize, SizeOf};
use crate::decoder::keys::Keys;
use crate::decoder::{
    Decoder, DecoderLayer, GatedSpec, Heads, MatrixSpec, MlpSpec, NormSpec, broken, config_path,
};
use crate::weights::Weights;
use crate::{BackendError, LoadSpec, rope};

/// The keys that matter when a model answers, with OLMo's names.
#[derive(Debug, Clone)]
pub(crate) struct LladaConfig {
    /// Width of the residual stream.
    d_model: usize,
    /// Blocks of the transformer.
    n_layers: usize,
    n_heads: usize,
    n_kv_heads: Option<usize>,
    multi_query_attention: Option<bool>,
    mlp_hidden_size: Option<usize>,
    mlp_ratio: usize,
    vocab_size: usize,
    embedding_size: Option<usize>,
    /// Positions that it was trained with.
    max_sequence_length: u32,
    /// Base of the rotary frequencies.
    rope_theta: f32,
    /// Added to the mean square before the root.
    rms_norm_eps: f32,
    /// The table of embeddings is the head too.
    weight_tying: bool,
    /// Logits are divided by `sqrt(d_model)`.
    scale_logits: bool,
    /// Embeddings are multiplied by `sqrt(d_model)`.
    input_emb_norm: bool,
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

/// Tensors of a layer: its seven matrices and two norms.
const TENSORS_PER_LAYER: usize = 9;

/// What every tensor's name begins with.
const PREFIX: &str = "model.transformer.";

impl LladaConfig {
    /// Reads `spec.config_json`, whose sizes the weight files have to bear out where they can be read; these come too.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`] naming the missing or senseless key; [`BackendError::Unsupported`] for a variant of the
    /// architecture that LLaDA does not use.
    pub(crate) fn read(spec: &LoadSpec) -> Result<(Self, Option<Weights>), BackendError> {
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
            let path = config_path(spec);
            return Err(BackendError::Unsupported(format!(
                "{}: {what}, which LLaDA does not use and this backend lacks; choose another backend",
                path.display()
            )));
        }
        // Whoever asks what a load would take need not have them; a load tells what is wrong with them.
        let weights = Weights::open(&spec.weights).ok();
        let weights = weights.filter(|_| !spec.weights.is_empty());
        bounds::check(&config.sizes(), weights.as_ref()).map_err(|what| {
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

    fn sizes(&self) -> [ConfigSize; 4] {
        let vocab = match self.embedding_size {
            Some(_) => "embedding_size",
            None => "vocab_size",
        };
        let mlp = match self.mlp_hidden_size {
            Some(_) => "mlp_hidden_size",
            None => "mlp_ratio * d_model",
        };
        let layers = SizeOf::Times(TENSORS_PER_LAYER);
        [
            ("d_model", self.d_model, SizeOf::Side),
            ("n_layers", self.n_layers, layers),
            (mlp, self.mlp_width(), SizeOf::Side),
            (vocab, self.vocab(), SizeOf::Side),
        ]
        .map(|(key, is, of)| ConfigSize { key, is, of })
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
    fn heads(&self) -> Heads {
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
    fn mlp_width(&self) -> usize {
        let usual = self.mlp_ratio.saturating_mul(self.d_model);
        self.mlp_hidden_size.unwrap_or(usual)
    }

    /// Columns of the logits.
    fn vocab(&self) -> usize {
        self.embedding_size.unwrap_or(self.vocab_size)
    }

    /// Whether norms add a bias, `[d_model]` under the norm's name with `.bias`.
    fn norm_has_bias(&self) -> bool {
        self.bias_for_layer_norm.unwrap_or(self.include_bias)
    }

    /// Angles a position of the rotary positions, see [`rope::frequencies`].
    fn frequencies(&self) -> Vec<f32> {
        rope::frequencies(self.rope_theta, self.heads().dim)
    }

    /// The network.
    pub(crate) fn decoder(&self) -> Decoder {
        let (width, vocab) = (self.d_model, self.vocab());
        let root = (width as f32).sqrt();
        let scaled = |is_scaled: bool, scale: f32| if is_scaled { scale } else { 1.0 };
        // With tied weights the head has no bias of its own in the reference either.
        let head = if self.weight_tying {
            matrix("wte", "wte", vocab, width, false)
        } else {
            matrix("ff_out", "lm_head", vocab, width, self.include_bias)
        };
        Decoder {
            width,
            vocab,
            max_positions: self.max_sequence_length,
            heads: self.heads(),
            frequencies: self.frequencies(),
            eps: self.rms_norm_eps,
            embedding: tensor_name("wte.weight"),
            embedding_scale: scaled(self.input_emb_norm, root),
            layers: (0..self.n_layers).map(|layer| self.layer(layer)).collect(),
            norm: self.norm("ln_f"),
            head,
            logit_scale: scaled(self.scale_logits, 1.0 / root),
        }
    }

    fn layer(&self, layer: usize) -> DecoderLayer {
        let (width, mlp, heads) = (self.d_model, self.mlp_width(), self.heads());
        let keys = heads.keys * heads.dim;
        let bias = self.include_bias;
        let qkv_bias = bias || self.include_qkv_bias;
        let spec = |name: &'static str, rows, columns, bias| {
            matrix(&format!("blocks.{layer}.{name}"), name, rows, columns, bias)
        };
        DecoderLayer {
            attn_norm: self.norm(&format!("blocks.{layer}.attn_norm")),
            k: spec("k_proj", keys, width, qkv_bias),
            v: spec("v_proj", keys, width, qkv_bias),
            q: spec("q_proj", width, width, qkv_bias),
            head_norms: None,
            out: spec("attn_out", width, width, bias),
            mlp_norm: self.norm(&format!("blocks.{layer}.ff_norm")),
            mlp: MlpSpec::Dense(GatedSpec {
                gate: spec("ff_proj", mlp, width, bias),
                up: spec("up_proj", mlp, width, bias),
                down: spec("ff_out", width, mlp, bias),
            }),
        }
    }

    fn norm(&self, name: &str) -> NormSpec {
        let bias = self.norm_has_bias();
        NormSpec {
            weight: tensor_name(&format!("{name}.weight")),
            bias: bias.then(|| tensor_name(&format!("{name}.bias"))),
            width: self.d_model,
        }
    }
}

/// The full name of a tensor of the transformer, such as `wte.weight`.
#[must_use]
pub fn tensor_name(name: &str) -> String {
    format!("{PREFIX}{name}")
}

fn matrix(name: &str, label: &'static str, rows: usize, columns: usize, bias: bool) -> MatrixSpec {
    let bias = bias.then(|| tensor_name(&format!("{name}.bias")));
    let name = tensor_name(&format!("{name}.weight"));
    MatrixSpec::whole(name, label, rows, columns).with_bias(bias)
}
