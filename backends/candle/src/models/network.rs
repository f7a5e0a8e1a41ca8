//! A decoder of transformer layers on candle, as [`Decoder`] describes it.

use std::sync::Arc;

use candle_core::{DType, Device, Result as CandleResult, Tensor};
use unmask_sdk::decoder::Decoder;
use unmask_sdk::keys::RowKeys;
use unmask_sdk::rope::Rope;
use unmask_sdk::weights::{Weights, all_finite};
use unmask_sdk::{BackendError, Cell, Pass};

use super::stack::{self, Mlp, Stack};
use super::{NetworkPlan, norm::Norm};
use crate::attention::{self, Columns, HeadTurn, RowAttention, split_heads};
use crate::matrix::{Matrix, with_slice};
use crate::slot::KeyValues;
use crate::{device_error, layers};

/// The network with its weights.
pub(crate) struct Network {
    decoder: Decoder,
    /// Holds the embedding, which is read row by row from the file.
    weights: Arc<Weights>,
    stack: Stack<Matrix>,
}

impl Network {
    /// The network of `plan`, whose matrices are loaded already.
    ///
    /// # Errors
    /// As `Backend::load`.
    pub(crate) fn new(
        plan: NetworkPlan,
        weights: &Arc<Weights>,
        matrices: Vec<Matrix>,
    ) -> Result<Self, BackendError> {
        Ok(Self {
            stack: Stack::new(&plan.decoder, weights, matrices)?,
            decoder: plan.decoder,
            weights: Arc::clone(weights),
        })
    }

    /// Computes a pass of `rows`, whose cells are in `slots` by slot and layer; returns the wanted logits, `[wanted, vocab]`.
    ///
    /// # Errors
    /// As `Session::forward`.
    pub(crate) fn forward(
        &self,
        pass: &Pass<'_>,
        rows: &[RowKeys],
        slots: &[Vec<KeyValues>],
    ) -> Result<Tensor, BackendError> {
        let rope = Rope::new(&self.decoder.frequencies, pass.positions);
        let everyone: Vec<usize> = (0..pass.tokens.len()).collect();
        let wanted: Vec<usize> = pass.wanted.iter().map(|index| *index as usize).collect();
        let mut x = self.embed(pass)?;
        for (index, block) in self.stack.layers.iter().enumerate() {
            if pass.cancel.is_raised() {
                return Err(BackendError::Cancelled);
            }
            // Whoever is not wanted has done its part once its last keys and values are written.
            let last = index + 1 == self.stack.layers.len();
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
        let width = self.decoder.width;
        let embedding = self.weights.get(&self.decoder.embedding)?;
        let mut x = vec![0.0; pass.tokens.len() * width];
        embedding.gather_rows(pass.tokens.iter().map(|token| token.index()), &mut x)?;
        if self.decoder.embedding_scale != 1.0 {
            scale(&mut x, self.decoder.embedding_scale);
        }
        Ok(x)
    }

    fn logits(&self, x: &[f32]) -> CandleResult<Tensor> {
        if x.is_empty() {
            return Tensor::zeros((0, self.decoder.vocab), DType::F32, &Device::Cpu);
        }
        let normed = self.normed(&self.stack.norm, x)?;
        let logits = self.stack.head.apply(&normed)?;
        if self.decoder.logit_scale != 1.0 {
            return logits * f64::from(self.decoder.logit_scale);
        }
        Ok(logits)
    }

    fn normed(&self, norm: &Norm, x: &[f32]) -> CandleResult<Tensor> {
        let eps = self.decoder.eps;
        let normed = layers::rms_norm(x, &norm.weight, norm.bias.as_deref(), eps);
        self.tensor(normed, self.decoder.width)
    }

    fn tensor(&self, numbers: Vec<f32>, width: usize) -> CandleResult<Tensor> {
        let tokens = numbers.len() / width;
        Tensor::from_vec(numbers, (tokens, width), &Device::Cpu)
    }
}

/// One block's work on one pass.
struct Layer<'a> {
    network: &'a Network,
    block: &'a stack::Layer<Matrix>,
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
        let width = network.decoder.width;
        if self.tokens.len() * width < x.len() {
            x = gather(&x, width, self.tokens);
            normed = network.normed(&self.block.attn_norm, &x)?;
        }
        let attended = self.attend(&seen, &normed)?;
        let heads = network.decoder.heads;
        let attended = network.tensor(attended, heads.queries * heads.dim)?;
        let update = self.block.out.apply(&attended)?;
        with_slice(&update, |update| layers::add(&mut x, update))?;

        let normed = network.normed(&self.block.mlp_norm, &x)?;
        match &self.block.mlp {
            Mlp::Dense(gated) => {
                let update = gated.apply(&normed)?;
                with_slice(&update, |update| layers::add(&mut x, update))?;
            }
            Mlp::Experts(experts) => experts.add(&normed, &mut x)?,
        }
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
        let heads = self.network.decoder.heads;
        let half = heads.keys * heads.dim;
        let columns = |first| Columns {
            data: kv,
            width: 2 * half,
            first,
        };
        let norm = self.block.head_norms.as_ref().map(|(_, keys)| keys);
        let turn = self.turn(norm);
        let turn = |token: usize, from: &[f32], to: &mut [f32]| turn.place(token, from, to, 1.0);
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
        let heads = self.network.decoder.heads;
        let queries = self.block.q.apply(normed)?;
        with_slice(&queries, |data| {
            let columns = Columns {
                data,
                width: heads.queries * heads.dim,
                first: 0,
            };
            let norm = self.block.head_norms.as_ref().map(|(queries, _)| queries);
            attention::attend(heads, &self.spans, self.turn(norm), columns, seen)
        })?
    }

    fn turn<'a>(&'a self, norm: Option<&'a Norm>) -> HeadTurn<'a> {
        HeadTurn {
            rope: self.rope,
            norm,
            eps: self.network.decoder.eps,
        }
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
