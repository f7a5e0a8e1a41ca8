//! One layer's work on one pass.

use mlx_rs::Array;
use mlx_rs::error::Result;
use unmask_sdk::decoder::Heads;

use crate::attention::{AttentionContext, RowAttention};
use crate::layers::{Norm, gated};
use crate::matrix::Matrix;
use crate::rope::RopeArrays;
use crate::slot::{LayerCache, Written};

/// A layer with its weights, see `DecoderLayer`.
pub(super) struct Layer {
    pub(super) attn_norm: Norm,
    pub(super) k: Matrix,
    pub(super) v: Matrix,
    pub(super) q: Matrix,
    /// Of queries and of keys.
    pub(super) head_norms: Option<[Norm; 2]>,
    pub(super) out: Matrix,
    pub(super) mlp_norm: Norm,
    pub(super) gate: Matrix,
    pub(super) up: Matrix,
    pub(super) down: Matrix,
}

/// What a layer is asked for.
pub(super) struct LayerPass<'a> {
    pub(super) heads: Heads,
    /// Of all fed tokens.
    pub(super) rope: &'a RopeArrays,
    pub(super) written: &'a [Written],
    pub(super) spans: Vec<RowAttention<'a>>,
    /// The fed tokens that leave the layer.
    pub(super) tokens: &'a [u32],
}

impl Layer {
    /// Takes `[fed, width]`, returns `[tokens, width]`; `None` if there are none. `index` is the layer's own.
    pub(super) fn forward(
        &self,
        pass: &LayerPass<'_>,
        index: usize,
        slots: &mut [Vec<LayerCache>],
        x: &Array,
    ) -> Result<Option<Array>> {
        let normed = self.attn_norm.apply(x)?;
        let fresh = self.fresh(pass, &normed)?;
        for row in pass.written {
            row.store(&mut slots[row.slot][index], &fresh)?;
        }
        if pass.tokens.is_empty() {
            return Ok(None);
        }
        let caches: Vec<_> = slots.iter().map(|slot| slot.get(index)).collect();
        let context = AttentionContext {
            fresh: &fresh,
            slots: &caches,
        };
        let (x, attended) = if pass.tokens.len() < x.shape()[0] as usize {
            let tokens = Array::from_slice(pass.tokens, &[pass.tokens.len() as i32]);
            let normed = normed.take_axis(&tokens, 0)?;
            let attended = self.attend(pass, &context, &normed, &pass.rope.of(&tokens)?)?;
            (x.take_axis(&tokens, 0)?, attended)
        } else {
            (x.clone(), self.attend(pass, &context, &normed, pass.rope)?)
        };
        let x = x.add(self.out.apply(&attended)?)?;
        let normed = self.mlp_norm.apply(&x)?;
        let gated = gated(&self.gate.apply(&normed)?, &self.up.apply(&normed)?)?;
        Ok(Some(x.add(self.down.apply(&gated)?)?))
    }

    /// Keys and values of all fed tokens, `[fed, key heads, dim]` each.
    fn fresh(&self, pass: &LayerPass<'_>, normed: &Array) -> Result<[Array; 2]> {
        let split = |x: Array| x.reshape(&[-1, pass.heads.keys as i32, pass.heads.dim as i32]);
        let keys = split(self.k.apply(normed)?)?;
        let norm = self.head_norms.as_ref().map(|[_, keys]| keys);
        let keys = turned(keys, norm, pass.rope)?;
        Ok([keys, split(self.v.apply(normed)?)?])
    }

    fn attend(
        &self,
        pass: &LayerPass<'_>,
        context: &AttentionContext<'_>,
        normed: &Array,
        rope: &RopeArrays,
    ) -> Result<Array> {
        let shape = [-1, pass.heads.queries as i32, pass.heads.dim as i32];
        let queries = self.q.apply(normed)?.reshape(&shape)?;
        let norm = self.head_norms.as_ref().map(|[queries, _]| queries);
        context.attend(pass.heads, &pass.spans, &turned(queries, norm, rope)?)
    }
}

/// Heads normed, where they are, and turned.
fn turned(heads: Array, norm: Option<&Norm>, rope: &RopeArrays) -> Result<Array> {
    match norm {
        Some(norm) => rope.turn(&norm.apply(&heads)?),
        None => rope.turn(&heads),
    }
}
