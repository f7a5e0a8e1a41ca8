//! A pass's tensors as inputs of a run.

use ort::session::IoBinding;
use ort::value::{PrimitiveTensorElementType, Tensor};

use crate::feed::{Feed, QueryFeed};
use crate::ports::{self, QueryNames};

/// Binds all of `feed`.
pub(crate) fn bind_feed(binding: &mut IoBinding, feed: Feed) -> ort::Result<()> {
    let (batch, keys, fed) = (feed.rows, feed.keys, feed.tokens.len());
    let (kept, wanted) = (feed.kept.len(), feed.wanted.len());
    put(binding, ports::TOKENS, [fed], feed.tokens)?;
    put(binding, ports::POSITIONS, [fed], feed.positions)?;
    put(binding, ports::KEPT, [kept], feed.kept)?;
    put(binding, ports::CACHE_ROWS, [kept, 1], feed.cache_rows)?;
    put(
        binding,
        ports::CONTEXT_ROWS,
        [batch, keys],
        feed.context_rows,
    )?;
    put(binding, ports::KEY_PLACES, [fed, 2], feed.key_places)?;
    put(binding, ports::WANTED, [wanted], feed.wanted)?;
    put_queries(binding, &ports::ALL, batch, keys, feed.all)?;
    put_queries(binding, &ports::LAST, batch, keys, feed.last)
}

fn put_queries(
    binding: &mut IoBinding,
    names: &QueryNames,
    rows: usize,
    keys: usize,
    feed: QueryFeed,
) -> ort::Result<()> {
    let queries = feed.queries;
    put(binding, names.spread, [rows, queries], feed.spread)?;
    put(binding, names.gather, [feed.gather.len()], feed.gather)?;
    put(binding, names.bias, [rows, 1, queries, keys], feed.bias)
}

fn put<T: PrimitiveTensorElementType + Clone + std::fmt::Debug + 'static, const N: usize>(
    binding: &mut IoBinding,
    name: &str,
    shape: [usize; N],
    numbers: Vec<T>,
) -> ort::Result<()> {
    binding.bind_input(name, &Tensor::from_array((shape, numbers))?)
}
