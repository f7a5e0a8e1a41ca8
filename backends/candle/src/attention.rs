//! Attention of a ragged batch. The products are candle's; the rest is done head by head in between.

use std::ops::Range;

use candle_core::{CpuStorage, Device, InplaceOp1, Layout, Result, Tensor};
use rayon::prelude::*;
use unmask_sdk::decoder::Heads;
use unmask_sdk::keys::{RowKeys, Visible};
use unmask_sdk::rope::Rope;

use crate::layers;
use crate::matrix::with_slice;
use crate::models::Norm;
use crate::slot::KeyValues;

/// Stacked query rows per task: enough to fill a matrix product, few enough to share among threads.
const TILE: usize = 128;

/// A matrix of which some columns are meant.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    pub(crate) data: &'a [f32],
    /// All columns.
    pub(crate) width: usize,
    /// The first that is meant.
    pub(crate) first: usize,
}

/// One batch row's share of a layer's work.
pub(crate) struct RowAttention<'a> {
    pub(crate) row: &'a RowKeys,
    /// Its queries, as indices into the rows of the query matrix.
    pub(crate) queries: Range<usize>,
    /// The fed token of each query, as indices into the pass.
    pub(crate) tokens: &'a [usize],
}

/// What becomes of a head of queries or keys before its products.
#[derive(Clone, Copy)]
pub(crate) struct HeadTurn<'a> {
    pub(crate) rope: &'a Rope,
    /// What it is normed by first, if by anything.
    pub(crate) norm: Option<&'a Norm>,
    pub(crate) eps: f32,
}

impl HeadTurn<'_> {
    /// `to = rotate(norm(from)) * scale`, for fed token number `token`.
    pub(crate) fn place(&self, token: usize, from: &[f32], to: &mut [f32], scale: f32) {
        to.copy_from_slice(from);
        if let Some(norm) = self.norm {
            layers::rms_norm_in_place(to, &norm.weight, self.eps);
        }
        self.rope.turn_in_place(token, to, scale);
    }
}

/// Splits `rows` of a matrix into heads, `[heads, rows, dim]`; `place` copies or turns one head of one row.
pub(crate) fn split_heads(
    from: Columns<'_>,
    rows: Range<usize>,
    heads: usize,
    dim: usize,
    place: impl Fn(usize, &[f32], &mut [f32]) + Sync,
) -> Vec<f32> {
    let mut out = vec![0.0; heads * rows.len() * dim];
    let by_head = out.par_chunks_mut(rows.len() * dim).enumerate();
    by_head.for_each(|(head, out)| {
        for (row, out) in rows.clone().zip(out.chunks_exact_mut(dim)) {
            let start = row * from.width + from.first + head * dim;
            place(row, &from.data[start..start + dim], out);
        }
    });
    out
}

/// `softmax(q kᵀ / sqrt(dim)) v` for every query, `[queries, heads * dim]`; `queries` has that shape too, not yet turned.
/// `seen` are the keys and values that each span attends to.
pub(crate) fn attend(
    heads: Heads,
    spans: &[RowAttention<'_>],
    turn: HeadTurn<'_>,
    queries: Columns<'_>,
    seen: &[KeyValues],
) -> Result<Vec<f32>> {
    let mut out = vec![0.0; queries.data.len()];
    for (span, seen) in spans.iter().zip(seen) {
        if span.queries.is_empty() {
            continue;
        }
        for (head, first, part) in span_parts(heads, span, turn, queries, seen)? {
            scatter(heads, span, head, first, &part, &mut out)?;
        }
    }
    Ok(out)
}

/// The results of one span by key head and first stacked row.
fn span_parts(
    heads: Heads,
    span: &RowAttention<'_>,
    turn: HeadTurn<'_>,
    queries: Columns<'_>,
    seen: &KeyValues,
) -> Result<Vec<(usize, usize, Tensor)>> {
    let count = span.queries.len();
    let scale = 1.0 / (heads.dim as f32).sqrt();
    let place = |row: usize, from: &[f32], to: &mut [f32]| {
        let token = span.tokens[row - span.queries.start];
        turn.place(token, from, to, scale);
    };
    let turned = split_heads(
        queries,
        span.queries.clone(),
        heads.queries,
        heads.dim,
        place,
    );
    // Query heads that share a key head lie next to each other: one taller matrix.
    let stacked = heads.group() * count;
    let turned = Tensor::from_vec(turned, (heads.keys, stacked, heads.dim), &Device::Cpu)?;
    let tasks: Vec<(usize, usize)> = (0..heads.keys)
        .flat_map(|head| (0..stacked).step_by(TILE).map(move |first| (head, first)))
        .collect();
    let compute = |(head, first): (usize, usize)| {
        let rows = TILE.min(stacked - first);
        let (keys, values) = (seen.keys.get(head)?, seen.values.get(head)?);
        let scores = turned
            .get(head)?
            .narrow(0, first, rows)?
            .matmul(&keys.t()?)?;
        scores.inplace_op1(&Softmax { span, first })?;
        Ok((head, first, scores.matmul(&values)?))
    };
    tasks.into_par_iter().map(compute).collect()
}

/// Copies stacked rows of one key head to the columns of their query heads.
fn scatter(
    heads: Heads,
    span: &RowAttention<'_>,
    head: usize,
    first: usize,
    part: &Tensor,
    out: &mut [f32],
) -> Result<()> {
    let count = span.queries.len();
    with_slice(part, |part| {
        for (index, from) in part.chunks_exact(heads.dim).enumerate() {
            let (member, query) = ((first + index) / count, (first + index) % count);
            let row = (span.queries.start + query) * heads.queries * heads.dim;
            let column = (head * heads.group() + member) * heads.dim;
            out[row + column..][..heads.dim].copy_from_slice(from);
        }
    })
}

/// [`layers::softmax`] of a matrix of stacked rows from number `first` on, in place.
struct Softmax<'a> {
    span: &'a RowAttention<'a>,
    first: usize,
}

impl InplaceOp1 for Softmax<'_> {
    fn name(&self) -> &'static str {
        "softmax over visible keys"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let CpuStorage::F32(scores) = storage else {
            candle_core::bail!("scores are f32");
        };
        let (_, width) = layout.shape().dims2()?;
        let RowAttention { row, tokens, .. } = self.span;
        for (index, scores) in scores.chunks_exact_mut(width).enumerate() {
            let query = tokens[(self.first + index) % tokens.len()] - row.fed.start;
            match &row.visible {
                Visible::All => layers::softmax(scores, width),
                Visible::First(counts) => layers::softmax(scores, counts[query]),
                Visible::Bits(_) => layers::softmax_where(scores, |key| row.sees(query, key)),
            }
        }
        Ok(())
    }
}
