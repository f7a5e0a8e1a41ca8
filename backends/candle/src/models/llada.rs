//! LLaDA (arXiv:2502.09992): a Llama without the causal mask. <https://huggingface.co/GSAI-ML/LLaDA-8B-Instruct>
//!
//! Expects `config.json` with OLMo's names (`d_model`, `n_layers`, …) and tensors under `model.transformer.`. In a block
//! `ff_proj` is the gate, `up_proj` the up and `ff_out` the down projection; the top-level `ff_out` is the head.

use std::sync::Arc;

use candle_core::{DType, Device, Result as CandleResult, Tensor};
use unmask_sdk::keys::RowKeys;
use unmask_sdk::llada::{self, LladaConfig, tensor_name};
use unmask_sdk::rope::Rope;
use unmask_sdk::weights::{Weights, all_finite};
use unmask_sdk::{BackendError, Cell, Pass};

use super::norm::Norm;
use super::{FamilyConfig, NetworkPlan, Sizes};
use crate::attention::{self, Columns, RowAttention, split_heads};
use crate::loader::{Held, MatrixLoader};
use crate::matrix::{Matrix, MatrixSource, with_slice};
use crate::slot::KeyValues;
use crate::{device_error, layers};

/// The network with its weights.
pub(crate) struct Llada {
    config: LladaConfig,
    frequencies: Vec<f32>,
    /// Holds the embedding, which is read row by row from the file.
    weights: Arc<Weights>,
    blocks: Vec<Block>,
    norm: Norm,
    head: Matrix,
}

struct Block {
    attn_norm: Norm,
    /// Keys, then values.
    kv: Matrix,
    q: Matrix,
    attn_out: Matrix,
    ff_norm: Norm,
    /// Gate, then up.
    gate_up: Matrix,
    down: Matrix,
}

/// What `config` makes of the network.
pub(super) fn plan(config: LladaConfig) -> NetworkPlan {
    NetworkPlan {
        sizes: Sizes {
            vocab: config.vocab(),
            max_positions: config.max_sequence_length,
            layers: config.n_layers,
            heads: config.heads(),
        },
        matrices: stacked(&config.matrices()),
        family: FamilyConfig::Llada(config),
    }
}

impl Llada {
    /// Loads the network of `matrices`, those of its [`plan`].
    pub(super) fn load(
        config: LladaConfig,
        matrices: &[MatrixSource],
        loader: &MatrixLoader<'_>,
    ) -> Result<(Self, Held), BackendError> {
        let weights = loader.weights;
        let embedding = [config.vocab(), config.d_model];
        weights.shaped(&tensor_name("wte.weight"), &embedding)?;
        let norm = |name: &str| Norm::load(weights, &config, name);
        let norms: Vec<(Norm, Norm)> = (0..config.n_layers)
            .map(|layer| {
                let attn_norm = norm(&format!("blocks.{layer}.attn_norm"))?;
                Ok((attn_norm, norm(&format!("blocks.{layer}.ff_norm"))?))
            })
            .collect::<Result<_, BackendError>>()?;
        let norm = norm("ln_f")?;
        let (matrices, held) = loader.load(matrices)?;
        let mut matrices = matrices.into_iter();
        let mut next = || {
            matrices
                .next()
                .expect("the loader returns as many as asked for")
        };
        let blocks = norms.into_iter().map(|(attn_norm, ff_norm)| Block {
            attn_norm,
            kv: next(),
            q: next(),
            attn_out: next(),
            ff_norm,
            gate_up: next(),
            down: next(),
        });
        let blocks = blocks.collect();
        let network = Self {
            frequencies: config.frequencies(),
            blocks,
            norm,
            head: next(),
            config,
            weights: Arc::clone(weights),
        };
        Ok((network, held))
    }

