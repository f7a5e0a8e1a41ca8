//! What goes into a network's graph and what comes out: the tensors of a pass.
//!
//! Free dimensions: `fed` tokens of all rows one after the other, `kept` and `wanted` ones among them, `rows` of the batch,
//! `keys` attended to and `queries` per row, filled up to the longest row's; `cache` cells of all slots, at least one.

use crate::graph::{Dim, ElementType, Graph, Value};
use crate::layers;
use crate::slot::CacheSizes;

/// The same for people who open an exported file.
pub(crate) const DOC: &str = "\
One pass of a masked diffusion language model over a batch of rows that may feed different numbers of tokens.
tokens: ids of all fed tokens, row after row. positions: where each stands. kept: which fed tokens' keys and values are \
written to the caches, and cache_rows: to which rows of them. context_rows: for every row of the batch, the rows of the caches \
that its keys are read from; any where the key is a fed token's, or where a row is shorter. key_places: for every fed token, \
which key it is, as [row, key]. past.*: the caches, of at least one row, returned as present.*; a caller that binds both to the \
same memory saves the copy. query_rows: for every row of the batch, which fed tokens are its queries; shorter rows repeat any. \
query_places: where in the flattened query_rows each fed token is. query_bias: 0 where a query sees a key, else the lowest \
number. wanted: which fed tokens' logits are returned; wanted_query_*: as query_*, of the wanted tokens among themselves.
An ordinary pass over one row of n tokens keeps none: kept and cache_rows are empty, the caches and context_rows 0, \
key_places [0, 0] to [0, n - 1], positions, query_rows and query_places 0 to n - 1, the biases 0.";

pub(crate) const TOKENS: &str = "tokens";
pub(crate) const POSITIONS: &str = "positions";
pub(crate) const KEPT: &str = "kept";
pub(crate) const CACHE_ROWS: &str = "cache_rows";
pub(crate) const CONTEXT_ROWS: &str = "context_rows";
pub(crate) const KEY_PLACES: &str = "key_places";
pub(crate) const WANTED: &str = "wanted";
pub(crate) const LOGITS: &str = "logits";

/// Names of the inputs that spread queries over the batch, and of the bias on their scores.
pub(crate) struct QueryNames {
    pub(crate) spread: &'static str,
    pub(crate) gather: &'static str,
    pub(crate) bias: &'static str,
}

/// Of all layers but the last: every fed token asks.
pub(crate) const ALL: QueryNames = QueryNames {
    spread: "query_rows",
    gather: "query_places",
    bias: "query_bias",
};
/// Of the last layer: only wanted tokens ask.
pub(crate) const LAST: QueryNames = QueryNames {
    spread: "wanted_query_rows",
    gather: "wanted_query_places",
    bias: "wanted_query_bias",
};

/// The four names of a layer's caches, keys before values, inputs before outputs.
pub(crate) fn cache_names(layer: usize) -> [[String; 2]; 2] {
    ["key", "value"].map(|what| ["past", "present"].map(|when| format!("{when}.{layer}.{what}")))
}

/// How queries are laid out for attention.
pub(crate) struct Queries {
    /// `[rows, queries]`: which query stands there; where a row is shorter, any.
    pub(crate) spread: Value,
    /// `[asking]`: the place of each query in the flattened `[rows, queries]`.
    pub(crate) gather: Value,
    /// `[rows, 1, queries, keys]`: 0 where the query sees the key, else the lowest number.
    pub(crate) bias: Value,
}

/// The inputs.
pub(crate) struct Ports {
    /// `[fed]`: ids.
    pub(crate) tokens: Value,
    /// `[fed]`: absolute positions.
    pub(crate) positions: Value,
    /// `[kept]`: indices of the fed tokens whose keys and values are written to the caches.
    kept: Value,
    /// `[kept, 1]`: the rows of the caches that they are written to.
    cache_rows: Value,
    /// `[rows, keys]`: the rows of the caches that keys are read from; any for those that are fed.
    context_rows: Value,
    /// `[fed, 2]`: row and key that each fed token is.
    key_places: Value,
    /// `[wanted]`: indices of fed tokens.
    pub(crate) wanted: Value,
    pub(crate) all: Queries,
    pub(crate) last: Queries,
    /// By layer: keys and values, `[cache, key heads * dim]`.
    caches: Vec<[Value; 2]>,
    /// What they are kept as.
    cache_kind: ElementType,
}

