//! A session's K/V caches: keys (rotated, since positions are absolute) and values of every layer, by slot.

use mlx_rs::error::Result;
use mlx_rs::ops::indexing::{TryIndexMutOp, scatter_single};
use mlx_rs::{Array, Dtype, Stream, ops, transforms};
use unmask_sdk::decoder::Heads;
use unmask_sdk::keys::RowKeys;
use unmask_sdk::{Pass, SessionSpec};

use crate::attention::picked;
use crate::store::width;

/// What decides how large a cache is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CacheSizes {
    pub(crate) layers: usize,
    pub(crate) heads: Heads,
    pub(crate) dtype: Dtype,
}

impl CacheSizes {
    /// Bytes of one cell of one slot, all layers together.
    pub(crate) fn cell_bytes(self) -> u64 {
        self.heads.cell_bytes(self.layers, width(self.dtype))
    }

    /// `[cells, key heads, dim]` of zeros.
    fn zeros(self, cells: u32) -> Result<Array> {
        let Heads { keys, dim, .. } = self.heads;
        ops::zeros_dtype(&[cells as i32, keys as i32, dim as i32], self.dtype)
    }

    /// A slot of zeros; no layers if it has no cells.
    fn slot(self, cells: u32) -> Result<Vec<LayerCache>> {
        let layers = if cells == 0 { 0 } else { self.layers };
        let layer = |_| LayerCache::new([self.zeros(cells)?, self.zeros(cells)?]);
        (0..layers).map(layer).collect()
    }

    /// The slots of a new session.
    pub(crate) fn slots(self, spec: SessionSpec) -> Result<Vec<Vec<LayerCache>>> {
        (0..spec.slots).map(|_| self.slot(spec.cells)).collect()
    }

    /// The same slots with room for `more` cells each behind the `before` that there are.
    pub(crate) fn longer(
        self,
        slots: &[Vec<LayerCache>],
        before: u32,
        more: u32,
    ) -> Result<Vec<Vec<LayerCache>>> {
        if before == 0 {
            return slots.iter().map(|_| self.slot(more)).collect();
        }
        let part = |part: &Array| ops::concatenate(&[part, &self.zeros(more)?], 0);
        let layer =
            |layer: &LayerCache| LayerCache::new([part(&layer.parts[0])?, part(&layer.parts[1])?]);
        let slot = |slot: &Vec<LayerCache>| slot.iter().map(layer).collect();
        slots.iter().map(slot).collect()
    }
}

/// Keys and values of one layer, `[cells, key heads, dim]` each: cells first, so that a pass's keys are rows of it. A clone
/// shares its memory until one of both is written.
#[derive(Clone)]
pub(crate) struct LayerCache {
    pub(crate) parts: [Array; 2],
}

impl LayerCache {
    fn new(parts: [Array; 2]) -> Result<Self> {
        transforms::eval(&parts)?;
        Ok(Self { parts })
    }
}

/// What a row of a pass writes to its slot.
pub(crate) struct Written {
    pub(crate) slot: usize,
    /// As ascending indices into the pass.
    tokens: Vec<usize>,
    /// Ascending.
    cells: Vec<i32>,
}

impl Written {
    /// Of every row that writes anything.
    pub(crate) fn of(pass: &Pass<'_>, rows: &[RowKeys]) -> Vec<Self> {
        let written = rows.iter().map(|row| {
            let cell = |at: usize| Some((at, pass.cells[at].index()? as i32));
            let (tokens, cells) = row.fed.clone().filter_map(cell).unzip();
            Self {
                slot: row.slot,
                tokens,
                cells,
            }
        });
        written.filter(|row| !row.tokens.is_empty()).collect()
    }

    /// Stores the row's share of fresh keys and values, `[fed, key heads, dim]` each.
    pub(crate) fn store(&self, cache: &mut LayerCache, fresh: &[Array; 2]) -> Result<()> {
        let stream = Stream::thread_local_or_default();
        let (first, count) = (self.cells[0], self.cells.len() as i32);
        let is_run = self.cells.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        for (cache, fresh) in cache.parts.iter_mut().zip(fresh) {
            let own = picked(fresh, &self.tokens)?;
            if is_run {
                // In place, unless another slot shares it, since nobody else holds the cache when this is computed.
                cache.try_index_mut_device(first..first + count, &own, &stream)?;
            } else {
                let cells = Array::from_slice(&self.cells, &[count]);
                *cache = scatter_single(&*cache, cells, own.expand_dims(1)?, 0)?;
            }
        }
        Ok(())
    }
}
