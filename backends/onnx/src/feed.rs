//! A pass as the tensors of [`ports`](crate::ports): ragged rows become indices.

use std::ops::Range;

use unmask_sdk::{Attention, Pass, Row};

/// Added to the scores of keys that a query does not see; the reference adds the same.
const UNSEEN: f32 = f32::MIN;

/// The inputs of one pass; shapes as in [`ports`](crate::ports).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Feed {
    pub(crate) tokens: Vec<i64>,
    pub(crate) positions: Vec<i64>,
    pub(crate) cache_rows: Vec<i64>,
    pub(crate) context_rows: Vec<i64>,
    pub(crate) wanted: Vec<i64>,
    pub(crate) all: QueryFeed,
    pub(crate) last: QueryFeed,
    pub(crate) rows: usize,
    pub(crate) context: usize,
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

/// One row of a pass.
struct Span<'a> {
    row: &'a Row,
    /// Its tokens, as indices into the pass.
    fed: Range<usize>,
}

impl Feed {
    /// Lays out `pass` for caches of `capacity` positions a slot. A pass that wants nothing wants its first token.
    pub(crate) fn new(pass: &Pass<'_>, attention: Attention, capacity: u32) -> Self {
        let mut first = 0;
        let span = |row| {
            let row: &Row = row;
            let fed = first..first + row.fed as usize;
            first = fed.end;
            Span { row, fed }
        };
        let spans: Vec<Span<'_>> = pass.rows.iter().map(span).collect();
        let cache_row = |row: &Row, position: u32| {
            i64::from(row.slot) * i64::from(capacity) + i64::from(position)
        };
        let written = spans.iter().flat_map(|span| {
            let positions = &pass.positions[span.fed.clone()];
            positions.iter().map(|it| cache_row(span.row, it.0))
        });
        let context = spans.iter().map(|span| span.row.attend.len()).max();
        let context = context.unwrap_or(0);
        let context_rows = spans.iter().flat_map(|span| {
            let attend = &span.row.attend;
            let positions = attend.start..attend.start + context as u32;
            positions.map(move |it| cache_row(span.row, it.min(attend.end - 1)))
        });
        let wanted = match pass.wanted {
            [] => vec![0],
            wanted => wanted.iter().map(|it| i64::from(*it)).collect(),
        };
        let everyone: Vec<i64> = (0..pass.tokens.len() as i64).collect();
        let queries = |asking| QueryFeed::new(pass, attention, &spans, context, asking);
        Self {
            tokens: pass.tokens.iter().map(|id| i64::from(id.0)).collect(),
            positions: pass.positions.iter().map(|it| i64::from(it.0)).collect(),
            cache_rows: written.collect(),
            context_rows: context_rows.collect(),
            all: queries(&everyone),
            last: queries(&wanted),
            wanted,
            rows: spans.len(),
            context,
        }
    }
}

impl QueryFeed {
    /// Lays out the queries of the tokens `asking`, ascending indices into the pass.
    fn new(
        pass: &Pass<'_>,
        attention: Attention,
        spans: &[Span<'_>],
        context: usize,
        asking: &[i64],
    ) -> Self {
        let share = |span: &Span<'_>| {
            let below = |end: usize| asking.partition_point(|token| *token < end as i64);
            below(span.fed.start)..below(span.fed.end)
        };
        let shares: Vec<Range<usize>> = spans.iter().map(share).collect();
        let queries = shares.iter().map(Range::len).max().unwrap_or(0);
        let mut feed = Self {
            queries,
            spread: vec![0; spans.len() * queries],
            gather: Vec::with_capacity(asking.len()),
            bias: vec![UNSEEN; spans.len() * queries * context],
        };
        for (index, (span, share)) in spans.iter().zip(shares).enumerate() {
            let first = index * queries;
            for (place, query) in share.clone().enumerate() {
                feed.spread[first + place] = query as i64;
                feed.gather.push((first + place) as i64);
            }
            let bias = &mut feed.bias[first * context..][..queries * context];
            for (bias, query) in bias.chunks_exact_mut(context).zip(share) {
                let position = pass.positions[asking[query] as usize].0;
                bias[..visible(attention, span.row, position)].fill(0.0);
            }
        }
        feed
    }
}

/// How many of the positions in `row.attend` the query at `position` sees, from its start.
fn visible(attention: Attention, row: &Row, position: u32) -> usize {
    match attention {
        Attention::Bidirectional => row.attend.len(),
        Attention::BlockCausal(block) => {
            let end = (position / block.get() + 1).saturating_mul(block.get());
            let end = end.clamp(row.attend.start, row.attend.end);
            (end - row.attend.start) as usize
        }
    }
}

#[cfg(test)]
mod tests {
    use unmask_sdk::{CancelFlag, Position, TokenId};

    use super::*;

    fn feed(rows: &[Row], positions: &[u32], wanted: &[u32], attention: Attention) -> Feed {
        let tokens = vec![TokenId(7); positions.len()];
        let positions: Vec<Position> = positions.iter().copied().map(Position).collect();
        let pass = Pass {
            rows,
            tokens: &tokens,
            positions: &positions,
            wanted,
            cancel: &CancelFlag::new(),
        };
        Feed::new(&pass, attention, 10)
    }

    fn row(fed: u32, slot: u32, attend: Range<u32>) -> Row {
        Row { fed, slot, attend }
    }

    #[test]
    fn ragged_rows_are_filled_up_with_what_nobody_sees() {
        let rows = [row(3, 0, 0..3), row(1, 2, 1..3)];
        let feed = feed(&rows, &[0, 1, 2, 2], &[1, 3], Attention::Bidirectional);
        assert_eq!(feed.cache_rows, [0, 1, 2, 22]);
        assert_eq!(feed.context_rows, [0, 1, 2, 21, 22, 22]);
        assert_eq!(feed.all.spread, [0, 1, 2, 3, 0, 0]);
        assert_eq!(feed.all.gather, [0, 1, 2, 3]);
        assert_eq!(feed.all.bias[..9], [0.0; 9]);
        assert_eq!(feed.all.bias[9..12], [0.0, 0.0, UNSEEN]);
        assert_eq!(feed.all.bias[12..], [UNSEEN; 6]);
        assert_eq!((feed.last.queries, feed.last.gather), (1, vec![0, 1]));
        assert_eq!(feed.last.spread, [0, 1]);
    }

    #[test]
    fn a_block_sees_itself_and_what_is_before() {
        let two = std::num::NonZeroU32::new(2).expect("two");
        let rows = [row(3, 0, 0..4)];
        let feed = feed(&rows, &[0, 1, 2], &[], Attention::BlockCausal(two));
        let seen: Vec<usize> = feed
            .all
            .bias
            .chunks(4)
            .map(|bias| bias.iter().filter(|it| **it == 0.0).count())
            .collect();
        assert_eq!(seen, [2, 2, 4]);
        assert_eq!(feed.wanted, [0], "something is always asked for");
    }
}
