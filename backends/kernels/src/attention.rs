//! Softmax attention of some queries over blocks of 64 keys, one block after the other.
//!
//! Between blocks a row keeps its greatest score, the sum of its exponentials and its mixture of values (arXiv:2112.05682),
//! so that nothing is ever as large as queries times keys. A row's result depends neither on the other rows nor on threads, as
//! long as values are finite: a NaN that one row of a call sees reaches all.

use std::cell::RefCell;

use crate::InstructionSet;
use crate::aligned::Aligned;
use crate::epilogue::exp;
use crate::rows::Narrow;
use crate::tile::Product;
use crate::vector::{Vector, Work, dispatch};

/// Keys of a block.
pub const BLOCK: usize = 64;
/// Values of a key are kept in a multiple of this many numbers.
const VALUES: usize = 16;

/// How the keys and values of one head lie in a block: as f16, `[dim][64 keys]`, then `[64 keys][dim]`, the latter filled up
/// with zeros to a multiple of 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyBlock {
    dim: usize,
}

impl KeyBlock {
    /// Of heads of `dim` numbers.
    ///
    /// # Panics
    /// If they are more than 2^20.
    #[must_use]
    pub fn new(dim: usize) -> Self {
        assert!(dim <= 1 << 20, "a head of {dim} numbers");
        Self { dim }
    }

    /// Numbers that the values of a key take.
    fn wide(self) -> usize {
        self.dim.next_multiple_of(VALUES)
    }

    /// Numbers of a block.
    #[must_use]
    pub fn numbers(self) -> usize {
        BLOCK * (self.dim + self.wide())
    }

    /// Writes the key and the value of a head, `[dim]` each, to place `at` of `block`; what is beyond 65504 becomes that.
    ///
    /// # Panics
    /// If a slice has another length, or `at` is beyond the block.
    pub fn put(
        self,
        set: InstructionSet,
        block: &mut [u16],
        at: usize,
        key: &[f32],
        value: &[f32],
    ) {
        assert!(
            block.len() == self.numbers() && at < BLOCK,
            "a place of a block"
        );
        assert!(key.len() == self.dim && value.len() == self.dim, "a head");
        let (keys, values) = block.split_at_mut(BLOCK * self.dim);
        let values = &mut values[at * self.wide()..][..self.dim];
        dispatch(
            set,
            Narrow {
                from: value,
                to: values,
            },
        );
        let mut short = [0; 512];
        for (part, keys) in key
            .chunks(short.len())
            .zip(keys.chunks_mut(short.len() * BLOCK))
        {
            let short = &mut short[..part.len()];
            dispatch(
                set,
                Narrow {
                    from: part,
                    to: short,
                },
            );
            for (bits, keys) in short.iter().zip(keys.chunks_exact_mut(BLOCK)) {
                keys[at] = *bits;
            }
        }
    }
}

thread_local! {
    static ROOM: RefCell<Option<BlockAttention>> = const { RefCell::new(None) };
}

/// Calls `work` with this thread's room for attention; within another such call, with a fresh one.
pub fn with_attention<R>(set: InstructionSet, work: impl FnOnce(&mut BlockAttention) -> R) -> R {
    ROOM.with(|room| match room.try_borrow_mut() {
        Ok(mut room) => {
            let room = room.get_or_insert_with(|| BlockAttention::new(set));
            room.set = set;
            work(room)
        }
        Err(_) => work(&mut BlockAttention::new(set)),
    })
}

/// The rows of queries that are being computed, and room for it, to be kept for the next ones.
#[derive(Debug)]
pub struct BlockAttention {
    set: InstructionSet,
    form: KeyBlock,
    rows: usize,
    /// `[rows, dim]`
    queries: Aligned<f32>,
    /// `[rows, 64]`
    scores: Aligned<f32>,
    /// `[dim, 64]`, of the block in hand.
    keys: Aligned<f32>,
    /// `[64, wide]`, of the block in hand.
    values: Aligned<f32>,
    /// `[rows, wide]`: mixtures of values, by exponentials of the scores less the greatest so far.
    mixed: Aligned<f32>,
    /// `[rows]`: the greatest score so far.
    peaks: Aligned<f32>,
    /// `[rows]`: sums of those exponentials.
    sums: Aligned<f32>,
    /// `[rows]`: bits of the keys of the next block that each row sees.
    seen: Vec<u64>,
}

impl BlockAttention {
    fn new(set: InstructionSet) -> Self {
        Self {
            set,
            form: KeyBlock::new(0),
            rows: 0,
            queries: Aligned::default(),
            scores: Aligned::default(),
            keys: Aligned::default(),
            values: Aligned::default(),
            mixed: Aligned::default(),
            peaks: Aligned::default(),
            sums: Aligned::default(),
            seen: Vec::new(),
        }
    }

    /// Begins anew with `rows` queries of `form`'s width, to be written to what is returned, `[rows, dim]`, scaled; they see
    /// nothing yet.
    ///
    /// # Panics
    /// If they are more than 2^32.
    pub fn begin(&mut self, form: KeyBlock, rows: usize) -> &mut [f32] {
        // With the bound of a head no size below can overflow.
        assert!(u32::try_from(rows).is_ok(), "{rows} queries");
        (self.form, self.rows) = (form, rows);
        self.queries.resize(rows * form.dim);
        self.scores.resize(rows * BLOCK);
        self.keys.resize(form.dim * BLOCK);
        self.values.resize(form.wide() * BLOCK);
        self.mixed.resize(rows * form.wide());
        self.peaks.resize(rows);
        self.sums.resize(rows);
        self.seen.clear();
        self.seen.resize(rows, 0);
        self.mixed.fill(0.0);
        self.peaks.fill(f32::NEG_INFINITY);
        self.sums.fill(0.0);
        &mut self.queries
    }

