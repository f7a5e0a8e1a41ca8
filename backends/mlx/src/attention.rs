//! Attention of a ragged batch, row by row.

use std::ops::Range;

use mlx_rs::error::Result;
use mlx_rs::fast::{self, ScaledDotProductAttentionMask};
use mlx_rs::ops::indexing::TryIndexOp;
use mlx_rs::{Array, Stream, ops};
use unmask_sdk::decoder::Heads;
use unmask_sdk::keys::{RowKeys, Visible};

use crate::slot::LayerCache;

/// One batch row's share of a layer's work.
pub(crate) struct RowAttention<'a> {
    row: &'a RowKeys,
    /// Its queries, as indices into the rows of the query matrix.
    queries: Range<usize>,
    /// The fed token of each query.
    tokens: &'a [u32],
}

/// The rows with their shares of `tokens`, the fed tokens that leave the layer.
pub(crate) fn spans<'a>(rows: &'a [RowKeys], tokens: &'a [u32]) -> Vec<RowAttention<'a>> {
    let span = |row: &'a RowKeys| {
        let below = |end: usize| tokens.partition_point(|token| (*token as usize) < end);
        let queries = below(row.fed.start)..below(row.fed.end);
        RowAttention {
            row,
            tokens: &tokens[queries.clone()],
            queries,
        }
    };
    rows.iter().map(span).collect()
}

/// What a layer's queries look at.
pub(crate) struct AttentionContext<'a> {
    /// Keys and values of the fed tokens, `[fed, key heads, dim]` each.
    pub(crate) fresh: &'a [Array; 2],
    /// The layer's caches, where slots have any cells.
    pub(crate) slots: &'a [Option<&'a LayerCache>],
}

impl AttentionContext<'_> {
    /// `softmax(q kᵀ / sqrt(dim)) v` for every query, `[queries, heads * dim]`; `queries` are turned and
    /// `[queries, heads, dim]`.
    pub(crate) fn attend(
        &self,
        heads: Heads,
        spans: &[RowAttention<'_>],
        queries: &Array,
    ) -> Result<Array> {
        let scale = 1.0 / (heads.dim as f32).sqrt();
        let attend = |span: &RowAttention<'_>| {
            let own = rows(queries, &span.queries)?;
            let own = own.transpose_axes(&[1, 0, 2])?.expand_dims(0)?;
            let (keys, values) = (self.seen(span.row, 0)?, self.seen(span.row, 1)?);
            let mask = span.mask();
            let mask = mask.as_ref().map(ScaledDotProductAttentionMask::Array);
            let out = fast::scaled_dot_product_attention(own, keys, values, scale, mask, None)?;
            let width = (heads.queries * heads.dim) as i32;
            out.squeeze_axes(&[0])?
                .transpose_axes(&[1, 0, 2])?
                .reshape(&[-1, width])
        };
        let asked = spans.iter().filter(|span| !span.queries.is_empty());
        joined(asked.map(attend).collect::<Result<_>>()?)
    }

    /// The keys (0) or values (1) that a row attends to, `[1, key heads, keys, dim]`.
    fn seen(&self, row: &RowKeys, which: usize) -> Result<Array> {
        let mut parts = Vec::new();
        if let Some(cache) = self.slots[row.slot].filter(|_| !row.context.is_empty()) {
            parts.push(rows(&cache.parts[which], &row.context)?);
        }
        if !row.loose.is_empty() {
            parts.push(picked(&self.fresh[which], &row.loose)?);
        }
        joined(parts)?.transpose_axes(&[1, 0, 2])?.expand_dims(0)
    }
}

impl RowAttention<'_> {
    /// True where a query sees a key, `[queries, keys]`; `None` if every query sees all.
    fn mask(&self) -> Option<Array> {
        if self.row.visible == Visible::All {
            return None;
        }
        let keys = self.row.n_keys();
        let sees = |token: &u32| {
            let query = *token as usize - self.row.fed.start;
            // Padding may see nothing, of which there is no softmax; nobody reads what it gives.
            let sees_any = (0..keys).any(|key| self.row.sees(query, key));
            (0..keys).map(move |key| !sees_any || self.row.sees(query, key))
        };
        let mask: Vec<bool> = self.tokens.iter().flat_map(sees).collect();
        Some(Array::from_slice(
            &mask,
            &[self.tokens.len() as i32, keys as i32],
        ))
    }
}

/// The parts one behind the other.
fn joined(mut parts: Vec<Array>) -> Result<Array> {
    match parts.len() {
        1 => Ok(parts.remove(0)),
        _ => ops::concatenate(&parts, 0),
    }
}

/// Rows `range` of `all`, which is itself if they are all.
fn rows(all: &Array, range: &Range<usize>) -> Result<Array> {
    if *range == (0..all.shape()[0] as usize) {
        return Ok(all.clone());
    }
    let stream = Stream::thread_local_or_default();
    all.try_index_device(range.start as i32..range.end as i32, stream)
}

/// Rows `indices` of `all`, ascending and at least one.
pub(crate) fn picked(all: &Array, indices: &[usize]) -> Result<Array> {
    let (first, last) = (indices[0], indices[indices.len() - 1]);
    if last - first + 1 == indices.len() {
        return rows(all, &(first..last + 1));
    }
    let indices: Vec<u32> = indices.iter().map(|index| *index as u32).collect();
    all.take_axis(Array::from_slice(&indices, &[indices.len() as i32]), 0)
}
