//! A decoder of dense transformer layers on MLX, as [`Decoder`] describes it.
//!
//! A folder has the reference's names or those of MLX's converter, and its matrices as floats or as MLX quantises them.

use std::ops::ControlFlow;

use mlx_rs::error::Result as MlxResult;
use mlx_rs::transforms::async_eval;
use mlx_rs::{Array, Dtype};
use serde_json::Value;
use unmask_sdk::decoder::{Decoder, DecoderLayer, MatrixSpec};
use unmask_sdk::keys::RowKeys;
use unmask_sdk::weights::Weights;
use unmask_sdk::{
    BackendError, Capabilities, Estimate, LoadSpec, ModelFacts, Pass, Progress, TokenId,
};

use super::layer::{Layer, LayerPass};
use crate::attention::spans;
use crate::device::{ComputeDevice, failed};
use crate::layers::{Norm, scaled};
use crate::loader::MatrixLoader;
use crate::matrix::{Matrix, Quantised};
use crate::precision::Precision;
use crate::rope::RopeArrays;
use crate::slot::{CacheSizes, LayerCache, Written};

/// The network with its weights.
pub(crate) struct Network {
    decoder: Decoder,
    embedding: Embedding,
    layers: Vec<Layer>,
    norm: Norm,
    head: Matrix,
    /// Of activations.
    dtype: Dtype,
    pub(crate) facts: ModelFacts,
}

/// The table of embeddings, `[vocab, width]`.
enum Embedding {
    /// Read row by row from the mapped file: a gigabyte less to hold.
    Mapped {
        weights: Weights,
        name: String,
    },
    Quantised(Quantised),
}

/// What loading the network of `spec` would take.
///
/// # Errors
/// As `Backend::check`.
pub(crate) fn check(
    spec: &LoadSpec,
    device: ComputeDevice,
    precision: Precision,
) -> Result<Estimate, BackendError> {
    let decoder = super::decoder(spec)?;
    check_quantisation(spec)?;
    // Without the files, they are taken to be in the reference's form.
    let weights = Weights::open(&spec.weights).or_else(|_| Weights::open(&[]))?;
    let loader = MatrixLoader::new(spec, &weights, device, precision, &|_| {
        ControlFlow::Continue(())
    });
    Ok(Estimate {
        weights_bytes: loader.total_bytes(&matrices(&decoder)),
        cell_bytes: sizes(&decoder, loader.dtype()).cell_bytes(),
        threads: 0,
    })
}

impl Network {
    /// Loads the network of `spec`.
    ///
    /// # Errors
    /// As `Backend::load`.
    pub(crate) fn load(
        spec: &LoadSpec,
        device: ComputeDevice,
        precision: Precision,
        progress: &Progress<'_>,
    ) -> Result<Self, BackendError> {
        let decoder = super::decoder(spec)?;
        check_quantisation(spec)?;
        let weights = Weights::open(&spec.weights)?;
        let loader = MatrixLoader::new(spec, &weights, device, precision, progress);
        let (vocab, width) = (decoder.vocab, decoder.width);
        let name = loader.names.spell(&decoder.embedding);
        let quantised_table = loader.stored_quantised(&decoder.embedding, vocab, width)?;
        if quantised_table.is_none() {
            weights.shaped(&name, &[vocab, width])?;
        }
        let norms = decoder
            .layers
            .iter()
            .map(|layer| LayerNorms::load(&loader, layer, decoder.eps))
            .collect::<Result<Vec<_>, BackendError>>()?;
        let norm = loader.norm(&decoder.norm, decoder.eps)?;
        let loaded = loader.load(&matrices(&decoder))?;
        let mut matrices = loaded.matrices.into_iter();
        let mut next = || {
            matrices
                .next()
                .expect("the loader returns as many as asked for")
        };
        let layers = norms.into_iter().map(|norms| Layer {
            attn_norm: norms.attention,
            k: next(),
            v: next(),
            q: next(),
            head_norms: norms.heads,
            out: next(),
            mlp_norm: norms.mlp,
            gate: next(),
            up: next(),
            down: next(),
        });
        let layers = layers.collect();
        let dtype = loader.dtype();
        Ok(Self {
            layers,
            norm,
            head: next(),
            dtype,
            facts: ModelFacts {
                vocab,
                max_positions: decoder.max_positions,
                memory_bytes: loaded.memory_bytes,
                cell_bytes: sizes(&decoder, dtype).cell_bytes(),
                precision: loaded.precision,
                capabilities: CAPABILITIES,
                notes: loaded.notes,
            },
            embedding: match quantised_table {
                Some(table) => Embedding::Quantised(table),
                None => Embedding::Mapped { weights, name },
            },
            decoder,
        })
    }

