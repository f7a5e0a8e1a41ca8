//! A decoder of transformer layers as data: what its tensors are called, how large they are, and what is computed with them. A
//! backend that computes what is described here runs every family that is read here.
//!
//! ```no_run
//! # use unmask_sdk::{BackendError, LoadSpec, decoder::Decoder, weights::Weights};
//! # fn load(spec: &LoadSpec) -> Result<(), BackendError> {
//! let decoder = Decoder::read(spec)?;
//! let weights = Weights::open(&spec.weights)?;
//! for layer in &decoder.layers {
//!     let weight = weights.shaped(&layer.q.name, &[layer.q.of_rows, layer.q.columns])?;
//! }
//! # Ok(())
//! # }
//! ```

pub(crate) mod bounds;
mod experts;
mod hf;
pub(crate) mod keys;
mod quantised;
pub(crate) mod variants;

use std::path::PathBuf;

use crate::llada::LladaConfig;
use crate::weights::Weights;
use crate::{BackendError, LoadSpec};

pub use experts::{ExpertsSpec, GroupRule, RouterSpec, Score};

/// How a layer's attention is split.
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

/// A matrix of the network, `y = x Wᵀ (+ b)`, and which rows of a tensor of the checkpoint it is.
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
    /// The tensor of its bias, if it has one; as many rows as the tensor of the matrix.
    pub bias: Option<String>,
    /// Its first row in the tensor: not 0 where several matrices are stored as one.
    pub first_row: usize,
    /// Rows of the tensor.
    pub of_rows: usize,
}

impl MatrixSpec {
    /// A matrix that is a tensor, without a bias.
    #[must_use]
    pub fn whole(name: String, label: &'static str, rows: usize, columns: usize) -> Self {
        Self {
            name,
            label,
            rows,
            columns,
            bias: None,
            first_row: 0,
            of_rows: rows,
        }
    }

    /// As it is, with a bias of name `bias`.
    #[must_use]
    pub fn with_bias(self, bias: Option<String>) -> Self {
        Self { bias, ..self }
    }
}

/// A norm by the root of the mean square, `x / sqrt(mean(x²) + eps) * weight (+ bias)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NormSpec {
    /// The tensor of the weight, `[width]`.
    pub weight: String,
    /// The tensor of the bias, `[width]`, if it has one.
    pub bias: Option<String>,
    /// Numbers that are normed together.
    pub width: usize,
}

/// `down(silu(gate x) * up x)`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatedSpec {
    /// `[hidden, width]`
    pub gate: MatrixSpec,
    /// `[hidden, width]`
    pub up: MatrixSpec,
    /// `[width, hidden]`
    pub down: MatrixSpec,
}

/// What follows attention.
#[derive(Debug, Clone, PartialEq)]
pub enum MlpSpec {
    /// One gated layer.
    Dense(GatedSpec),
    /// Some of many gated layers.
    Experts(ExpertsSpec),
}

/// A layer: `x += out(attend(turn(norm(q h)), turn(norm(k h)), v h))` of `h = attn_norm(x)`, then `x += mlp(mlp_norm(x))`.
#[derive(Debug, Clone, PartialEq)]
pub struct DecoderLayer {
    /// Before attention.
    pub attn_norm: NormSpec,
    /// `[key heads * dim, width]`
    pub k: MatrixSpec,
    /// `[key heads * dim, width]`
    pub v: MatrixSpec,
    /// `[query heads * dim, width]`
    pub q: MatrixSpec,
    /// Of each query head and of each key head before they are turned, `[dim]`.
    pub head_norms: Option<(NormSpec, NormSpec)>,
    /// `[width, query heads * dim]`
    pub out: MatrixSpec,
    /// Before what follows attention.
    pub mlp_norm: NormSpec,
    /// What follows.
    pub mlp: MlpSpec,
}

/// A whole network.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoder {
    /// Of the residual stream.
    pub width: usize,
    /// Columns of the logits and rows of the embedding.
    pub vocab: usize,
    /// Positions that it was trained with.
    pub max_positions: u32,
    /// How attention is split.
    pub heads: Heads,
    /// Angles a position of the first `2 * len` numbers of a head, see [`rope::frequencies`](crate::rope::frequencies); the others are not turned.
    pub frequencies: Vec<f32>,
    /// Added to the mean squares of norms.
    pub eps: f32,
    /// The table of embeddings, `[vocab, width]`.
    pub embedding: String,
    /// Embeddings are multiplied by it.
    pub embedding_scale: f32,
    /// Its layers, the first first.
    pub layers: Vec<DecoderLayer>,
    /// After the last layer.
    pub norm: NormSpec,
    /// `[vocab, width]`
    pub head: MatrixSpec,
    /// Logits are multiplied by it.
    pub logit_scale: f32,
}

/// The families that are read here.
pub const FAMILIES: [&str; 7] = [
    "llada",
    "illada",
    "llada_moe",
    "llada2",
    "dream",
    "sdar",
    "fast_dllm_v2",
];

impl Decoder {
    /// The network of `spec.config_json` of a model of `spec.family`, whose sizes the weight files have to bear out, and which
    /// have to hold every tensor in its shape. Without weight files that can be read, the sizes are only kept within reason.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`] naming the missing or senseless key or tensor, or MLX if that has quantised the weights;
    /// [`BackendError::Unsupported`] for another family, or a variant of the architecture that its models do not use.
    pub fn read(spec: &LoadSpec) -> Result<Self, BackendError> {
        let (decoder, weights) = Self::read_either(spec)?;
        if let Some(quantised) = quantised::by_mlx(spec, weights.as_ref()) {
            return Err(quantised);
        }
        if let Some(weights) = &weights {
            check_tensors(&decoder, weights)?;
        }
        Ok(decoder)
    }

