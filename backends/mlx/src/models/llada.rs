//! LLaDA (arXiv:2502.09992): a Llama without the causal mask. <https://huggingface.co/GSAI-ML/LLaDA-8B-Instruct>
//!
//! Expects `config.json` with OLMo's names (`d_model`, `n_layers`, …) and tensors under `model.transformer.`, or as MLX's
//! converter renames them. In a block `ff_proj` is the gate, `up_proj` the up and `ff_out` the down projection; the
//! top-level `ff_out` is the head.

use std::ops::ControlFlow;

use mlx_rs::error::Result as MlxResult;
use mlx_rs::transforms::async_eval;
use mlx_rs::{Array, Dtype};
use serde_json::Value;
use unmask_sdk::keys::RowKeys;
use unmask_sdk::llada::{LladaConfig, tensor_name};
use unmask_sdk::weights::Weights;
use unmask_sdk::{
    BackendError, Capabilities, Estimate, LoadSpec, ModelFacts, Pass, Progress, TokenId,
};

use crate::attention::{AttentionContext, RowAttention, spans};
use crate::device::{ComputeDevice, failed};
use crate::layers::{Norm, gated, scaled};
use crate::loader::MatrixLoader;
use crate::matrix::{Matrix, Quantised};
use crate::precision::Precision;
use crate::rope::RopeArrays;
use crate::slot::{CacheSizes, LayerCache, Written};

/// The network with its weights.
pub(crate) struct Llada {
    config: LladaConfig,
    frequencies: Vec<f32>,
    embedding: Embedding,
    blocks: Vec<Block>,
    norm: Norm,
    head: Matrix,
    /// Of activations.
    dtype: Dtype,
    pub(super) facts: ModelFacts,
}

struct Block {
    attn_norm: Norm,
    k: Matrix,
    v: Matrix,
    q: Matrix,
    attn_out: Matrix,
    ff_norm: Norm,
    gate: Matrix,
    up: Matrix,
    down: Matrix,
}

/// The table of embeddings, `[vocab, d_model]`.
enum Embedding {
    /// Read row by row from the mapped file: a gigabyte less to hold.
    Mapped {
        weights: Weights,
        name: String,
    },
    Quantised(Quantised),
}

impl Llada {
    pub(super) fn check(
        spec: &LoadSpec,
        device: ComputeDevice,
        precision: Precision,
    ) -> Result<Estimate, BackendError> {
        let config = LladaConfig::read_quantised(spec)?;
        check_quantisation(spec)?;
        // Without the files, they are taken to be in the reference's form.
        let weights = Weights::open(&spec.weights).or_else(|_| Weights::open(&[]))?;
        let loader = MatrixLoader::new(spec, &weights, device, precision, &|_| {
            ControlFlow::Continue(())
        });
        Ok(Estimate {
            weights_bytes: loader.total_bytes(&config.matrices()),
            cell_bytes: sizes(&config, loader.dtype()).cell_bytes(),
            threads: 0,
        })
    }

    pub(super) fn load(
        spec: &LoadSpec,
        device: ComputeDevice,
        precision: Precision,
        progress: &Progress<'_>,
    ) -> Result<Self, BackendError> {
        let config = LladaConfig::read_quantised(spec)?;
        check_quantisation(spec)?;
        let weights = Weights::open(&spec.weights)?;
        let loader = MatrixLoader::new(spec, &weights, device, precision, progress);
        let table = tensor_name("wte.weight");
        let (vocab, width) = (config.vocab(), config.d_model);
        let quantised_table = loader.stored_quantised(&table, vocab, width)?;
        if quantised_table.is_none() {
            weights.shaped(&loader.names.spell(&table), &[vocab, width])?;
        }
        let norm = |name: &str| {
            let name = tensor_name(name);
            loader.norm(&name, width, config.norm_has_bias(), config.rms_norm_eps)
        };
        let norms: Vec<(Norm, Norm)> = (0..config.n_layers)
            .map(|layer| {
                let attn_norm = norm(&format!("blocks.{layer}.attn_norm"))?;
                Ok((attn_norm, norm(&format!("blocks.{layer}.ff_norm"))?))
            })
            .collect::<Result<_, BackendError>>()?;
        let final_norm = norm("ln_f")?;
        let loaded = loader.load(&config.matrices())?;
        let mut matrices = loaded.matrices.into_iter();
        let mut next = || {
            matrices
                .next()
                .expect("the loader returns as many as asked for")
        };
        let blocks = norms.into_iter().map(|(attn_norm, ff_norm)| Block {
            attn_norm,
            k: next(),
            v: next(),
            q: next(),
            attn_out: next(),
            ff_norm,
            gate: next(),
            up: next(),
            down: next(),
        });
        let blocks = blocks.collect();
        let dtype = loader.dtype();
        let name = loader.names.spell(&table);
        Ok(Self {
            frequencies: config.frequencies(),
            blocks,
            norm: final_norm,
            head: next(),
            dtype,
            facts: ModelFacts {
                vocab,
                max_positions: config.max_sequence_length,
                memory_bytes: loaded.memory_bytes,
                cell_bytes: sizes(&config, dtype).cell_bytes(),
                precision: loaded.precision,
                capabilities: CAPABILITIES,
                notes: loaded.notes,
            },
            embedding: match quantised_table {
                Some(table) => Embedding::Quantised(table),
                None => Embedding::Mapped { weights, name },
            },
            config,
        })
    }