    pub(crate) fn sizes(&self) -> CacheSizes {
        sizes(&self.decoder, self.dtype)
    }

    /// Computes a pass whose rows attend to `rows`; `slots` holds every layer's cache of every slot.
    ///
    /// Returns the logits of the wanted tokens, `[wanted, vocab]` in f32, computed; `None` if there are none.
    ///
    /// MLX computes a layer while the next one is written down, so that the device does not wait for us; a raised flag stops
    /// it after the layer at work.
    ///
    /// # Errors
    /// As `Session::forward`.
    pub(crate) fn forward(
        &self,
        pass: &Pass<'_>,
        rows: &[RowKeys],
        slots: &mut [Vec<LayerCache>],
    ) -> Result<Option<Array>, BackendError> {
        let everyone: Vec<u32> = (0..pass.tokens.len() as u32).collect();
        let rope = RopeArrays::new(&self.decoder.frequencies, pass.positions);
        let written = Written::of(pass, rows);
        let mut x = Some(self.embed(pass.tokens)?);
        for (index, layer) in self.layers.iter().enumerate() {
            if pass.cancel.is_raised() {
                return stopped(slots);
            }
            // Whoever is not wanted has done its part once its last keys and values are written.
            let last = index + 1 == self.layers.len();
            let tokens = if last { pass.wanted } else { &everyone };
            let asked = LayerPass {
                heads: self.decoder.heads,
                rope: &rope,
                written: &written,
                spans: spans(rows, tokens),
                tokens,
            };
            let before = x
                .take()
                .expect("only the last layer may end without tokens");
            x = layer
                .forward(&asked, index, slots, &before)
                .map_err(failed)?;
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
        let (count, width) = (tokens.len(), self.decoder.width);
        let x = match &self.embedding {
            Embedding::Mapped { weights, name } => {
                let table = weights.get(name)?;
                let mut x = vec![0.0_f32; count * width];
                table.gather_rows(tokens.iter().map(|token| token.index()), &mut x)?;
                Array::from_slice(&x, &[count as i32, width as i32]).as_dtype(self.dtype)
            }
            Embedding::Quantised(table) => {
                let ids: Vec<u32> = tokens.iter().map(|token| token.0).collect();
                table.rows(&Array::from_slice(&ids, &[count as i32]))
            }
        };
        let x = x.map_err(failed)?;
        match self.decoder.embedding_scale {
            1.0 => Ok(x),
            scale => scaled(&x, scale).map_err(failed),
        }
    }

    fn logits(&self, x: &Array) -> MlxResult<Array> {
        let mut logits = self.head.apply(&self.norm.apply(x)?)?;
        if self.decoder.logit_scale != 1.0 {
            logits = scaled(&logits, self.decoder.logit_scale)?;
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

/// The norms of a layer.
struct LayerNorms {
    attention: Norm,
    heads: Option<[Norm; 2]>,
    mlp: Norm,
}

impl LayerNorms {
    fn load(
        loader: &MatrixLoader<'_>,
        layer: &DecoderLayer,
        eps: f32,
    ) -> Result<Self, BackendError> {
        let norm = |spec| loader.norm(spec, eps);
        Ok(Self {
            attention: norm(&layer.attn_norm)?,
            heads: match &layer.head_norms {
                Some((queries, keys)) => Some([norm(queries)?, norm(keys)?]),
                None => None,
            },
            mlp: norm(&layer.mlp_norm)?,
        })
    }
}

fn matrices(decoder: &Decoder) -> Vec<MatrixSpec> {
    decoder.matrices().cloned().collect()
}

fn sizes(decoder: &Decoder, dtype: Dtype) -> CacheSizes {
    CacheSizes {
        layers: decoder.layers.len(),
        heads: decoder.heads,
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
