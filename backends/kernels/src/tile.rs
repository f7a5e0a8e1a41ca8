//! Small products of f32 matrices that lie in a cache.

use crate::vector::Vector;

/// `c = a b`, all row-major and without gaps.
pub(crate) struct Product<'a> {
    /// `[rows, middle]`
    pub(crate) a: &'a [f32],
    /// `[middle, columns]`
    pub(crate) b: &'a [f32],
    /// `[rows, columns]`
    pub(crate) c: &'a mut [f32],
    pub(crate) rows: usize,
    pub(crate) middle: usize,
    /// A multiple of 16.
    pub(crate) columns: usize,
}

/// Rows of a tile at most.
const TALL: usize = 6;

impl Product<'_> {
    /// Computes it, on top of what `c` holds if `ADD`. A number's sum is in the order of the middle, whatever its tile is.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    ///
    /// # Panics
    /// If the slices have not the lengths that the sizes say.
    #[inline(always)]
    pub(crate) unsafe fn run<V: Vector, const ADD: bool>(self) {
        let Self {
            rows,
            middle,
            columns,
            ..
        } = self;
        let fits = self.a.len() == rows * middle
            && self.b.len() == middle * columns
            && self.c.len() == rows * columns
            && columns.is_multiple_of(16);
        assert!(fits, "matrices of these sizes");
        let (a, b, c) = (self.a.as_ptr(), self.b.as_ptr(), self.c.as_mut_ptr());
        let step = V::TILE * V::LANES;
        let whole = columns / step * step;
        for row in (0..rows).step_by(TALL) {
            let height = TALL.min(rows - row);
            let mut at = 0;
            while at < columns {
                let tile = Tile {
                    // SAFETY: a row and a column of the matrices, by the test above.
                    a: unsafe { a.add(row * middle) },
                    // SAFETY: as above.
                    b: unsafe { b.add(at) },
                    // SAFETY: as above.
                    c: unsafe { c.add(row * columns + at) },
                    middle,
                    columns,
                };
                // SAFETY: the tile's rows and columns lie within the matrices; a vector is no wider than 16.
                unsafe {
                    if at < whole {
                        tile.any::<V, ADD>(height);
                        at += step;
                    } else {
                        tile.narrow::<V, ADD>(height);
                        at += V::LANES;
                    }
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Tile {
    a: *const f32,
    b: *const f32,
    c: *mut f32,
    middle: usize,
    columns: usize,
}

impl Tile {
    /// # Safety
    /// As [`of`](Self::of) with `V::TILE` vectors a row.
    #[inline(always)]
    unsafe fn any<V: Vector, const ADD: bool>(self, height: usize) {
        // SAFETY: promised by the caller.
        unsafe {
            match V::TILE {
                4 => self.high::<V, 4, ADD>(height),
                _ => self.high::<V, 2, ADD>(height),
            }
        }
    }

    /// # Safety
    /// As [`of`](Self::of) with one vector a row.
    #[inline(always)]
    unsafe fn narrow<V: Vector, const ADD: bool>(self, height: usize) {
        // SAFETY: promised by the caller.
        unsafe { self.high::<V, 1, ADD>(height) }
    }

    #[inline(always)]
    unsafe fn high<V: Vector, const N: usize, const ADD: bool>(self, height: usize) {
        // SAFETY: promised by the caller.
        unsafe {
            match height {
                1 => self.of::<V, 1, N, ADD>(),
                2 => self.of::<V, 2, N, ADD>(),
                3 => self.of::<V, 3, N, ADD>(),
                4 => self.of::<V, 4, N, ADD>(),
                5 => self.of::<V, 5, N, ADD>(),
                _ => self.of::<V, TALL, N, ADD>(),
            }
        }
    }

    /// `R` rows of `N` vectors.
    ///
    /// # Safety
    /// The processor has the instructions of `V`; the rows and columns are within the matrices.
    #[inline(always)]
    unsafe fn of<V: Vector, const R: usize, const N: usize, const ADD: bool>(self) {
        let Self {
            a,
            b,
            c,
            middle,
            columns,
        } = self;
        // SAFETY: promised by the caller: all that is read and written is within the matrices.
        unsafe {
            let mut sums = [[V::splat(0.0); N]; R];
            if ADD {
                for (row, sums) in sums.iter_mut().enumerate() {
                    for (at, sum) in sums.iter_mut().enumerate() {
                        *sum = V::load(c.add(row * columns + at * V::LANES));
                    }
                }
            }
            for k in 0..middle {
                let mut right = [V::splat(0.0); N];
                for (at, right) in right.iter_mut().enumerate() {
                    *right = V::load(b.add(k * columns + at * V::LANES));
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let left = V::splat(*a.add(row * middle + k));
                    for (sum, right) in sums.iter_mut().zip(right) {
                        *sum = sum.add_product(left, right);
                    }
                }
            }
            for (row, sums) in sums.iter().enumerate() {
                for (at, sum) in sums.iter().enumerate() {
                    sum.store(c.add(row * columns + at * V::LANES));
                }
            }
        }
    }
}
