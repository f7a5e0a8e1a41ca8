//! One row's K/V cache: keys (rotated, since positions are absolute) and values of every layer.

use std::ops::Range;

use candle_core::{DType, Device, Result, Tensor};
use unmask_sdk::Position;
use unmask_sdk::llada::Heads;

/// Keys and values of one layer, `[key heads, capacity, dim]` each.
pub(crate) struct LayerCache {
    keys: Tensor,
    values: Tensor,
}

impl LayerCache {
    pub(crate) fn new(heads: Heads, capacity: usize) -> Result<Self> {
        let shape = (heads.keys, capacity, heads.dim);
        Ok(Self {
            keys: Tensor::zeros(shape, DType::F32, &Device::Cpu)?,
            values: Tensor::zeros(shape, DType::F32, &Device::Cpu)?,
        })
    }

    /// Stores keys and values, `[key heads, positions, dim]` each.
    pub(crate) fn write(
        &mut self,
        heads: Heads,
        positions: &[Position],
        keys: Vec<f32>,
        values: Vec<f32>,
    ) -> Result<()> {
        let shape = (heads.keys, positions.len(), heads.dim);
        let keys = Tensor::from_vec(keys, shape, &Device::Cpu)?;
        let values = Tensor::from_vec(values, shape, &Device::Cpu)?;
        let mut first = 0;
        for run in positions.chunk_by(|a, b| a.0 + 1 == b.0) {
            for (to, from) in [(&self.keys, &keys), (&self.values, &values)] {
                let part = from.narrow(1, first, run.len())?.contiguous()?;
                to.slice_set(&part, 1, run[0].index())?;
            }
            first += run.len();
        }
        Ok(())
    }

    /// Views of one head's keys and values at `positions`, `[positions, dim]` each.
    pub(crate) fn read(&self, head: usize, positions: &Range<usize>) -> Result<(Tensor, Tensor)> {
        let view = |all: &Tensor| all.get(head)?.narrow(0, positions.start, positions.len());
        Ok((view(&self.keys)?, view(&self.values)?))
    }
}
