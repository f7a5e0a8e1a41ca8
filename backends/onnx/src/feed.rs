//! A pass as the tensors of [`ports`](crate::ports): ragged rows become indices.

use std::ops::Range;

use unmask_sdk::Pass;
use unmask_sdk::keys::{RowKeys, Visible};

/// Added to the scores of keys that a query does not see; the reference adds the same.
const UNSEEN: f32 = f32::MIN;

/// The inputs of one pass; shapes as in [`ports`](crate::ports).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Feed {
    pub(crate) tokens: Vec<i64>,
    pub(crate) positions: Vec<i64>,
    pub(crate) kept: Vec<i64>,
    pub(crate) cache_rows: Vec<i64>,
    pub(crate) context_rows: Vec<i64>,
    pub(crate) key_places: Vec<i64>,
    pub(crate) wanted: Vec<i64>,
    pub(crate) all: QueryFeed,
    pub(crate) last: QueryFeed,
    pub(crate) rows: usize,
    /// Keys of the longest row; one more where there is padding, which has to go somewhere.
    pub(crate) keys: usize,
}

/// How a layer's queries are laid out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QueryFeed {
    /// Queries of the longest row.
    pub(crate) queries: usize,
    pub(crate) spread: Vec<i64>,
    pub(crate) gather: Vec<i64>,
    pub(crate) bias: Vec<f32>,
}

impl Feed {
    /// Lays out `pass`, whose rows attend to `rows`, for caches of `cells` a slot. A pass that wants nothing wants its first
    /// token.
    pub(crate) fn new(pass: &Pass<'_>, rows: &[RowKeys], cells: usize) -> Self {
        let has_padding = pass.rows.iter().any(|row| row.padding > 0);
        let longest = rows.iter().map(RowKeys::n_keys).max().unwrap_or(0);
        let keys = longest + usize::from(has_padding);
        let (mut kept, mut cache_rows) = (Vec::new(), Vec::new());
        for row in rows {
            for at in row.fed.clone() {
                if let Some(cell) = pass.cells[at].index() {
                    kept.push(at as i64);
                    cache_rows.push((row.slot * cells + cell) as i64);
                }
            }
        }
        let context_rows = rows.iter().flat_map(|row| {
            let first = row.slot * cells;
            let (start, length) = (row.context.start, row.context.len());
            (0..keys).map(move |key| (first + if key < length { start + key } else { 0 }) as i64)
        });
        let places = rows.iter().enumerate().flat_map(|(index, row)| {
            let places = key_places(pass, row, keys - 1);
            places
                .into_iter()
                .flat_map(move |key| [index as i64, key as i64])
        });
        let wanted = match pass.wanted {
            [] => vec![0],
            wanted => wanted.iter().map(|it| i64::from(*it)).collect(),
        };
        let everyone: Vec<i64> = (0..pass.tokens.len() as i64).collect();
        Self {
            tokens: pass.tokens.iter().map(|id| i64::from(id.0)).collect(),
            positions: pass.positions.iter().map(|it| i64::from(it.0)).collect(),
            kept,
            cache_rows,
            context_rows: context_rows.collect(),
            key_places: places.collect(),
            all: QueryFeed::new(rows, keys, &everyone),
            last: QueryFeed::new(rows, keys, &wanted),
            wanted,
            rows: rows.len(),
            keys,
        }
    }
}

/// Which key each fed token of a row is; padding is key number `unseen`.
fn key_places(pass: &Pass<'_>, row: &RowKeys, unseen: usize) -> Vec<usize> {
    let mut loose = row.loose.iter().enumerate().peekable();
    let place = |at: usize| match loose.next_if(|(_, token)| **token == at) {
        Some((number, _)) => row.context.len() + number,
        None => (pass.cells[at].index()).map_or(unseen, |cell| cell - row.context.start),
    };
    row.fed.clone().map(place).collect()
}

impl QueryFeed {
    /// Lays out the queries of the tokens `asking`, ascending indices into the pass.
    fn new(rows: &[RowKeys], keys: usize, asking: &[i64]) -> Self {
        let share = |row: &RowKeys| {
            let below = |end: usize| asking.partition_point(|token| *token < end as i64);
            below(row.fed.start)..below(row.fed.end)
        };
        let shares: Vec<Range<usize>> = rows.iter().map(share).collect();
        let queries = shares.iter().map(Range::len).max().unwrap_or(0);
        let mut feed = Self {
            queries,
            spread: vec![0; rows.len() * queries],
            gather: Vec::with_capacity(asking.len()),
            bias: vec![UNSEEN; rows.len() * queries * keys],
        };
        for (index, (row, share)) in rows.iter().zip(shares).enumerate() {
            let first = index * queries;
            for (place, query) in share.clone().enumerate() {
                feed.spread[first + place] = query as i64;
                feed.gather.push((first + place) as i64);
            }
            let bias = &mut feed.bias[first * keys..][..queries * keys];
            for (bias, query) in bias.chunks_exact_mut(keys).zip(share) {
                show(row, asking[query] as usize - row.fed.start, bias);
            }
        }
        feed
    }
}