    /// See [`Network::forward`](super::Network::forward).
    pub(super) fn forward(
        &self,
        pass: &Pass<'_>,
        rows: &[RowKeys],
        slots: &[Vec<KeyValues>],
    ) -> Result<Tensor, BackendError> {
        let rope = Rope::new(&self.frequencies, pass.positions);
        let everyone: Vec<usize> = (0..pass.tokens.len()).collect();
        let wanted: Vec<usize> = pass.wanted.iter().map(|index| *index as usize).collect();
        let mut x = self.embed(pass)?;
        for (index, block) in self.blocks.iter().enumerate() {
            if pass.cancel.is_raised() {
                return Err(BackendError::Cancelled);
            }
            // Whoever is not wanted has done its part once its last keys and values are written.
            let last = index + 1 == self.blocks.len();
            let tokens = if last { &wanted } else { &everyone };
            let layer = Layer {
                network: self,
                block,
                rope: &rope,
                spans: spans(rows, tokens),
                cells: pass.cells,
                tokens,
            };
            let caches: Vec<&KeyValues> = slots.iter().map(|slot| &slot[index]).collect();
            x = layer.forward(&caches, x).map_err(device_error)?;
            // The next quantised product would make ordinary numbers of them.
            if !all_finite(&x) {
                return Err(BackendError::Device(format!(
                    "layer {index} gave NaN or infinity; try precision f32, or another checkpoint if that is what it \
                     computes in"
                )));
            }
        }
        if pass.cancel.is_raised() {
            return Err(BackendError::Cancelled);
        }
        self.logits(&x).map_err(device_error)
    }

    fn embed(&self, pass: &Pass<'_>) -> Result<Vec<f32>, BackendError> {
        let width = self.config.d_model;
        let embedding = self.weights.get(&tensor_name("wte.weight"))?;
        let mut x = vec![0.0; pass.tokens.len() * width];
        for (token, x) in pass.tokens.iter().zip(x.chunks_exact_mut(width)) {
            embedding.read_rows(token.index()..token.index() + 1, x)?;
        }
        if self.config.input_emb_norm {
            scale(&mut x, (width as f32).sqrt());
        }
        Ok(x)
    }

    fn logits(&self, x: &[f32]) -> CandleResult<Tensor> {
        if x.is_empty() {
            return Tensor::zeros((0, self.config.vocab()), DType::F32, &Device::Cpu);
        }
        let normed = self.normed(&self.norm, x)?;
        let logits = self.head.apply(&normed)?;
        if self.config.scale_logits {
            return logits * (1.0 / f64::from(self.config.d_model as f32).sqrt());
        }
        Ok(logits)
    }

    fn normed(&self, norm: &Norm, x: &[f32]) -> CandleResult<Tensor> {
        let eps = self.config.rms_norm_eps;
        let normed = layers::rms_norm(x, &norm.weight, norm.bias.as_deref(), eps);
        self.tensor(normed, self.config.d_model)
    }

    fn tensor(&self, numbers: Vec<f32>, width: usize) -> CandleResult<Tensor> {
        let tokens = numbers.len() / width;
        Tensor::from_vec(numbers, (tokens, width), &Device::Cpu)
    }
}

/// The network's matrices with those joined that are multiplied by the same numbers: five a layer, then the head.
fn stacked(matrices: &[llada::MatrixSpec]) -> Vec<MatrixSource> {
    let (blocks, rest) = matrices.as_chunks::<7>();
    let block = |(layer, block): (usize, &[llada::MatrixSpec; 7])| {
        let spec = |name: &str, label, parts| {
            MatrixSource::stacked(format!("blocks.{layer}.{name}"), label, parts)
        };
        [
            spec("kv", "k_proj+v_proj", &block[..2]),
            spec("q", "q_proj", &block[2..3]),
            spec("attn_out", "attn_out", &block[3..4]),
            MatrixSource::gate_up(
                format!("blocks.{layer}.gate_up"),
                "ff_proj+up_proj",
                &block[4..6],
            ),
            spec("down", "ff_out", &block[6..]),
        ]
    };
    let head = |head: &llada::MatrixSpec| {
        MatrixSource::stacked("head".to_owned(), head.label, std::slice::from_ref(head))
    };
    let blocks = blocks.iter().enumerate().flat_map(block);
    blocks.chain(rest.iter().map(head)).collect()
}

/// One block's work on one pass.
struct Layer<'a> {
    network: &'a Llada,
    block: &'a Block,
    rope: &'a Rope,
    spans: Vec<RowAttention<'a>>,
    /// Of all fed tokens.
    cells: &'a [Cell],
    /// The fed tokens that leave the block.
    tokens: &'a [usize],
}