    /// As [`read`](Self::read), for a backend that also reads matrices as MLX quantises and names them: it tests their shapes
    /// itself.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_quantised(spec: &LoadSpec) -> Result<Self, BackendError> {
        Self::read_either(spec).map(|(decoder, _)| decoder)
    }

    /// The network, and the weight files if they can be read.
    fn read_either(spec: &LoadSpec) -> Result<(Self, Option<Weights>), BackendError> {
        if let Some(quantised) = quantised::by_others(spec, None) {
            return Err(quantised);
        }
        let (decoder, weights) = Self::read_network(spec)?;
        match quantised::by_others(spec, weights.as_ref()) {
            Some(quantised) => Err(quantised),
            None => Ok((decoder, weights)),
        }
    }

    fn read_network(spec: &LoadSpec) -> Result<(Self, Option<Weights>), BackendError> {
        match spec.family.as_str() {
            "llada" => {
                let (config, weights) = LladaConfig::read(spec)?;
                Ok((config.decoder(), weights))
            }
            family => match hf::Variant::of(family) {
                Some(variant) => hf::read(spec, variant),
                None => Err(BackendError::Unsupported(format!(
                    "the family {family:?} has no known network; {} have one",
                    FAMILIES.join(", ")
                ))),
            },
        }
    }

    /// Every matrix that is multiplied with all tokens or those of an expert, in the order in which a pass meets them: of a
    /// layer `k`, `v`, `q`, `out` and those of its gated layers, of each gate, up and down; then the head. Not the table of
    /// embeddings and not the routers.
    pub fn matrices(&self) -> impl Iterator<Item = &MatrixSpec> {
        self.layers
            .iter()
            .flat_map(DecoderLayer::matrices)
            .chain([&self.head])
    }

    /// Every tensor with its shape.
    #[must_use]
    pub fn tensors(&self) -> Vec<(&str, Vec<usize>)> {
        let mut tensors = vec![(self.embedding.as_str(), vec![self.vocab, self.width])];
        for matrix in self.matrices() {
            tensors.push((&matrix.name, vec![matrix.of_rows, matrix.columns]));
            let bias = matrix.bias.as_deref();
            tensors.extend(bias.map(|bias| (bias, vec![matrix.of_rows])));
        }
        for norm in self.norms() {
            let names = [Some(&norm.weight), norm.bias.as_ref()];
            let names = names.into_iter().flatten();
            tensors.extend(names.map(|name| (name.as_str(), vec![norm.width])));
        }
        for layer in &self.layers {
            let MlpSpec::Experts(experts) = &layer.mlp else {
                continue;
            };
            let (router, n) = (&experts.router, experts.experts.len());
            tensors.push((&router.weight, vec![n, self.width]));
            tensors.extend(router.bias.as_deref().map(|bias| (bias, vec![n])));
        }
        tensors
    }

    fn norms(&self) -> impl Iterator<Item = &NormSpec> {
        let layers = self.layers.iter().flat_map(DecoderLayer::norms);
        layers.chain([&self.norm])
    }

    /// Experts of a layer that each token uses and all that a layer has, where it has some.
    #[must_use]
    pub fn experts(&self) -> Option<(usize, usize)> {
        self.layers.iter().find_map(|layer| match &layer.mlp {
            MlpSpec::Experts(experts) => Some((experts.router.chosen, experts.experts.len())),
            MlpSpec::Dense(_) => None,
        })
    }
}

impl DecoderLayer {
    /// Its matrices, in the order of [`Decoder::matrices`].
    pub fn matrices(&self) -> impl Iterator<Item = &MatrixSpec> {
        let gated = self.mlp.gated();
        let gated = gated.flat_map(|it| [&it.gate, &it.up, &it.down]);
        [&self.k, &self.v, &self.q, &self.out]
            .into_iter()
            .chain(gated)
    }

    fn norms(&self) -> impl Iterator<Item = &NormSpec> {
        let heads = self.head_norms.iter().flat_map(|(q, k)| [q, k]);
        [&self.attn_norm, &self.mlp_norm].into_iter().chain(heads)
    }
}

impl MlpSpec {
    /// Its gated layers: the one, or the experts and then the one that is shared.
    pub fn gated(&self) -> impl Iterator<Item = &GatedSpec> {
        let (dense, experts) = match self {
            Self::Dense(gated) => (Some(gated), None),
            Self::Experts(experts) => (None, Some(experts)),
        };
        let shared = experts.and_then(|it| it.shared.as_ref());
        let experts = experts.map_or(&[][..], |it| &it.experts);
        dense.into_iter().chain(experts).chain(shared)
    }
}

/// Tests that every tensor is there in its shape, before room is made for any.
///
/// # Errors
/// [`BackendError::Checkpoint`] naming the tensor.
pub(crate) fn check_tensors(decoder: &Decoder, weights: &Weights) -> Result<(), BackendError> {
    for (name, shape) in decoder.tensors() {
        weights.shaped(name, &shape)?;
    }
    Ok(())
}

/// The file that says what network it is: `config.json`, or one of GGUF.
pub(crate) fn config_path(spec: &LoadSpec) -> PathBuf {
    let first = spec.weights.first();
    let gguf = first.filter(|path| {
        path.extension()
            .is_some_and(|it| it.eq_ignore_ascii_case("gguf"))
    });
    gguf.cloned()
        .unwrap_or_else(|| spec.folder.join("config.json"))
}

/// What is wrong with `config.json`.
pub(crate) fn broken(spec: &LoadSpec, what: String) -> BackendError {
    BackendError::Checkpoint {
        path: config_path(spec),
        what,
    }
}
