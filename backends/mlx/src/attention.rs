//! Attention of a ragged batch over its cache slots, row by row.

use std::ops::Range;

use mlx_rs::error::Result;
use mlx_rs::fast::{self, ScaledDotProductAttentionMask};
use mlx_rs::ops::indexing::TryIndexOp;
use mlx_rs::{Array, Stream, ops};
use unmask_sdk::llada::Heads;
use unmask_sdk::{Attention, Pass, Position, Row};

use crate::slot::LayerCache;

/// One batch row's share of a layer's work.
pub(crate) struct Span<'a> {
    /// Its fed tokens, as indices into the pass.
    pub(crate) fed: Range<usize>,
    /// Where its fed tokens stand.
    pub(crate) positions: &'a [Position],
    /// Its queries, as indices into the rows of the query matrix.
    pub(crate) queries: Range<usize>,
    /// The fed token of each query.
    tokens: &'a [u32],
    /// Positions attended to.
    attend: Range<usize>,
    /// Which cache slot.
    pub(crate) slot: usize,
}

/// Every row of the pass, with its share of `tokens`, the fed tokens that leave the layer.
pub(crate) fn spans<'a>(pass: &Pass<'a>, tokens: &'a [u32]) -> Vec<Span<'a>> {
    let mut first = 0;
    let span = |row: &Row| {
        let fed = first..first + row.fed as usize;
        first = fed.end;
        let start = tokens.partition_point(|token| (*token as usize) < fed.start);
        let end = tokens.partition_point(|token| (*token as usize) < fed.end);
        Span {
            positions: &pass.positions[fed.clone()],
            fed,
            queries: start..end,
            tokens: &tokens[start..end],
            attend: row.attend.start as usize..row.attend.end as usize,
            slot: row.slot as usize,
        }
    };
    pass.rows.iter().map(span).collect()
}

/// `softmax(q kᵀ / sqrt(dim)) v` for every query, `[queries, heads * dim]`; `queries` are turned and
/// `[queries, heads, dim]`.
pub(crate) fn attend(
    heads: Heads,
    attention: Attention,
    spans: &[Span<'_>],
    queries: &Array,
    caches: &[&LayerCache],
) -> Result<Array> {
    let scale = 1.0 / (heads.dim as f32).sqrt();
    let attend = |span: &Span<'_>| {
        let own = rows(queries, &span.queries)?;
        let own = own.transpose_axes(&[1, 0, 2])?.expand_dims(0)?;
        let (keys, values) = caches[span.slot].read(&span.attend)?;
        let mask = span.mask(attention);
        // Left padding and context are the ends of what is read, so that only blocks need a mask.
        let mask = mask.as_ref().map(ScaledDotProductAttentionMask::Array);
        let out = fast::scaled_dot_product_attention(own, keys, values, scale, mask, None)?;
        let width = (heads.queries * heads.dim) as i32;
        out.squeeze_axes(&[0])?
            .transpose_axes(&[1, 0, 2])?
            .reshape(&[-1, width])
    };
    let asked = spans.iter().filter(|span| !span.queries.is_empty());
    let mut parts: Vec<Array> = asked.map(attend).collect::<Result<_>>()?;
    match parts.len() {
        1 => Ok(parts.remove(0)),
        _ => ops::concatenate(&parts, 0),
    }
}

impl Span<'_> {
    /// True where a query sees a position, `[queries, attended]`; `None` if every query sees all.
    fn mask(&self, attention: Attention) -> Option<Array> {
        let block = match attention {
            Attention::Bidirectional => return None,
            Attention::BlockCausal(block) => block.get() as usize,
        };
        let sees = |token: &u32| {
            let at = self.positions[*token as usize - self.fed.start].index();
            let end = (at / block + 1) * block;
            self.attend.clone().map(move |position| position < end)
        };
        let mask: Vec<bool> = self.tokens.iter().flat_map(sees).collect();
        let shape = [self.tokens.len() as i32, self.attend.len() as i32];
        Some(Array::from_slice(&mask, &shape))
    }
}

/// Rows `range` of `all`, which is itself if they are all.
pub(crate) fn rows(all: &Array, range: &Range<usize>) -> Result<Array> {
    if *range == (0..all.shape()[0] as usize) {
        return Ok(all.clone());
    }
    let stream = Stream::thread_local_or_default();
    all.try_index_device(range.start as i32..range.end as i32, stream)
}
