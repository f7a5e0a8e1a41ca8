//! Networks with the names of Hugging Face's library: iLLaDA, which is Llama's, Dream, SDAR and Fast-dLLM v2, which are Qwen's,
//! and the mixtures of experts of LLaDA-MoE and LLaDA2.

mod layer;
mod refused;

use super::bounds::{self, ConfigSize, SizeOf};
use super::keys::Keys;
use super::{Decoder, GroupRule, Heads, MatrixSpec, NormSpec, Score, broken, config_path};
use crate::weights::Weights;
use crate::{BackendError, LoadSpec, rope};

/// Which network it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    /// Llama 3 without a causal mask.
    Illada,
    /// Qwen2.5 without a causal mask.
    Dream,
    /// Qwen3.
    Sdar,
    /// Qwen2.5 in blocks.
    FastDllmV2,
    LladaMoe,
    Llada2,
}

impl Variant {
    pub(super) fn of(family: &str) -> Option<Self> {
        Some(match family {
            "illada" => Self::Illada,
            "dream" => Self::Dream,
            "sdar" => Self::Sdar,
            "fast_dllm_v2" => Self::FastDllmV2,
            "llada_moe" => Self::LladaMoe,
            "llada2" => Self::Llada2,
            _ => return None,
        })
    }

    fn title(self) -> &'static str {
        match self {
            Self::Illada => "iLLaDA",
            Self::Dream => "Dream",
            Self::Sdar => "SDAR",
            Self::FastDllmV2 => "Fast-dLLM v2",
            Self::LladaMoe => "LLaDA-MoE",
            Self::Llada2 => "LLaDA2",
        }
    }

    fn has_experts(self) -> bool {
        matches!(self, Self::LladaMoe | Self::Llada2)
    }
}

/// What the keys say.
struct Config {
    variant: Variant,
    width: usize,
    layers: usize,
    heads: Heads,
    /// Numbers of a head that are turned.
    rotary: usize,
    vocab: usize,
    max_positions: usize,
    theta: f32,
    eps: f32,
    is_tied: bool,
    /// Of queries, keys and values.
    qkv_bias: bool,
    out_bias: bool,
    has_head_norms: bool,
    /// Width of a layer's one gated layer, where it has one.
    dense: Option<usize>,
    experts: Option<Experts>,
}

struct Experts {
    count: usize,
    chosen: usize,
    width: usize,
    /// Width of the one that all tokens use.
    shared: Option<usize>,
    has_bias: bool,
    score: Score,
    groups: Option<GroupRule>,
    is_normalised: bool,
    scale: f32,
    /// By layer.
    layers: Vec<bool>,
}

/// Reads the network of `spec`, and its weight files if they can be; see [`Decoder::read`].
pub(super) fn read(
    spec: &LoadSpec,
    variant: Variant,
) -> Result<(Decoder, Option<Weights>), BackendError> {
    let again = |what: String| broken(spec, format!("{what}; fetch the file again"));
    let keys = Keys::parse(&spec.config_json).map_err(again)?;
    if let Some(what) = refused::unsupported(variant, &keys) {
        let path = config_path(spec);
        return Err(BackendError::Unsupported(format!(
            "{}: {what}, which {} does not use and this backend lacks; choose another backend",
            path.display(),
            variant.title()
        )));
    }
    let weights = Weights::open(&spec.weights).ok();
    let weights = weights.filter(|_| !spec.weights.is_empty());
    let config = Config::of(variant, &keys).map_err(|what| {
        let title = variant.title();
        let what = format!("{what}; fetch the file again, or check that the model is a {title}");
        broken(spec, what)
    })?;
    if let Some(what) = config.nonsense() {
        return Err(again(what));
    }
    bounds::check(&config.sizes(), weights.as_ref()).map_err(|what| {
        let what = format!("{what}; fetch config.json and the weights from the same place");
        broken(spec, what)
    })?;
    let config = config.with_layers(&keys).map_err(again)?;
    Ok((config.decoder(), weights))
}

