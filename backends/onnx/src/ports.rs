//! What goes into a network's graph and what comes out: the tensors of a pass.
//!
//! Free dimensions: `fed` tokens of all rows one after the other, `wanted` ones among them, `rows` of the batch, `context`
//! positions attended to and `queries` per row, filled up to the longest row's; `cache` positions of all slots.

use unmask_sdk::llada::Heads;

use crate::graph::{Dim, Graph, Kind, Value};

/// The same for people who open an exported file.
pub(crate) const DOC: &str = "\
One pass of a masked diffusion language model over a batch of rows that may feed different numbers of tokens.
tokens: ids of all fed tokens, row after row. positions: where each stands. cache_rows: the row of the K/V caches that each \
token's keys and values are written to. context_rows: for every row of the batch, the rows of the caches that it attends to; \
shorter rows repeat any. past.*: the caches, returned as present.*; a caller that binds both to the same memory saves the copy. \
query_rows: for every row of the batch, which fed tokens are its queries; shorter rows repeat any. query_places: where in the \
flattened query_rows each fed token is. query_bias: 0 where a query sees a key, else the lowest number. wanted: which fed \
tokens' logits are returned; wanted_query_*: as query_*, of the wanted tokens among themselves.
An ordinary pass over one row of n tokens: positions, cache_rows, context_rows, query_rows and query_places are 0 to n - 1, the \
biases 0, the caches n rows of anything.";

pub(crate) const TOKENS: &str = "tokens";
pub(crate) const POSITIONS: &str = "positions";
pub(crate) const CACHE_ROWS: &str = "cache_rows";
pub(crate) const CONTEXT_ROWS: &str = "context_rows";
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
    /// `[rows, 1, queries, context]`: 0 where the query sees the key, else the lowest number.
    pub(crate) bias: Value,
}

/// The inputs.
pub(crate) struct Ports {
    /// `[fed]`: ids.
    pub(crate) tokens: Value,
    /// `[fed]`: absolute positions.
    pub(crate) positions: Value,
    /// `[fed, 1]`: the row of the caches that each token's keys and values are written to.
    cache_rows: Value,
    /// `[rows, context]`: the rows of the caches attended to; where a row is shorter, any that are.
    context_rows: Value,
    /// `[wanted]`: indices of fed tokens.
    pub(crate) wanted: Value,
    pub(crate) all: Queries,
    pub(crate) last: Queries,
    /// By layer: keys and values, `[cache, key heads * dim]`.
    caches: Vec<[Value; 2]>,
}

impl Ports {
    /// Declares the inputs and, by the names that [`remember`](Self::remember) and [`answer`](Self::answer) give them, the
    /// outputs.
    pub(crate) fn declare(graph: &mut Graph, n_layers: usize, heads: Heads, vocab: usize) -> Self {
        const ONE: Dim = Dim::Fixed(1);
        const ROWS: Dim = Dim::Free("rows");
        const CONTEXT: Dim = Dim::Free("context");
        const FED: Dim = Dim::Free("fed");
        let cache = [Dim::Free("cache"), Dim::Fixed(heads.keys * heads.dim)];
        for [_, present] in (0..n_layers).flat_map(cache_names) {
            graph.output(present, Kind::F32, &cache);
        }
        graph.output(LOGITS, Kind::F32, &[Dim::Free("wanted"), Dim::Fixed(vocab)]);
        let mut input = |name: &str, kind, shape: &[Dim]| graph.input(name, kind, shape);
        let mut queries = |names: QueryNames, count: Dim, asking: Dim| Queries {
            spread: input(names.spread, Kind::I64, &[ROWS, count]),
            gather: input(names.gather, Kind::I64, &[asking]),
            bias: input(names.bias, Kind::F32, &[ROWS, ONE, count, CONTEXT]),
        };
        let wanted = Dim::Free("wanted");
        let all = queries(ALL, Dim::Free("queries"), FED);
        let last = queries(LAST, Dim::Free("wanted_queries"), wanted);
        Self {
            all,
            last,
            tokens: input(TOKENS, Kind::I64, &[FED]),
            positions: input(POSITIONS, Kind::I64, &[FED]),
            cache_rows: input(CACHE_ROWS, Kind::I64, &[FED, ONE]),
            context_rows: input(CONTEXT_ROWS, Kind::I64, &[ROWS, CONTEXT]),
            wanted: input(WANTED, Kind::I64, &[wanted]),
            caches: (0..n_layers)
                .map(|layer| cache_names(layer).map(|[past, _]| input(&past, Kind::F32, &cache)))
                .collect(),
        }
    }

    /// Writes a layer's fresh keys and values, `[fed, key heads * dim]`, to its caches, and reads those attended to,
    /// `[rows, context, key heads * dim]`.
    ///
    /// The scatter works in place if an output is bound to the same memory as its input.
    pub(crate) fn remember(
        &self,
        graph: &mut Graph,
        layer: usize,
        keys: &Value,
        values: &Value,
    ) -> (Value, Value) {
        let names = cache_names(layer);
        let [keys, values] = [(0, keys), (1, values)].map(|(which, fresh)| {
            let (past, [_, present]) = (&self.caches[layer][which], &names[which]);
            let inputs = [past, &self.cache_rows, fresh];
            let present = graph.named(present.clone(), "ScatterND", &inputs);
            graph.node("Gather", &[&present, &self.context_rows])
        });
        (keys, values)
    }

    /// Makes `logits`, `[wanted, vocab]`, the answer.
    pub(crate) fn answer(&self, graph: &mut Graph, logits: &Value) {
        graph.named(LOGITS, "Identity", &[logits]);
    }
}