    pub(super) fn sizes(&self) -> CacheSizes {
        sizes(&self.config, self.dtype)
    }

    /// As `Network::forward`.
    ///
    /// MLX computes a layer while the next one is written down, so that the device does not wait for us; a raised flag stops
    /// it after the layer at work.
    pub(super) fn forward(
        &self,
        pass: &Pass<'_>,
        rows: &[RowKeys],
        slots: &mut [Vec<LayerCache>],
    ) -> Result<Option<Array>, BackendError> {
        let everyone: Vec<u32> = (0..pass.tokens.len() as u32).collect();
        let rope = RopeArrays::new(&self.frequencies, pass.positions);
        let written = Written::of(pass, rows);
        let mut x = Some(self.embed(pass.tokens)?);
        for (index, block) in self.blocks.iter().enumerate() {
            if pass.cancel.is_raised() {
                return stopped(slots);
            }
            // Whoever is not wanted has done its part once its last keys and values are written.
            let last = index + 1 == self.blocks.len();
            let tokens = if last { pass.wanted } else { &everyone };
            let layer = Layer {
                network: self,
                block,
                rope: &rope,
                written: &written,
                spans: spans(rows, tokens),
                tokens,
            };
            let before = x
                .take()
                .expect("only the last layer may end without tokens");
            x = layer.forward(index, slots, &before).map_err(failed)?;
            let caches = written.iter().flat_map(|row| &slots[row.slot][index].parts);
            async_eval(caches.chain(&x)).map_err(failed)?;
            before.eval().map_err(failed)?;
        }
        if pass.cancel.is_raised() {
            return stopped(slots);
        }
        match x {
            Some(x) => self.logits(&x).map(Some).map_err(failed),
            None => settle(slots).map(|()| None),
        }
    }

    fn embed(&self, tokens: &[TokenId]) -> Result<Array, BackendError> {
        let (count, width) = (tokens.len(), self.config.d_model);
        let x = match &self.embedding {
            Embedding::Mapped { weights, name } => {
                let table = weights.get(name)?;
                let mut x = vec![0.0_f32; count * width];
                for (token, x) in tokens.iter().zip(x.chunks_exact_mut(width)) {
                    table.read_rows(token.index()..token.index() + 1, x)?;
                }
                Array::from_slice(&x, &[count as i32, width as i32]).as_dtype(self.dtype)
            }
            Embedding::Quantised(table) => {
                let ids: Vec<u32> = tokens.iter().map(|token| token.0).collect();
                table.rows(&Array::from_slice(&ids, &[count as i32]))
            }
        };
        let x = x.map_err(failed)?;
        match self.config.input_emb_norm {
            true => scaled(&x, (width as f32).sqrt()).map_err(failed),
            false => Ok(x),
        }
    }

    fn logits(&self, x: &Array) -> MlxResult<Array> {
        let mut logits = self.head.apply(&self.norm.apply(x)?)?;
        if self.config.scale_logits {
            logits = scaled(&logits, 1.0 / (self.config.d_model as f32).sqrt())?;
        }
        let logits = logits.as_dtype(Dtype::Float32)?.contiguous()?;
        logits.eval()?;
        Ok(logits)
    }
}

/// What sessions of this network can do.
const CAPABILITIES: Capabilities = Capabilities(
    Capabilities::BATCH.0
        | Capabilities::KV_CACHE.0
        | Capabilities::TOPK_OUTPUT.0
        | Capabilities::CANCEL.0
        | Capabilities::CONCURRENT.0
        | Capabilities::LEFT_PADDING.0
        | Capabilities::ATTENTION_MASK.0,
);