impl Config {
    fn of(variant: Variant, keys: &Keys) -> Result<Self, String> {
        let width = keys.count("hidden_size")?;
        let queries = keys.count("num_attention_heads")?;
        let even = width.checked_div(queries).unwrap_or(0);
        let dim = match variant {
            Variant::Illada | Variant::Dream | Variant::LladaMoe => even,
            Variant::Sdar | Variant::FastDllmV2 | Variant::Llada2 => {
                keys.some_count("head_dim")?.unwrap_or(even)
            }
        };
        // Newer versions of the library keep the share and the base among the parameters.
        let turned = match variant.has_experts() {
            true => match keys.inner_number("rope_parameters", "partial_rotary_factor")? {
                Some(turned) => turned,
                None => keys.number("partial_rotary_factor", 1.0)?,
            },
            false => 1.0,
        };
        let theta = match keys.inner_number("rope_parameters", "rope_theta")? {
            Some(theta) => theta,
            None => keys.number("rope_theta", 10_000.0)?,
        };
        let bias = keys.some_flag("attention_bias")?.unwrap_or(false);
        Ok(Self {
            variant,
            width,
            layers: keys.count("num_hidden_layers")?,
            heads: Heads {
                queries,
                keys: keys.some_count("num_key_value_heads")?.unwrap_or(queries),
                dim,
            },
            rotary: (dim as f32 * turned) as usize,
            vocab: keys.count("vocab_size")?,
            max_positions: keys.count("max_position_embeddings")?,
            theta,
            eps: keys.number("rms_norm_eps", 1e-6)?,
            is_tied: keys.some_flag("tie_word_embeddings")?.unwrap_or(false),
            qkv_bias: match variant {
                Variant::Dream | Variant::FastDllmV2 => true,
                Variant::Illada | Variant::Sdar => bias,
                Variant::LladaMoe => false,
                Variant::Llada2 => keys.some_flag("use_qkv_bias")?.unwrap_or(false),
            },
            out_bias: matches!(variant, Variant::Illada | Variant::Sdar) && bias,
            has_head_norms: match variant {
                Variant::Illada | Variant::Dream | Variant::FastDllmV2 => false,
                Variant::Sdar | Variant::Llada2 => true,
                Variant::LladaMoe => keys.some_flag("qk_layernorm")?.unwrap_or(false),
            },
            dense: match variant {
                Variant::LladaMoe => keys.some_count("dense_intermediate_size")?,
                _ => Some(keys.count("intermediate_size")?),
            },
            experts: Experts::of(variant, keys)?,
        })
    }

