//! Attention of a ragged batch, a row at a time.

use unmask_kernels::{BLOCK, BlockAttention, Pool, TileMut, with_attention};
use unmask_sdk::BackendError;
use unmask_sdk::keys::{RowKeys, Visible};

use super::cells::CellForm;
use super::failed;

/// Queries of all heads of a key head that one thread computes at once: enough to be worth the making of a block's `f32`.
const STACKED: usize = 96;
/// Keys in a word of a mask.
const WORD: usize = 32;

/// What a row of the batch attends to.
pub(super) struct SeenKeys<'a> {
    pub(super) row: &'a RowKeys,
    /// The fed tokens that ask, as indices into the pass.
    pub(super) tokens: &'a [usize],
    /// Its slot's cells of the layer.
    pub(super) cells: &'a [u16],
    /// Its tokens that are no cells of the context, in the form of cells.
    pub(super) loose: &'a [u16],
}

/// Keys that lie in one block.
struct Stretch {
    block: usize,
    is_loose: bool,
    /// The number of the key that would be the block's first; below 0 if the context begins within the block.
    first: isize,
    /// Bits of those of the block that are keys.
    keys: u64,
}

impl SeenKeys<'_> {
    /// Replaces `queries`, `[tokens, query heads * dim]`, turned and scaled, by what they attend to.
    pub(super) fn attend(
        &self,
        pool: &Pool,
        form: CellForm,
        queries: &mut [f32],
    ) -> Result<(), BackendError> {
        let heads = form.heads;
        let width = heads.queries * heads.dim;
        let height = (STACKED / heads.group()).max(1);
        let columns = heads.group() * heads.dim;
        let work = |head: usize, tile: TileMut<'_>| {
            with_attention(pool.set(), |attention| {
                self.tile(form, head, tile, attention)
            });
        };
        pool.for_each_tile(queries, width, (height, columns), work)
            .map_err(failed)
    }

    /// Some queries of the heads that share key head `head`, those of a token one after the other.
    fn tile(
        &self,
        form: CellForm,
        head: usize,
        mut tile: TileMut<'_>,
        attention: &mut BlockAttention,
    ) {
        let (group, dim) = (form.heads.group(), form.heads.dim);
        let tokens = &self.tokens[tile.rows()];
        let queries = attention.begin(form.block, tokens.len() * group);
        for (row, queries) in queries.chunks_exact_mut(group * dim).enumerate() {
            queries.copy_from_slice(tile.row_mut(row));
        }
        for stretch in self.stretches() {
            let seen = attention.seen().chunks_exact_mut(group);
            for (token, seen) in tokens.iter().zip(seen) {
                seen.fill(stretch.seen_by(self.row, token - self.row.fed.start));
            }
            let cells = if stretch.is_loose {
                self.loose
            } else {
                self.cells
            };
            attention.add(form.head(cells, stretch.block, head));
        }
        for row in 0..tokens.len() {
            let to = tile.row_mut(row).chunks_exact_mut(dim);
            for (member, to) in to.enumerate() {
                attention.result(row * group + member, to);
            }
        }
    }

    /// All keys, in their order.
    fn stretches(&self) -> impl Iterator<Item = Stretch> {
        let context = &self.row.context;
        let last = if context.is_empty() {
            context.start
        } else {
            context.end
        };
        let of_context =
            (context.start / BLOCK..last.div_ceil(BLOCK)).filter(|_| !context.is_empty());
        let of_context = of_context.map(|block| {
            let start = block * BLOCK;
            let until = low_bits(context.end - start);
            let from = low_bits(context.start.saturating_sub(start));
            Stretch {
                block,
                is_loose: false,
                first: start as isize - context.start as isize,
                keys: until & !from,
            }
        });
        let loose = self.row.loose.len();
        let of_loose = (0..loose.div_ceil(BLOCK)).map(move |block| Stretch {
            block,
            is_loose: true,
            first: (context.len() + block * BLOCK) as isize,
            keys: low_bits(loose - block * BLOCK),
        });
        of_context.chain(of_loose)
    }
}

impl Stretch {
    /// Bits of the keys that fed token number `query` of `row` sees.
    fn seen_by(&self, row: &RowKeys, query: usize) -> u64 {
        self.keys
            & match &row.visible {
                Visible::All => u64::MAX,
                Visible::First(counts) => {
                    let below = counts[query] as isize - self.first;
                    low_bits(below.max(0).cast_unsigned())
                }
                Visible::Bits(bits) => {
                    let words = row.n_keys().div_ceil(WORD);
                    self.bits(&bits[query * words..][..words])
                }
            }
    }

    /// The 64 bits of a row of bits that belong to the block.
    fn bits(&self, words: &[u32]) -> u64 {
        let (skipped, first) = match usize::try_from(self.first) {
            Ok(first) => (0, first),
            Err(_) => (self.first.unsigned_abs(), 0),
        };
        let word = |at: usize| words.get(first / WORD + at).copied().map_or(0, u128::from);
        let bits = word(0) | word(1) << 32 | word(2) << 64;
        ((bits >> (first % WORD)) as u64) << skipped
    }
}

/// The lowest `count` bits, at most all.
fn low_bits(count: usize) -> u64 {
    match count {
        0..BLOCK => (1 << count) - 1,
        _ => u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(context: std::ops::Range<usize>, loose: usize, visible: Visible) {
        let keys = context.len() + loose;
        let row = RowKeys {
            fed: 0..1,
            context,
            loose: (0..loose).collect(),
            positions: vec![unmask_sdk::Position(0); keys],
            visible,
            ..RowKeys::default()
        };
        let found = SeenKeys {
            row: &row,
            tokens: &[0],
            cells: &[],
            loose: &[],
        };
        let mut seen = Vec::new();
        for stretch in found.stretches() {
            let bits = stretch.seen_by(&row, 0);
            for bit in (0..BLOCK).filter(|bit| bits >> bit & 1 == 1) {
                let key = stretch.first + bit as isize;
                let place = stretch.block * BLOCK + bit;
                let right = match stretch.is_loose {
                    true => row.context.len() + place,
                    false => place - row.context.start,
                };
                assert_eq!(key, right as isize);
                seen.push(right);
            }
        }
        let right: Vec<usize> = (0..keys).filter(|key| row.sees(0, *key)).collect();
        assert_eq!(seen, right, "{:?} and {loose}", row.context);
    }

    #[test]
    fn every_key_that_is_seen_is_in_one_stretch() {
        for context in [0..0, 5..5, 0..1, 0..64, 3..64, 63..65, 70..200, 128..192] {
            for loose in [0, 1, 63, 64, 65, 150] {
                let keys = context.len() + loose;
                check(context.clone(), loose, Visible::All);
                for count in [0, 1, keys / 2, keys] {
                    check(context.clone(), loose, Visible::First(vec![count]));
                }
                let bits =
                    |of: u32| (0..keys.div_ceil(WORD) as u32).map(move |at| of.rotate_left(at));
                let mut words: Vec<u32> = bits(0x9249_2491).collect();
                if let Some(word) = words.last_mut().filter(|_| !keys.is_multiple_of(WORD)) {
                    *word &= (1 << (keys % WORD)) - 1;
                }
                check(context.clone(), loose, Visible::Bits(words));
            }
        }
    }
}
