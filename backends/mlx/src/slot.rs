//! One row's K/V cache: keys (rotated, since positions are absolute) and values of every layer.

use std::ops::Range;

use mlx_rs::error::Result;
use mlx_rs::ops::indexing::{TryIndexMutOp, TryIndexOp, scatter_single};
use mlx_rs::{Array, Dtype, Stream, ops};
use unmask_sdk::llada::Heads;
use unmask_sdk::{Position, SessionSpec};

/// What decides how large a cache is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CacheSizes {
    pub(crate) layers: usize,
    pub(crate) heads: Heads,
    pub(crate) dtype: Dtype,
}

impl CacheSizes {
    /// Bytes of the caches that a session of this size holds.
    pub(crate) fn bytes(self, session: SessionSpec) -> u64 {
        // The SDK counts in f32.
        let whole = self.heads.cache_bytes(self.layers, session);
        match self.dtype {
            Dtype::Float16 | Dtype::Bfloat16 => whole / 2,
            _ => whole,
        }
    }
}

/// Keys and values of one layer, `[capacity, key heads, dim]` each: positions first, so that a pass's keys are rows of it.
pub(crate) struct LayerCache {
    keys: Array,
    values: Array,
}

impl LayerCache {
    pub(crate) fn new(sizes: CacheSizes, capacity: u32) -> Result<Self> {
        let Heads { keys, dim, .. } = sizes.heads;
        let shape = [capacity as i32, keys as i32, dim as i32];
        let cache = Self {
            keys: ops::zeros_dtype(&shape, sizes.dtype)?,
            values: ops::zeros_dtype(&shape, sizes.dtype)?,
        };
        mlx_rs::transforms::eval(cache.arrays())?;
        Ok(cache)
    }

    /// Stores keys and values, `[positions, key heads, dim]` each.
    pub(crate) fn write(
        &mut self,
        positions: &[Position],
        keys: &Array,
        values: &Array,
    ) -> Result<()> {
        let first = positions[0].0 as i32;
        let count = positions.len() as i32;
        let stream = Stream::thread_local_or_default();
        let is_run = positions.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0);
        for (cache, new) in [(&mut self.keys, keys), (&mut self.values, values)] {
            if is_run {
                // In place, since nobody else holds the cache when this is computed.
                cache.try_index_mut_device(first..first + count, new, &stream)?;
            } else {
                let places: Vec<i32> = positions.iter().map(|at| at.0 as i32).collect();
                let places = Array::from_slice(&places, &[count]);
                *cache = scatter_single(&*cache, places, new.expand_dims(1)?, 0)?;
            }
        }
        Ok(())
    }

    /// Keys and values at `positions`, `[1, key heads, positions, dim]` each.
    pub(crate) fn read(&self, positions: &Range<usize>) -> Result<(Array, Array)> {
        let stream = Stream::thread_local_or_default();
        let range = positions.start as i32..positions.end as i32;
        let view = |all: &Array| {
            let rows = all.try_index_device(range.clone(), &stream)?;
            rows.transpose_axes(&[1, 0, 2])?.expand_dims(0)
        };
        Ok((view(&self.keys)?, view(&self.values)?))
    }

    /// What a pass has to compute of it.
    pub(crate) fn arrays(&self) -> [&Array; 2] {
        [&self.keys, &self.values]
    }
}