    /// Which keys of the next block each row sees, `[rows]`: a bit a key, lowest first.
    pub fn seen(&mut self) -> &mut [u64] {
        &mut self.seen
    }

    /// Attends to what is seen of `block`.
    ///
    /// # Panics
    /// If `block` has another form.
    pub fn add(&mut self, block: &[u16]) {
        assert_eq!(block.len(), self.form.numbers(), "a block of the form");
        if self.seen.iter().any(|word| *word != 0) {
            dispatch(self.set, Add { it: self, block });
        }
    }

    /// Writes what row `row` attended to, `[dim]`; zeros if it saw nothing.
    ///
    /// # Panics
    /// If `to` has another length.
    pub fn result(&self, row: usize, to: &mut [f32]) {
        assert_eq!(to.len(), self.form.dim, "a head");
        let (wide, sum) = (self.form.wide(), self.sums[row]);
        let scale = if sum > 0.0 { 1.0 / sum } else { 0.0 };
        for (to, mixed) in to.iter_mut().zip(&self.mixed[row * wide..][..wide]) {
            *to = mixed * scale;
        }
    }
}

/// One block's share.
struct Add<'a> {
    it: &'a mut BlockAttention,
    block: &'a [u16],
}

impl Work for Add<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Self { it, block } = self;
        let (dim, wide, rows) = (it.form.dim, it.form.wide(), it.rows);
        let (keys, values) = block.split_at(BLOCK * dim);
        // SAFETY: the instructions are there, as the caller promises; slices are of one length.
        unsafe { widen::<V>(keys, &mut it.keys) };
        // SAFETY: as above.
        unsafe { widen::<V>(values, &mut it.values) };
        let any = it.seen.iter().fold(0, |any, word| any | word);
        // What nobody sees may be anything, and a NaN times 0 is one.
        for key in (0..BLOCK).filter(|key| any >> key & 1 == 0) {
            it.values[key * wide..][..wide].fill(0.0);
        }
        let scores = Product {
            a: &it.queries,
            b: &it.keys,
            c: &mut it.scores,
            rows,
            middle: dim,
            columns: BLOCK,
        };
        // SAFETY: as above.
        unsafe { scores.run::<V, false>() };
        let (scores, _) = it.scores.as_chunks_mut::<BLOCK>();
        for (row, (scores, seen)) in scores.iter_mut().zip(&it.seen).enumerate() {
            let factor = weigh(scores, *seen, &mut it.peaks[row], &mut it.sums[row]);
            if factor != 1.0 {
                let mixed = &mut it.mixed[row * wide..][..wide];
                mixed.iter_mut().for_each(|it| *it *= factor);
            }
        }
        let mixed = Product {
            a: &it.scores,
            b: &it.values,
            c: &mut it.mixed,
            rows,
            middle: BLOCK,
            columns: wide,
        };
        // SAFETY: as above.
        unsafe { mixed.run::<V, true>() };
    }
}

/// Makes exponentials of a row's scores, less the greatest of all so far, and adds them to `sum`; 0 where nothing is seen.
/// Returns by what the row's earlier exponentials are to be multiplied.
#[inline(always)]
fn weigh(scores: &mut [f32; BLOCK], seen: u64, peak: &mut f32, sum: &mut f32) -> f32 {
    if seen == 0 {
        scores.fill(0.0);
        return 1.0;
    }
    if seen != u64::MAX {
        hide(scores, seen, f32::NEG_INFINITY);
    }
    let greater = |a: f32, b: f32| if b > a { b } else { a };
    let before = *peak;
    *peak = greater(before, fold(scores, f32::NEG_INFINITY, greater));
    // A NaN is greater than nothing: then there is no peak, and the exponentials are NaN.
    let base = *peak;
    scores
        .iter_mut()
        .for_each(|score| *score = exp(*score - base));
    if seen != u64::MAX {
        hide(scores, seen, 0.0);
    }
    let factor = match before == base {
        true => 1.0,
        false if before == f32::NEG_INFINITY => 0.0,
        false => exp(before - base),
    };
    *sum = *sum * factor + fold(scores, 0.0, |a, b| a + b);
    factor
}

/// Sets what is not seen.
#[inline(always)]
fn hide(scores: &mut [f32; BLOCK], seen: u64, with: f32) {
    for (key, score) in scores.iter_mut().enumerate() {
        *score = if seen >> key & 1 == 1 { *score } else { with };
    }
}

/// In 16 lanes, then these one after the other.
#[inline(always)]
fn fold(scores: &[f32; BLOCK], start: f32, join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [start; 16];
    for group in scores.as_chunks::<16>().0 {
        for (lane, score) in lanes.iter_mut().zip(group) {
            *lane = join(*lane, *score);
        }
    }
    lanes.into_iter().fold(start, join)
}

/// # Safety
/// The processor has the instructions of `V`.
///
/// # Panics
/// Unless both have one length, a multiple of 16.
#[inline(always)]
unsafe fn widen<V: Vector>(from: &[u16], to: &mut [f32]) {
    assert!(
        from.len() == to.len() && from.len().is_multiple_of(16),
        "of one length"
    );
    for at in (0..from.len()).step_by(V::LANES) {
        // SAFETY: within both, by the test above: a vector has 8 or 16 numbers.
        unsafe { V::load_f16(from.as_ptr().add(at)).store(to.as_mut_ptr().add(at)) };
    }
}

#[cfg(test)]
mod tests;