    fn nonsense(&self) -> Option<String> {
        let Heads { queries, keys, dim } = self.heads;
        let experts = self.experts.as_ref();
        let sizes = [
            ("hidden_size", self.width),
            ("num_hidden_layers", self.layers),
            ("num_attention_heads", queries),
            ("num_key_value_heads", keys),
            ("vocab_size", self.vocab),
            ("max_position_embeddings", self.max_positions),
            ("the width of the gated layers", self.dense.unwrap_or(1)),
            ("num_experts", experts.map_or(1, |it| it.count)),
            ("num_experts_per_tok", experts.map_or(1, |it| it.chosen)),
            ("the width of the experts", experts.map_or(1, |it| it.width)),
        ];
        if let Some((key, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Some(format!("{key} is 0"));
        }
        if u32::try_from(self.max_positions).is_err() {
            let positions = self.max_positions;
            return Some(format!(
                "max_position_embeddings is {positions}, more than any model has"
            ));
        }
        if dim == 0 || !dim.is_multiple_of(2) {
            return Some(format!("a head has {dim} numbers, not an even count"));
        }
        if !queries.is_multiple_of(keys) {
            return Some(format!(
                "{queries} num_attention_heads do not share {keys} num_key_value_heads evenly"
            ));
        }
        let rotary = self.rotary;
        if rotary == 0 || !rotary.is_multiple_of(2) || rotary > dim {
            return Some(format!(
                "partial_rotary_factor turns {rotary} of {dim} numbers of a head"
            ));
        }
        experts.and_then(Experts::nonsense)
    }

    fn sizes(&self) -> Vec<ConfigSize> {
        let (count, widths) = match &self.experts {
            Some(experts) => (experts.count, [experts.width, experts.shared.unwrap_or(1)]),
            None => (0, [1, 1]),
        };
        let attended = self.heads.queries.saturating_mul(self.heads.dim);
        let sizes = [
            ("hidden_size", self.width, SizeOf::Side),
            ("num_attention_heads * head_dim", attended, SizeOf::Side),
            ("num_hidden_layers", self.layers, SizeOf::Times(7)),
            ("vocab_size", self.vocab, SizeOf::Side),
            (
                "the width of the gated layers",
                self.dense.unwrap_or(1),
                SizeOf::Side,
            ),
            ("num_experts", count, SizeOf::Times(3)),
            ("the width of the experts", widths[0], SizeOf::Side),
            ("the width of the shared experts", widths[1], SizeOf::Side),
        ];
        let sizes = sizes.map(|(key, is, of)| ConfigSize { key, is, of });
        sizes.into_iter().collect()
    }

    /// As it is, knowing which layers have experts; after the sizes are known to be within reason.
    fn with_layers(mut self, keys: &Keys) -> Result<Self, String> {
        let Some(experts) = &mut self.experts else {
            return Ok(self);
        };
        experts.layers = match self.variant {
            Variant::Llada2 => {
                let dense = keys.some_count("first_k_dense_replace")?.unwrap_or(0);
                (0..self.layers).map(|layer| layer >= dense).collect()
            }
            _ => match keys.some_flags("moe_layer_freq")? {
                None => vec![true; self.layers],
                Some(flags) if flags.len() >= self.layers => flags,
                Some(flags) => {
                    let (said, layers) = (flags.len(), self.layers);
                    return Err(format!(
                        "moe_layer_freq tells of {said} layers and num_hidden_layers is {layers}"
                    ));
                }
            },
        };
        let some = experts.layers.iter().take(self.layers);
        let all = some
            .clone()
            .filter(|has| **has)
            .count()
            .saturating_mul(experts.count);
        if all > MOST_EXPERTS {
            return Err(format!(
                "{all} experts in all layers, more than any model has"
            ));
        }
        match self.dense {
            None if some.clone().any(|has| !has) => {
                Err("dense_intermediate_size is missing".to_owned())
            }
            _ => Ok(self),
        }
    }

    fn decoder(&self) -> Decoder {
        let norm = NormSpec {
            weight: "model.norm.weight".to_owned(),
            bias: None,
            width: self.width,
        };
        let embedding = match self.variant {
            Variant::Llada2 => "model.word_embeddings.weight",
            _ => "model.embed_tokens.weight",
        };
        let (head, label) = match self.is_tied {
            true => (embedding, "embed_tokens"),
            false => ("lm_head.weight", "lm_head"),
        };
        Decoder {
            width: self.width,
            vocab: self.vocab,
            max_positions: self.max_positions as u32,
            heads: self.heads,
            frequencies: rope::frequencies(self.theta, self.rotary),
            eps: self.eps,
            embedding: embedding.to_owned(),
            embedding_scale: 1.0,
            layers: (0..self.layers).map(|layer| self.layer(layer)).collect(),
            norm,
            head: MatrixSpec::whole(head.to_owned(), label, self.vocab, self.width),
            logit_scale: 1.0,
        }
    }
}

/// Experts of all layers together.
const MOST_EXPERTS: usize = 1 << 16;

impl Experts {
    fn of(variant: Variant, keys: &Keys) -> Result<Option<Self>, String> {
        let has_bias = keys.some_flag("moe_router_enable_expert_bias")?;
        let shared = |key| Ok::<_, String>(keys.some_count(key)?.filter(|it| *it > 0));
        Ok(match variant {
            Variant::Illada | Variant::Dream | Variant::Sdar | Variant::FastDllmV2 => None,
            Variant::LladaMoe => Some(Self {
                count: keys.count("num_experts")?,
                chosen: keys.count("num_experts_per_tok")?,
                width: keys.count("expert_intermediate_size")?,
                shared: shared("shared_expert_intermediate_size")?,
                has_bias: has_bias.unwrap_or(false),
                score: Score::Softmax,
                groups: None,
                // The reference reads neither `norm_topk_prob` nor `routed_scaling_factor`.
                is_normalised: false,
                scale: 1.0,
                layers: Vec::new(),
            }),
            Variant::Llada2 => {
                let width = keys.count("moe_intermediate_size")?;
                let chosen = keys.count("num_experts_per_tok")?;
                let shared = shared("num_shared_experts")?;
                Some(Self {
                    count: keys.count("num_experts")?,
                    chosen,
                    width,
                    shared: shared.map(|count| count.saturating_mul(width)),
                    has_bias: has_bias.unwrap_or(true),
                    score: Score::Sigmoid,
                    groups: Some(GroupRule {
                        count: keys.count("n_group")?,
                        kept: keys.count("topk_group")?,
                    }),
                    is_normalised: chosen > 1,
                    scale: keys.number("routed_scaling_factor", 1.0)?,
                    layers: Vec::new(),
                })
            }
        })
    }

    fn nonsense(&self) -> Option<String> {
        let (count, chosen) = (self.count, self.chosen);
        if chosen > count {
            return Some(format!(
                "num_experts_per_tok is {chosen} of {count} num_experts"
            ));
        }
        let GroupRule {
            count: groups,
            kept,
        } = self.groups?;
        if groups == 0 || !count.is_multiple_of(groups) || count / groups < 2 {
            return Some(format!(
                "{count} num_experts do not make {groups} groups of two and more"
            ));
        }
        if kept == 0 || kept > groups || kept * (count / groups) < chosen {
            return Some(format!(
                "topk_group is {kept} of {groups} groups, for {chosen} experts"
            ));
        }
        None
    }
}