impl Layer<'_> {
    /// Takes `[fed, d_model]` and the layer's cells by slot, returns `[tokens, d_model]`.
    fn forward(&self, caches: &[&KeyValues], mut x: Vec<f32>) -> CandleResult<Vec<f32>> {
        let network = self.network;
        let mut normed = network.normed(&self.block.attn_norm, &x)?;
        let seen = self.remember(caches, &normed)?;
        if self.tokens.is_empty() {
            return Ok(Vec::new());
        }
        let width = network.config.d_model;
        if self.tokens.len() * width < x.len() {
            x = gather(&x, width, self.tokens);
            normed = network.normed(&self.block.attn_norm, &x)?;
        }
        let attended = self.attend(&seen, &normed)?;
        let update = self
            .block
            .attn_out
            .apply(&network.tensor(attended, width)?)?;
        with_slice(&update, |update| layers::add(&mut x, update))?;

        let normed = network.normed(&self.block.ff_norm, &x)?;
        let mlp = network.config.mlp_width();
        let gate_up = self.block.gate_up.apply(&normed)?;
        let gated = with_slice(&gate_up, |gate_up| layers::gated(gate_up, mlp))?;
        let update = self.block.down.apply(&network.tensor(gated, mlp)?)?;
        with_slice(&update, |update| layers::add(&mut x, update))?;
        Ok(x)
    }

    /// Writes keys and values of the fed tokens to their cells; returns those that each row attends to.
    fn remember(&self, caches: &[&KeyValues], normed: &Tensor) -> CandleResult<Vec<KeyValues>> {
        let kv = self.block.kv.apply(normed)?;
        let remember = |span: &RowAttention<'_>| {
            let fresh = with_slice(&kv, |kv| self.fresh(kv, span.row))??;
            let cache = caches[span.row.slot];
            cache.write(&self.cells[span.row.fed.clone()], &fresh)?;
            cache.seen_by(span.row, &fresh)
        };
        self.spans.iter().map(remember).collect()
    }

    /// Keys and values of a row's fed tokens, out of those of all, `[fed, 2 * key heads * dim]`.
    fn fresh(&self, kv: &[f32], row: &RowKeys) -> CandleResult<KeyValues> {
        let heads = self.network.config.heads();
        let half = heads.keys * heads.dim;
        let columns = |first| Columns {
            data: kv,
            width: 2 * half,
            first,
        };
        let turn = |token: usize, from: &[f32], to: &mut [f32]| {
            self.rope.turn(token, from, to, 1.0);
        };
        let copy = |_: usize, from: &[f32], to: &mut [f32]| to.copy_from_slice(from);
        let fed = || row.fed.clone();
        let keys = split_heads(columns(0), fed(), heads.keys, heads.dim, turn);
        let values = split_heads(columns(half), fed(), heads.keys, heads.dim, copy);
        let shape = (heads.keys, row.fed.len(), heads.dim);
        Ok(KeyValues {
            keys: Tensor::from_vec(keys, shape, &Device::Cpu)?,
            values: Tensor::from_vec(values, shape, &Device::Cpu)?,
        })
    }

    fn attend(&self, seen: &[KeyValues], normed: &Tensor) -> CandleResult<Vec<f32>> {
        let heads = self.network.config.heads();
        let queries = self.block.q.apply(normed)?;
        with_slice(&queries, |data| {
            let columns = Columns {
                data,
                width: heads.queries * heads.dim,
                first: 0,
            };
            attention::attend(heads, &self.spans, self.rope, columns, seen)
        })?
    }
}

/// Every row of the pass, with its share of the tokens that leave the layer.
fn spans<'a>(rows: &'a [RowKeys], tokens: &'a [usize]) -> Vec<RowAttention<'a>> {
    let span = |row: &'a RowKeys| {
        let start = tokens.partition_point(|token| *token < row.fed.start);
        let end = tokens.partition_point(|token| *token < row.fed.end);
        RowAttention {
            row,
            queries: start..end,
            tokens: &tokens[start..end],
        }
    };
    rows.iter().map(span).collect()
}

fn gather(x: &[f32], width: usize, tokens: &[usize]) -> Vec<f32> {
    let row = |token: &usize| &x[token * width..(token + 1) * width];
    tokens.iter().flat_map(row).copied().collect()
}

fn scale(numbers: &mut [f32], factor: f32) {
    for number in numbers {
        *number *= factor;
    }
}
