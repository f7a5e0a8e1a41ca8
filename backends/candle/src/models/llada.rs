//! LLaDA (arXiv:2502.09992): a Llama without the causal mask. <https://huggingface.co/GSAI-ML/LLaDA-8B-Instruct>
//!
//! Expects `config.json` with OLMo's names (`d_model`, `n_layers`, …) and tensors under `model.transformer.`. In a block
//! `ff_proj` is the gate, `up_proj` the up and `ff_out` the down projection; the top-level `ff_out` is the head.

use std::sync::Arc;

use candle_core::{Device, Result as CandleResult, Tensor};
use unmask_sdk::llada::{self, Config, Heads, tensor_name};
use unmask_sdk::weights::Weights;
use unmask_sdk::{Attention, BackendError, LoadSpec, LogitsMut, Pass, Position, Progress};

use crate::attention::{self, Columns, Span, split_heads};
use crate::device_error;
use crate::layers;
use crate::loader::Loader;
use crate::matrix::{Matrix, MatrixSpec, with_slice};
use crate::precision::Precision;
use crate::rope::Rope;
use crate::slot::LayerCache;

/// The network with its weights.
pub(crate) struct Llada {
    config: Config,
    attention: Attention,
    frequencies: Vec<f32>,
    /// Holds the embedding, which is read row by row from the file.
    weights: Arc<Weights>,
    blocks: Vec<Block>,
    norm: Norm,
    head: Matrix,
    /// Bytes held, mapped files not counted.
    pub(crate) memory_bytes: u64,
    /// Lines for `ModelFacts::notes`.
    pub(crate) notes: Vec<String>,
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

struct Norm {
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
}

impl Llada {
    pub(crate) fn load(
        spec: &LoadSpec,
        precision: Precision,
        progress: &Progress<'_>,
    ) -> Result<Self, BackendError> {
        let config = Config::read(spec)?;
        let weights = Arc::new(Weights::open(&spec.weights)?);
        let embedding = [config.vocab(), config.d_model];
        weights.shaped(&tensor_name("wte.weight"), &embedding)?;
        let norm = |name: &str| Norm::load(&weights, &config, name);
        let norms: Vec<(Norm, Norm)> = (0..config.n_layers)
            .map(|layer| {
                let attn_norm = norm(&format!("blocks.{layer}.attn_norm"))?;
                Ok((attn_norm, norm(&format!("blocks.{layer}.ff_norm"))?))
            })
            .collect::<Result<_, BackendError>>()?;
        let final_norm = norm("ln_f")?;
        let loader = Loader {
            weights: &weights,
            precision,
            cache_folder: spec.cache_folder.as_deref(),
            progress,
        };
        let loaded = loader.load(&stacked(&config.matrices()))?;
        let mut matrices = loaded.matrices.into_iter();
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
        Ok(Self {
            attention: spec.attention,
            frequencies: config.frequencies(),
            blocks,
            norm: final_norm,
            head: next(),
            memory_bytes: loaded.memory_bytes,
            notes: loaded.notes,
            config,
            weights,
        })
    }

    /// Columns of the logits.
    pub(crate) fn vocab(&self) -> usize {
        self.config.vocab()
    }

    pub(crate) fn max_positions(&self) -> u32 {
        self.config.max_sequence_length
    }

    pub(crate) fn n_layers(&self) -> usize {
        self.config.n_layers
    }

    pub(crate) fn heads(&self) -> Heads {
        self.config.heads()
    }

    /// Computes a pass; `slots` holds every layer's cache of every slot.
    pub(crate) fn forward(
        &self,
        pass: &Pass<'_>,
        slots: &mut [Vec<LayerCache>],
        out: LogitsMut<'_>,
    ) -> Result<(), BackendError> {
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
                spans: spans(pass, tokens),
                positions: pass.positions,
                tokens,
            };
            x = layer.forward(index, slots, x).map_err(device_error)?;
        }
        if pass.cancel.is_raised() {
            return Err(BackendError::Cancelled);
        }
        self.logits(&x, out).map_err(device_error)
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

