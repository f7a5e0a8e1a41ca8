//! Keys (turned, since positions are absolute) and values in 16 bits, in blocks of 64 cells.

use unmask_kernels::{BLOCK, KeyBlock, Pool};
use unmask_sdk::BackendError;
use unmask_sdk::decoder::Heads;

use super::failed;
use crate::models::Sizes;

/// How cells of a network lie: `[blocks, key heads, numbers of a block]` a layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct CellForm {
    pub(super) heads: Heads,
    pub(super) layers: usize,
    pub(super) block: KeyBlock,
}

impl CellForm {
    pub(super) fn of(sizes: Sizes) -> Self {
        Self {
            heads: sizes.heads,
            layers: sizes.layers,
            block: KeyBlock::new(sizes.heads.dim),
        }
    }

    /// Bytes of a cell of all layers.
    pub(super) fn cell_bytes(self) -> u64 {
        (self.layers * self.block_numbers() / BLOCK * size_of::<u16>()) as u64
    }

    /// Numbers of a block of all heads of a layer.
    fn block_numbers(self) -> usize {
        self.heads.keys * self.block.numbers()
    }

    /// Numbers of `cells` cells of a layer, in whole blocks.
    pub(super) fn numbers(self, cells: usize) -> usize {
        cells.div_ceil(BLOCK) * self.block_numbers()
    }

    /// Head `head` of block `block`.
    pub(super) fn head(self, cells: &[u16], block: usize, head: usize) -> &[u16] {
        let numbers = self.block.numbers();
        &cells[(block * self.heads.keys + head) * numbers..][..numbers]
    }

    /// Writes to `cells` at `places`, pairs of a token and a cell, both ascending, what `kv` has of the tokens: a row each, keys
    /// of all heads and then values.
    pub(super) fn write(
        self,
        pool: &Pool,
        cells: &mut [u16],
        places: &[(usize, usize)],
        kv: &[f32],
    ) -> Result<(), BackendError> {
        let (Some((_, first)), Some((_, last))) = (places.first(), places.last()) else {
            return Ok(());
        };
        let (first, last) = (first / BLOCK, last / BLOCK);
        let heads = self.heads.keys;
        let whole = self.block_numbers();
        let cells = &mut cells[first * whole..(last + 1) * whole];
        let half = heads * self.heads.dim;
        let put = |chunk: usize, numbers: &mut [u16]| {
            let (block, head) = (first + chunk / heads, chunk % heads);
            let from = places.partition_point(|(_, cell)| *cell < block * BLOCK);
            let here = places[from..].iter();
            for (token, cell) in here.take_while(|(_, cell)| *cell < (block + 1) * BLOCK) {
                let row = &kv[token * 2 * half..][..2 * half];
                let columns = head * self.heads.dim..(head + 1) * self.heads.dim;
                let (key, value) = (&row[..half][columns.clone()], &row[half..][columns]);
                self.block
                    .put(pool.set(), numbers, cell % BLOCK, key, value);
            }
        };
        pool.for_each_chunk(cells, self.block.numbers(), put)
            .map_err(failed)
    }
}

/// The cells of a slot.
pub(super) struct Cells {
    layers: Vec<Vec<u16>>,
}

impl Cells {
    /// Cells that nothing was written to; memory is taken when they are.
    pub(super) fn new(form: CellForm, cells: usize) -> Self {
        let layer = |_| vec![0; form.numbers(cells)];
        Self {
            layers: (0..form.layers).map(layer).collect(),
        }
    }

    pub(super) fn layer(&mut self, layer: usize) -> &mut [u16] {
        &mut self.layers[layer]
    }

    /// Copies the first `cells` of `from`, in whole blocks, to the same places here.
    pub(super) fn take(&mut self, form: CellForm, from: &Self, cells: usize) {
        let numbers = form.numbers(cells);
        for (to, from) in self.layers.iter_mut().zip(&from.layers) {
            to[..numbers].copy_from_slice(&from[..numbers]);
        }
    }
}
