//! Slices that the threads of a pool write, each its own part.

use std::ops::Range;

use crate::aligned::Shared;
use crate::{Error, Pool};

/// Some rows of some columns of a row-major matrix, written by one thread.
pub struct TileMut<'a> {
    matrix: &'a Shared<'a, f32>,
    width: usize,
    rows: Range<usize>,
    columns: Range<usize>,
}

impl TileMut<'_> {
    /// Which rows of the matrix these are.
    #[must_use]
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// The tile's columns of row number `row` of the tile.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row_mut(&mut self, row: usize) -> &mut [f32] {
        assert!(row < self.rows.len(), "a row of the tile");
        let first = (self.rows.start + row) * self.width + self.columns.start;
        // SAFETY: tiles do not overlap, each is one thread's, and `self` is borrowed while the part is.
        unsafe { self.matrix.part(first, self.columns.len()) }
    }
}

impl Pool {
    /// Calls `work` with every chunk of `chunk` elements of `slice` and its number, on all threads.
    ///
    /// # Errors
    /// [`Error::Size`] if `chunk` is 0 or `slice` is not made of whole chunks.
    pub fn for_each_chunk<T: Send>(
        &self,
        slice: &mut [T],
        chunk: usize,
        work: impl Fn(usize, &mut [T]) + Sync,
    ) -> Result<(), Error> {
        if chunk == 0 || !slice.len().is_multiple_of(chunk) {
            return Err(Error::Size("a chunk"));
        }
        let count = slice.len() / chunk;
        let shared = Shared::new(slice);
        self.run(count, |index| {
            // SAFETY: a run calls each index once, and chunks do not overlap.
            work(index, unsafe { shared.part(index * chunk, chunk) });
        });
        Ok(())
    }

    /// Calls `work` with every tile of `matrix`, whose rows are `width` long: up to `height` rows by `columns` columns, with the
    /// number of its columns' stretch, on all threads.
    ///
    /// # Errors
    /// [`Error::Size`] unless `matrix` is whole rows and a row whole stretches of columns.
    pub fn for_each_tile(
        &self,
        matrix: &mut [f32],
        width: usize,
        (height, columns): (usize, usize),
        work: impl Fn(usize, TileMut<'_>) + Sync,
    ) -> Result<(), Error> {
        let is_whole = width > 0
            && matrix.len().is_multiple_of(width)
            && height > 0
            && columns > 0
            && width.is_multiple_of(columns);
        if !is_whole {
            return Err(Error::Size("a tile"));
        }
        let (rows, across) = (matrix.len() / width, width / columns);
        let shared = Shared::new(matrix);
        self.run(rows.div_ceil(height) * across, |index| {
            let (down, stretch) = (index / across * height, index % across);
            let tile = TileMut {
                matrix: &shared,
                width,
                rows: down..(down + height).min(rows),
                columns: stretch * columns..(stretch + 1) * columns,
            };
            work(stretch, tile);
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    #[test]
    fn every_chunk_and_tile_is_somebodys_once() {
        for threads in [1, 3] {
            let pool = Pool::new(NonZeroUsize::new(threads).expect("some")).expect("a pool");
            let mut numbers = [0_u16; 12];
            let count = |index: usize, chunk: &mut [u16]| {
                chunk.iter_mut().for_each(|it| *it += index as u16 + 1);
            };
            pool.for_each_chunk(&mut numbers, 4, count)
                .expect("3 chunks");
            assert_eq!(numbers, [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
            assert!(pool.for_each_chunk(&mut numbers, 5, count).is_err());

            // Five rows of six columns in tiles of two by three.
            let mut matrix = [0.0; 30];
            let mark = |stretch: usize, mut tile: TileMut<'_>| {
                for (row, of) in tile.rows().enumerate() {
                    let part = tile.row_mut(row);
                    part.iter_mut()
                        .for_each(|it| *it += (10 * stretch + of) as f32);
                }
            };
            pool.for_each_tile(&mut matrix, 6, (2, 3), mark)
                .expect("whole tiles");
            let right: Vec<f32> = (0..30)
                .map(|at| (10 * (at % 6 / 3) + at / 6) as f32)
                .collect();
            assert_eq!(matrix[..], right);
            assert!(pool.for_each_tile(&mut matrix, 6, (2, 4), mark).is_err());
            assert!(pool.for_each_tile(&mut matrix, 7, (2, 7), mark).is_err());
        }
    }
}