/// Sets the bias of the keys that fed token number `query` of the row sees.
fn show(row: &RowKeys, query: usize, bias: &mut [f32]) {
    match &row.visible {
        Visible::All => bias[..row.n_keys()].fill(0.0),
        Visible::First(counts) => bias[..counts[query]].fill(0.0),
        Visible::Bits(_) => {
            let seen = (0..row.n_keys()).filter(|key| row.sees(query, *key));
            seen.for_each(|key| bias[key] = 0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use unmask_sdk::keys::CellPositions;
    use unmask_sdk::{Attention, CancelFlag, Cell, Position, Row, SessionSpec, TokenId};

    use super::*;

    const NONE: u32 = u32::MAX;

    fn feed(rows: &[Row], cells: &[u32], wanted: &[u32], attention: Attention) -> Feed {
        let room = SessionSpec {
            cells: 10,
            slots: 3,
        };
        let cells: Vec<Cell> = cells.iter().copied().map(Cell).collect();
        let pass = Pass {
            rows,
            tokens: &vec![TokenId(7); cells.len()],
            positions: &(0..cells.len() as u32).map(Position).collect::<Vec<_>>(),
            cells: &cells,
            mask: None,
            wanted,
            cancel: &CancelFlag::new(),
        };
        pass.check(8, &room).expect("the test keeps the contract");
        let keys = CellPositions::new(room).keys(&pass, attention);
        Feed::new(&pass, &keys, 10)
    }

    fn row(fed: u32, slot: u32, context: Range<u32>, padding: u32) -> Row {
        Row {
            fed,
            slot,
            context,
            padding,
        }
    }

    #[test]
    fn ragged_rows_are_filled_up_with_what_nobody_sees() {
        let rows = [row(3, 0, 0..3, 0), row(1, 2, 1..3, 0)];
        let feed = feed(&rows, &[0, 1, 2, 2], &[1, 3], Attention::Bidirectional);
        assert_eq!((feed.keys, feed.kept), (3, vec![0, 1, 2, 3]));
        assert_eq!(feed.cache_rows, [0, 1, 2, 22]);
        assert_eq!(feed.context_rows, [0, 1, 2, 21, 22, 20]);
        assert_eq!(feed.key_places, [0, 0, 0, 1, 0, 2, 1, 1]);
        assert_eq!(feed.all.spread, [0, 1, 2, 3, 0, 0]);
        assert_eq!(feed.all.gather, [0, 1, 2, 3]);
        assert_eq!(feed.all.bias[..9], [0.0; 9]);
        assert_eq!(feed.all.bias[9..12], [0.0, 0.0, UNSEEN]);
        assert_eq!(feed.all.bias[12..], [UNSEEN; 6]);
        assert_eq!((feed.last.queries, feed.last.gather), (1, vec![0, 1]));
        assert_eq!(feed.last.spread, [0, 1]);
    }

    #[test]
    fn fed_tokens_without_a_cell_are_keys_behind_the_context_and_padding_is_none() {
        let rows = [row(4, 1, 0..2, 1)];
        let cells = [NONE, 1, NONE, 7];
        let feed = feed(&rows, &cells, &[], Attention::Bidirectional);
        assert_eq!((feed.kept, feed.cache_rows), (vec![1, 3], vec![11, 17]));
        assert_eq!(feed.keys, 5, "cells 0 and 1, tokens 2 and 3, the padding");
        assert_eq!(feed.key_places, [0, 4, 0, 1, 0, 2, 0, 3]);
        assert_eq!(feed.all.bias[..5], [0.0, 0.0, 0.0, 0.0, UNSEEN]);
        assert_eq!(feed.wanted, [0], "something is always asked for");
    }

    #[test]
    fn a_query_sees_what_the_attention_kind_lets_it_see() {
        let two = Attention::BlockCausal(NonZeroU32::new(2).expect("two"));
        let seen = |attention| {
            let feed = feed(&[row(3, 0, 0..3, 0)], &[0, 1, 2], &[2], attention);
            let count = |bias: &[f32]| bias.iter().filter(|it| **it == 0.0).count();
            let all: Vec<usize> = feed.all.bias.chunks(3).map(count).collect();
            (all, count(&feed.last.bias))
        };
        assert_eq!(seen(two), (vec![2, 2, 3], 3));
        assert_eq!(seen(Attention::Causal), (vec![1, 2, 3], 3));
    }
}