impl Ports {
    /// Declares the inputs and, by the names that [`remember`](Self::remember) and [`answer`](Self::answer) give them, the
    /// outputs.
    pub(crate) fn declare(graph: &mut Graph, sizes: &CacheSizes, vocab: usize) -> Self {
        const ONE: Dim = Dim::Fixed(1);
        const ROWS: Dim = Dim::Free("rows");
        const KEYS: Dim = Dim::Free("keys");
        const FED: Dim = Dim::Free("fed");
        const KEPT_ROWS: Dim = Dim::Free("kept");
        let cache = [Dim::Free("cache"), Dim::Fixed(sizes.width())];
        let (n_layers, cache_kind) = (sizes.layers, sizes.kind);
        for [_, present] in (0..n_layers).flat_map(cache_names) {
            graph.output(present, cache_kind, &cache);
        }
        graph.output(
            LOGITS,
            ElementType::F32,
            &[Dim::Free("wanted"), Dim::Fixed(vocab)],
        );
        let mut input = |name: &str, kind, shape: &[Dim]| graph.input(name, kind, shape);
        let mut queries = |names: QueryNames, count: Dim, asking: Dim| Queries {
            spread: input(names.spread, ElementType::I64, &[ROWS, count]),
            gather: input(names.gather, ElementType::I64, &[asking]),
            bias: input(names.bias, ElementType::F32, &[ROWS, ONE, count, KEYS]),
        };
        let wanted = Dim::Free("wanted");
        let all = queries(ALL, Dim::Free("queries"), FED);
        let last = queries(LAST, Dim::Free("wanted_queries"), wanted);
        Self {
            all,
            last,
            tokens: input(TOKENS, ElementType::I64, &[FED]),
            positions: input(POSITIONS, ElementType::I64, &[FED]),
            kept: input(KEPT, ElementType::I64, &[KEPT_ROWS]),
            cache_rows: input(CACHE_ROWS, ElementType::I64, &[KEPT_ROWS, ONE]),
            context_rows: input(CONTEXT_ROWS, ElementType::I64, &[ROWS, KEYS]),
            key_places: input(KEY_PLACES, ElementType::I64, &[FED, Dim::Fixed(2)]),
            wanted: input(WANTED, ElementType::I64, &[wanted]),
            caches: (0..n_layers)
                .map(|layer| cache_names(layer).map(|[past, _]| input(&past, cache_kind, &cache)))
                .collect(),
            cache_kind,
        }
    }

    /// Writes a layer's fresh keys and values, `[fed, key heads * dim]`, to its caches where they are kept, and returns those
    /// attended to, `[rows, keys, key heads * dim]`.
    ///
    /// Fresh ones go to their places behind a cache's, so that nobody has to keep them. Whether a cache is read before or
    /// after it is written is the same: what is written is then overwritten with itself. The scatters work in place, that to
    /// a cache if an output is bound to the same memory as its input.
    pub(crate) fn remember(
        &self,
        graph: &mut Graph,
        layer: usize,
        keys: &Value,
        values: &Value,
    ) -> [Value; 2] {
        let names = cache_names(layer);
        [(0, keys), (1, values)].map(|(which, fresh)| {
            let (past, [_, present]) = (&self.caches[layer][which], &names[which]);
            let fresh = self.converted(graph, fresh, self.cache_kind);
            let kept = graph.node("Gather", &[&fresh, &self.kept]);
            graph.named(
                present.clone(),
                "ScatterND",
                &[past, &self.cache_rows, &kept],
            );
            let read = graph.node("Gather", &[past, &self.context_rows]);
            let all = graph.node("ScatterND", &[&read, &self.key_places, &fresh]);
            self.converted(graph, &all, ElementType::F32)
        })
    }

    /// `x` as `kind`, which is what keys and values are kept as or what they are computed in.
    fn converted(&self, graph: &mut Graph, x: &Value, kind: ElementType) -> Value {
        match self.cache_kind {
            ElementType::F32 => x.clone(),
            _ => layers::cast(graph, x, kind),
        }
    }

    /// Makes `logits`, `[wanted, vocab]`, the answer.
    pub(crate) fn answer(&self, graph: &mut Graph, logits: &Value) {
        graph.named(LOGITS, "Identity", &[logits]);
    }
}