    fn logits(&self, x: &[f32], out: LogitsMut<'_>) -> CandleResult<()> {
        if x.is_empty() {
            return Ok(());
        }
        let normed = self.normed(&self.norm, x)?;
        let logits = self.head.apply(&normed)?;
        with_slice(&logits, |logits| out.scores.copy_from_slice(logits))?;
        if self.config.scale_logits {
            scale(out.scores, 1.0 / (self.config.d_model as f32).sqrt());
        }
        Ok(())
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
fn stacked(matrices: &[llada::MatrixSpec]) -> Vec<MatrixSpec> {
    let (blocks, rest) = matrices.as_chunks::<7>();
    let block = |(layer, block): (usize, &[llada::MatrixSpec; 7])| {
        let spec = |name: &str, label, parts| {
            MatrixSpec::stacked(format!("blocks.{layer}.{name}"), label, parts)
        };
        [
            spec("kv", "k_proj+v_proj", &block[..2]),
            spec("q", "q_proj", &block[2..3]),
            spec("attn_out", "attn_out", &block[3..4]),
            spec("gate_up", "ff_proj+up_proj", &block[4..6]),
            spec("down", "ff_out", &block[6..]),
        ]
    };
    let head = |head: &llada::MatrixSpec| {
        MatrixSpec::stacked("head".to_owned(), head.label, std::slice::from_ref(head))
    };
    let blocks = blocks.iter().enumerate().flat_map(block);
    blocks.chain(rest.iter().map(head)).collect()
}

impl Norm {
    fn load(weights: &Weights, config: &Config, name: &str) -> Result<Self, BackendError> {
        let read = |kind: &str| {
            let name = tensor_name(&format!("{name}.{kind}"));
            weights.shaped(&name, &[config.d_model])?.to_f32()
        };
        let bias = config.norm_has_bias().then(|| read("bias"));
        Ok(Self {
            weight: read("weight")?,
            bias: bias.transpose()?,
        })
    }
}

/// One block's work on one pass.
struct Layer<'a> {
    network: &'a Llada,
    block: &'a Block,
    rope: &'a Rope,
    spans: Vec<Span<'a>>,
    positions: &'a [Position],
    /// The fed tokens that leave the block.
    tokens: &'a [usize],
}

impl Layer<'_> {
    /// Takes `[fed, d_model]`, returns `[tokens, d_model]`.
    fn forward(
        &self,
        index: usize,
        slots: &mut [Vec<LayerCache>],
        mut x: Vec<f32>,
    ) -> CandleResult<Vec<f32>> {
        let network = self.network;
        let mut normed = network.normed(&self.block.attn_norm, &x)?;
        self.remember(index, slots, &normed)?;
        if self.tokens.is_empty() {
            return Ok(Vec::new());
        }
        let width = network.config.d_model;
        if self.tokens.len() * width < x.len() {
            x = gather(&x, width, self.tokens);
            normed = network.normed(&self.block.attn_norm, &x)?;
        }
        let caches: Vec<&LayerCache> = slots.iter().map(|slot| &slot[index]).collect();
        let attended = self.attend(&caches, &normed)?;
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

    /// Writes keys and values of all fed tokens to their slots.
    fn remember(
        &self,
        index: usize,
        slots: &mut [Vec<LayerCache>],
        normed: &Tensor,
    ) -> CandleResult<()> {
        let heads = self.network.heads();
        let kv = self.block.kv.apply(normed)?;
        for span in &self.spans {
            let half = heads.keys * heads.dim;
            let split = |kv: &[f32]| {
                let columns = |first| Columns {
                    data: kv,
                    width: 2 * half,
                    first,
                };
                let turn = |token: usize, from: &[f32], to: &mut [f32]| {
                    self.rope.turn(token, from, to, 1.0);
                };
                let copy = |_: usize, from: &[f32], to: &mut [f32]| to.copy_from_slice(from);
                let fed = || span.fed.clone();
                (
                    split_heads(columns(0), fed(), heads.keys, heads.dim, turn),
                    split_heads(columns(half), fed(), heads.keys, heads.dim, copy),
                )
            };
            let (keys, values) = with_slice(&kv, split)?;
            let positions = &self.positions[span.fed.clone()];
            slots[span.slot][index].write(heads, positions, keys, values)?;
        }
        Ok(())
    }

    fn attend(&self, caches: &[&LayerCache], normed: &Tensor) -> CandleResult<Vec<f32>> {
        let heads = self.network.heads();
        let queries = self.block.q.apply(normed)?;
        with_slice(&queries, |data| {
            let columns = Columns {
                data,
                width: heads.queries * heads.dim,
                first: 0,
            };
            let attention = self.network.attention;
            attention::attend(heads, attention, &self.spans, self.rope, columns, caches)
        })?
    }
}

/// Every row of the pass, with its share of the tokens that leave the layer.
fn spans<'a>(pass: &Pass<'a>, tokens: &'a [usize]) -> Vec<Span<'a>> {
    let mut first = 0;
    let span = |row: &unmask_sdk::Row| {
        let fed = first..first + row.fed as usize;
        first = fed.end;
        let start = tokens.partition_point(|token| *token < fed.start);
        let end = tokens.partition_point(|token| *token < fed.end);
        Span {
            fed,
            queries: start..end,
            tokens: &tokens[start..end],
            positions: pass.positions,
            attend: row.attend.start as usize..row.attend.end as usize,
            slot: row.slot as usize,
        }
    };
    pass.rows.iter().map(span).collect()
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
