//! What a pass computes in; kept from pass to pass.

use std::ops::Range;

use unmask_kernels::{Activations, Aligned, ExpertBuffers, Pool, RmsNorm};
use unmask_sdk::keys::RowKeys;
use unmask_sdk::rope::Rope;
use unmask_sdk::{BackendError, Pass};

use super::failed;
use crate::models::{Norm, Routes};

/// The buffers of a pass; after one of the same form nothing is allocated.
#[derive(Default)]
pub(super) struct Work {
    /// What each row of the pass attends to.
    pub(super) rows: Vec<RowKeys>,
    pub(super) spans: Vec<RowSpan>,
    /// Tokens and the cells, or numbers of loose keys, that theirs are written to.
    pub(super) places: Vec<(usize, usize)>,
    /// All fed tokens.
    pub(super) everyone: Vec<usize>,
    /// Those whose output is wanted.
    pub(super) wanted: Vec<usize>,
    pub(super) rope: Rope,
    pub(super) activations: Activations,
    /// The residual stream, `[tokens, width]`.
    pub(super) x: Aligned<f32>,
    /// Keys and values of the fed tokens, `[fed, 2 * key heads * dim]`.
    pub(super) kv: Aligned<f32>,
    /// Queries, then what they attended to, `[tokens, query heads * dim]`.
    pub(super) queries: Aligned<f32>,
    /// `[some tokens, width of the gated layer]`
    pub(super) hidden: Aligned<f32>,
    /// Keys and values of a row's loose tokens, as cells lie.
    pub(super) loose: Vec<u16>,
    /// What the activations were made of, where a router reads it, `[some tokens, width]`.
    pub(super) normed: Vec<f32>,
    pub(super) routes: Routes,
    pub(super) experts: ExpertBuffers,
}

/// A row of the pass: where in [`Work::places`] and [`Work::wanted`] its own are.
pub(super) struct RowSpan {
    pub(super) kept: Range<usize>,
    pub(super) loose: Range<usize>,
    pub(super) wanted: Range<usize>,
}

impl Work {
    /// Prepares for `pass`, whose rows are known.
    pub(super) fn begin(&mut self, pass: &Pass<'_>, frequencies: &[f32]) {
        self.rope.set(frequencies, pass.positions);
        self.everyone.clear();
        self.everyone.extend(0..pass.tokens.len());
        self.wanted.clear();
        self.wanted
            .extend(pass.wanted.iter().map(|at| *at as usize));
        self.places.clear();
        self.spans.clear();
        for row in &self.rows {
            let before = self.places.len();
            let fed = row.fed.clone();
            let cells = fed.clone().zip(&pass.cells[fed.clone()]);
            self.places
                .extend(cells.filter_map(|(token, cell)| Some((token, cell.index()?))));
            let between = self.places.len();
            self.places.extend(row.loose.iter().copied().zip(0..));
            let wanted = |end: usize| self.wanted.partition_point(|token| *token < end);
            self.spans.push(RowSpan {
                kept: before..between,
                loose: between..self.places.len(),
                wanted: wanted(fed.start)..wanted(fed.end),
            });
        }
    }

    /// Makes activations of the normed rows `rows` of the residual stream.
    pub(super) fn normalise(
        &mut self,
        pool: &Pool,
        norm: &Norm,
        eps: f32,
        rows: Range<usize>,
    ) -> Result<(), BackendError> {
        let width = norm.weight.len();
        let norm = kernel(norm, eps);
        let x = &self.x[rows.start * width..rows.end * width];
        let normed =
            |row: usize, to: &mut [f32]| norm.row(pool.set(), &x[row * width..][..width], to);
        let made = self
            .activations
            .quantise_rows(pool, rows.len(), width, normed);
        made.map_err(failed)
    }

    /// As [`normalise`](Self::normalise), and leaves the rows themselves in [`normed`](Self::normed).
    pub(super) fn normalise_and_keep(
        &mut self,
        pool: &Pool,
        norm: &Norm,
        eps: f32,
        rows: Range<usize>,
    ) -> Result<(), BackendError> {
        let width = norm.weight.len();
        let norm = kernel(norm, eps);
        let x = &self.x[rows.start * width..rows.end * width];
        self.normed.resize(x.len(), 0.0);
        let put = |row: usize, to: &mut [f32]| norm.row(pool.set(), &x[row * width..][..width], to);
        pool.for_each_chunk(&mut self.normed, width, put)
            .map_err(failed)?;
        let made = self
            .activations
            .quantise(pool, &self.normed, rows.len(), width);
        made.map_err(failed)
    }

    /// Leaves of the residual stream, rows of `width`, those of the wanted tokens.
    pub(super) fn gather_wanted(&mut self, width: usize) {
        // They ascend, so none is overwritten before it is moved.
        for (to, from) in self.wanted.iter().enumerate() {
            self.x
                .copy_within(from * width..(from + 1) * width, to * width);
        }
        self.x.resize(self.wanted.len() * width);
    }
}

fn kernel(norm: &Norm, eps: f32) -> RmsNorm<'_> {
    RmsNorm {
        weight: &norm.weight,
        bias: norm.bias.as_deref(),
        eps,
    }
}