fn sizes(config: &LladaConfig, dtype: Dtype) -> CacheSizes {
    CacheSizes {
        layers: config.n_layers,
        heads: config.heads(),
        dtype,
    }
}

/// The answer to a raised flag, once MLX has computed what it was given: so the caches can be used from any thread.
fn stopped<T>(slots: &[Vec<LayerCache>]) -> Result<T, BackendError> {
    settle(slots)?;
    Err(BackendError::Cancelled)
}

/// Finishes what is computed of the caches.
fn settle(slots: &[Vec<LayerCache>]) -> Result<(), BackendError> {
    let arrays = slots.iter().flatten().flat_map(|cache| &cache.parts);
    mlx_rs::transforms::eval(arrays).map_err(failed)
}

/// Refuses folders whose quantisation is none that this backend multiplies with.
fn check_quantisation(spec: &LoadSpec) -> Result<(), BackendError> {
    // It was read as an object before.
    let config: Value = serde_json::from_str(&spec.config_json).unwrap_or_default();
    let mode = config["quantization"]["mode"].as_str().unwrap_or("affine");
    if mode == "affine" {
        return Ok(());
    }
    Err(BackendError::Unsupported(format!(
        "{}: the weights are quantised as {mode:?}, and mlx here reads \"affine\" only; fetch a 4-bit or 8-bit folder without \
         a mode",
        spec.folder.join("config.json").display()
    )))
}

/// One block's work on one pass.
struct Layer<'a> {
    network: &'a Llada,
    block: &'a Block,
    rope: &'a RopeArrays,
    written: &'a [Written],
    spans: Vec<RowAttention<'a>>,
    /// The fed tokens that leave the block.
    tokens: &'a [u32],
}

impl Layer<'_> {
    /// Takes `[fed, d_model]`, returns `[tokens, d_model]`; `None` if there are none.
    fn forward(
        &self,
        index: usize,
        slots: &mut [Vec<LayerCache>],
        x: &Array,
    ) -> MlxResult<Option<Array>> {
        let Block {
            attn_norm,
            attn_out,
            ff_norm,
            ..
        } = self.block;
        let normed = attn_norm.apply(x)?;
        let fresh = self.fresh(&normed)?;
        for row in self.written {
            row.store(&mut slots[row.slot][index], &fresh)?;
        }
        if self.tokens.is_empty() {
            return Ok(None);
        }
        let caches: Vec<_> = slots.iter().map(|slot| slot.get(index)).collect();
        let context = AttentionContext {
            fresh: &fresh,
            slots: &caches,
        };
        let (x, attended) = if self.tokens.len() < x.shape()[0] as usize {
            let tokens = Array::from_slice(self.tokens, &[self.tokens.len() as i32]);
            let normed = normed.take_axis(&tokens, 0)?;
            let attended = self.attend(&context, &normed, &self.rope.of(&tokens)?)?;
            (x.take_axis(&tokens, 0)?, attended)
        } else {
            (x.clone(), self.attend(&context, &normed, self.rope)?)
        };
        let x = x.add(attn_out.apply(&attended)?)?;
        let normed = ff_norm.apply(&x)?;
        let gated = gated(
            &self.block.gate.apply(&normed)?,
            &self.block.up.apply(&normed)?,
        )?;
        Ok(Some(x.add(self.block.down.apply(&gated)?)?))
    }

    /// Keys and values of all fed tokens, `[fed, key heads, dim]` each.
    fn fresh(&self, normed: &Array) -> MlxResult<[Array; 2]> {
        let heads = self.network.config.heads();
        let split = |x: Array| x.reshape(&[-1, heads.keys as i32, heads.dim as i32]);
        let keys = self.rope.turn(&split(self.block.k.apply(normed)?)?)?;
        Ok([keys, split(self.block.v.apply(normed)?)?])
    }

    fn attend(
        &self,
        context: &AttentionContext<'_>,
        normed: &Array,
        rope: &RopeArrays,
    ) -> MlxResult<Array> {
        let heads = self.network.config.heads();
        let shape = [-1, heads.queries as i32, heads.dim as i32];
        let queries = rope.turn(&self.block.q.apply(normed)?.reshape(&shape)?)?;
        context.attend(heads, &self.spans, &queries)
    }
}
