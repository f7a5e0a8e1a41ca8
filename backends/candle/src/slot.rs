//! Keys (rotated, since positions are absolute) and values of a layer: what a slot keeps of it, and what a pass adds.

use candle_core::{DType, Device, Result, Tensor};
use unmask_sdk::Cell;
use unmask_sdk::decoder::Heads;
use unmask_sdk::keys::RowKeys;

/// Keys and values, `[key heads, n, dim]` each: of a slot's cells, of fed tokens, or of what a row attends to.
pub(crate) struct KeyValues {
    pub(crate) keys: Tensor,
    pub(crate) values: Tensor,
}

impl KeyValues {
    /// Cells that nothing was written to; memory is taken when they are.
    pub(crate) fn cells(heads: Heads, cells: usize) -> Result<Self> {
        let shape = (heads.keys, cells, heads.dim);
        Ok(Self {
            keys: Tensor::zeros(shape, DType::F32, &Device::Cpu)?,
            values: Tensor::zeros(shape, DType::F32, &Device::Cpu)?,
        })
    }

    /// Writes what `fresh` has to `cells`, one a token, those without one left out.
    pub(crate) fn write(&self, cells: &[Cell], fresh: &Self) -> Result<()> {
        let kept = cells.iter().enumerate();
        let kept: Vec<(usize, usize)> = kept
            .filter_map(|(token, cell)| Some((token, cell.index()?)))
            .collect();
        for run in kept.chunk_by(|a, b| (a.0 + 1, a.1 + 1) == *b) {
            let (token, cell) = run[0];
            self.set(cell, &fresh.narrow(token, run.len())?)?;
        }
        Ok(())
    }

    /// Copies the first `count` of `from` to the same places here.
    pub(crate) fn take(&self, from: &Self, count: usize) -> Result<()> {
        if count == 0 {
            return Ok(());
        }
        self.set(0, &from.narrow(0, count)?)
    }

    /// Copies all of `from` to the places from number `first` on.
    fn set(&self, first: usize, from: &Self) -> Result<()> {
        self.keys.slice_set(&from.keys.contiguous()?, 1, first)?;
        self.values.slice_set(&from.values.contiguous()?, 1, first)
    }

    /// What `row` attends to, of these cells and its tokens' own; copied only if it is some of both.
    pub(crate) fn seen_by(&self, row: &RowKeys, fresh: &Self) -> Result<Self> {
        let Some(&first) = row.loose.first() else {
            return self.narrow(row.context.start, row.context.len());
        };
        if row.context.is_empty() {
            return fresh.narrow(first - row.fed.start, row.loose.len());
        }
        let context = self.narrow(row.context.start, row.context.len())?;
        let loose = row.loose.iter().map(|at| (at - row.fed.start) as u32);
        let loose = Tensor::from_iter(loose, &Device::Cpu)?;
        let join = |context: &Tensor, fresh: &Tensor| {
            Tensor::cat(&[context, &fresh.index_select(&loose, 1)?], 1)
        };
        Ok(Self {
            keys: join(&context.keys, &fresh.keys)?,
            values: join(&context.values, &fresh.values)?,
        })
    }

    /// A view of `count` of them from number `first` on.
    fn narrow(&self, first: usize, count: usize) -> Result<Self> {
        Ok(Self {
            keys: self.keys.narrow(1, first, count)?,
            values: self.values.narrow(1, first, count)?,
        })
    }
}
