//! What networks are made of, as nodes. Standard operators in the forms that the runtime fuses into its own.

use unmask_sdk::decoder::Heads;

use crate::graph::{Attribute, Data, ElementType, Graph, Value};
use crate::matrix::{Matrix, Numbers};
use crate::ports::Queries;
use crate::quant::BLOCK;

/// Shapes and numbers that every layer uses.
pub(crate) struct Constants {
    /// `[-1, query heads, dim]`
    pub(crate) query_heads: HeadShapes,
    /// `[-1, key heads, dim]`
    pub(crate) key_heads: HeadShapes,
    two: Value,
    epsilon: Value,
    last_axis: Value,
    /// `[rows, queries, key heads, group, dim]` from `[rows, queries, width]`.
    grouped: Value,
    /// `[rows, key heads, group * queries, dim]` from grouped queries.
    stacked_queries: Value,
    /// `[rows, key heads, group * queries, context]` from the shares of single query heads.
    stacked: Value,
    /// `[rows, query heads, queries, context]` from scores of stacked queries.
    scores: Value,
    /// `[rows, key heads, group, queries, dim]` from stacked ones.
    unstacked: Value,
    /// `[rows, context, key heads, dim]` from `[rows, context, width]`.
    context: Value,
    /// `[rows * queries, width]`
    flat: Value,
    query_scale: Value,
    int8: Int8Constants,
}

/// What turns activations into integers and back.
struct Int8Constants {
    /// Divided by instead of 0.
    smallest: Value,
    /// Of numbers between -1 and 1.
    step: Value,
    /// The integer that stands for 0.
    middle: Value,
}

/// How a matrix of tokens is split into heads and joined again.
pub(crate) struct HeadShapes {
    split: Value,
    joined: Value,
}

impl Constants {
    pub(crate) fn new(graph: &mut Graph, heads: Heads, epsilon: f32) -> Self {
        let Heads { queries, keys, dim } = heads;
        let [queries, keys, dim] = [queries, keys, dim].map(|it| it as i64);
        let group = queries / keys;
        let mut of = |name: &str, heads: i64| HeadShapes {
            split: graph.integers(&format!("{name}.split"), &[-1, heads, dim]),
            joined: graph.integers(&format!("{name}.joined"), &[-1, heads * dim]),
        };
        let (query_heads, key_heads) = (of("query_heads", queries), of("key_heads", keys));
        Self {
            query_heads,
            key_heads,
            two: graph.number("two", 2.0),
            epsilon: graph.number("epsilon", epsilon),
            last_axis: graph.integers("last_axis", &[-1]),
            grouped: graph.integers("grouped", &[0, 0, keys, group, dim]),
            stacked_queries: graph.integers("stacked_queries", &[0, keys, -1, dim]),
            stacked: graph.integers("stacked", &[0, keys, -1, 0]),
            scores: graph.integers("scores", &[0, queries, -1, 0]),
            unstacked: graph.integers("unstacked", &[0, keys, group, -1, dim]),
            context: graph.integers("context", &[0, 0, keys, dim]),
            flat: graph.integers("flat", &[-1, queries * dim]),
            query_scale: graph.number("query_scale", 1.0 / (dim as f32).sqrt()),
            int8: Int8Constants {
                smallest: graph.number("smallest", f32::MIN_POSITIVE),
                step: graph.number("step", 1.0 / 127.0),
                middle: graph.weight("middle", ElementType::U8, &[], Data::Held(vec![128])),
            },
        }
    }
}

/// `x` as another type.
pub(crate) fn cast(graph: &mut Graph, x: &Value, kind: ElementType) -> Value {
    let to = Attribute::Int(kind.code().into());
    graph.with("Cast", &[x], vec![("to", to)])
}

/// `x / sqrt(mean(x²) + eps) * weight` by rows; the float32 RMSNorm of LLaDA.
///
/// The reference casts to the activations' type before it multiplies by the weight: nothing to do when that is `f32`.
pub(crate) fn rms_norm(
    graph: &mut Graph,
    constants: &Constants,
    x: &Value,
    weight: &Value,
) -> Value {
    let square = graph.node("Pow", &[x, &constants.two]);
    let keep = vec![("keepdims", Attribute::Int(1))];
    let mean = graph.with("ReduceMean", &[&square, &constants.last_axis], keep);
    let raised = graph.node("Add", &[&mean, &constants.epsilon]);
    let root = graph.node("Sqrt", &[&raised]);
    let scaled = graph.node("Div", &[x, &root]);
    graph.node("Mul", &[&scaled, weight])
}

/// What goes into matrix products, in the form that the matrices want.
pub(crate) enum Factor {
    Plain(Value),
    F16(Value),
    /// Integers around 128, and each token's largest magnitude, `[tokens, 1]`.
    Int8 {
        numbers: Value,
        peaks: Value,
    },
}

impl Factor {
    /// `x` for products with matrices that are kept as `reader` is.
    pub(crate) fn new(graph: &mut Graph, constants: &Constants, x: Value, reader: &Matrix) -> Self {
        match &reader.numbers {
            Numbers::F32(_) | Numbers::Int4 { .. } => Self::Plain(x),
            Numbers::F16(_) => Self::F16(cast(graph, &x, ElementType::F16)),
            Numbers::Int8 { .. } => {
                let Int8Constants {
                    smallest,
                    step,
                    middle,
                } = &constants.int8;
                let magnitudes = graph.node("Abs", &[&x]);
                let keep = vec![("keepdims", Attribute::Int(1))];
                let peaks = graph.with("ReduceMax", &[&magnitudes, &constants.last_axis], keep);
                let peaks = graph.node("Max", &[&peaks, smallest]);
                // Every token by itself: an outlier in one costs the others nothing.
                let scaled = graph.node("Div", &[&x, &peaks]);
                let numbers = graph.node("QuantizeLinear", &[&scaled, step, middle]);
                Self::Int8 { numbers, peaks }
            }
        }
    }
}

/// `x Wᵀ (+ b)`; `x` is `[tokens, columns]`.
///
/// # Panics
/// If `x` was made for a matrix that is kept in another way.
pub(crate) fn linear(
    graph: &mut Graph,
    constants: &Constants,
    x: &Factor,
    matrix: &Matrix,
) -> Value {
    let transposed = || vec![("transB", Attribute::Int(1))];
    let product = match (x, &matrix.numbers) {
        (Factor::Plain(x), Numbers::F32(weight)) => graph.with("Gemm", &[x, weight], transposed()),
        (Factor::F16(x), Numbers::F16(weight)) => {
            let product = graph.with("Gemm", &[x, weight], transposed());
            cast(graph, &product, ElementType::F32)
        }
        (Factor::Plain(x), Numbers::Int4 { numbers, scales }) => {
            let attributes = [
                ("K", matrix.columns),
                ("N", matrix.rows),
                ("bits", 4),
                ("block_size", BLOCK),
                // Activations as 8-bit integers.
                ("accuracy_level", 4),
            ];
            let attributes = attributes.map(|(name, it)| (name, Attribute::Int(it as i64)));
            graph.contrib("MatMulNBits", &[x, numbers, scales], attributes.into())
        }
        (
            Factor::Int8 { numbers: x, peaks },
            Numbers::Int8 {
                numbers,
                scales,
                is_signed,
            },
        ) => {
            let Int8Constants { step, middle, .. } = &constants.int8;
            let mut inputs = vec![x, numbers, step, scales, middle];
            if !is_signed {
                inputs.push(middle);
            }
            let product = graph.contrib("MatMulIntegerToFloat", &inputs, Vec::new());
            graph.node("Mul", &[&product, peaks])
        }
        _ => panic!("a factor is made for its matrix"),
    };
    match &matrix.bias {
        Some(bias) => graph.node("Add", &[&product, bias]),
        None => product,
    }
}

/// `silu(gate) * up`
pub(crate) fn gated(graph: &mut Graph, gate: &Value, up: &Value) -> Value {
    let sigmoid = graph.node("Sigmoid", &[gate]);
    let silu = graph.node("Mul", &[gate, &sigmoid]);
    graph.node("Mul", &[&silu, up])
}

/// Cosines and sines of some tokens' angles, `[tokens, 1, dim / 2]` each, in float32 as the reference computes them.
#[derive(Clone)]
pub(crate) struct Angles {
    cosines: Value,
    sines: Value,
}

impl Angles {
    /// Of tokens at `positions`, `[tokens]`.
    pub(crate) fn new(graph: &mut Graph, positions: &Value, frequencies: Vec<f32>) -> Self {
        let shape = [1, 1, frequencies.len()];
        let data = Data::Numbers(frequencies);
        let frequencies = graph.weight("frequencies", ElementType::F32, &shape, data);
        let positions = cast(graph, positions, ElementType::F32);
        let column = graph.integers("position_shape", &[-1, 1, 1]);
        let positions = graph.node("Reshape", &[&positions, &column]);
        let angles = graph.node("Mul", &[&positions, &frequencies]);
        Self {
            cosines: graph.node("Cos", &[&angles]),
            sines: graph.node("Sin", &[&angles]),
        }
    }

    /// For queries: a turn by these also divides by `sqrt(dim)`, as attention does.
    pub(crate) fn scaled(&self, graph: &mut Graph, constants: &Constants) -> Self {
        Self {
            cosines: graph.node("Mul", &[&self.cosines, &constants.query_scale]),
            sines: graph.node("Mul", &[&self.sines, &constants.query_scale]),
        }
    }

    /// Those of some of the tokens.
    pub(crate) fn of(&self, graph: &mut Graph, tokens: &Value) -> Self {
        Self {
            cosines: graph.node("Gather", &[&self.cosines, tokens]),
            sines: graph.node("Gather", &[&self.sines, tokens]),
        }
    }
}

/// Rotary positions (arXiv:2104.09864), the half-split pairing of Llama and LLaDA: dimension `i` turns with `i + dim/2`.
///
/// `x` and the result are `[tokens, heads * dim]`. A `norm`, `[dim]`, is of each head before it is turned.
pub(crate) fn turned(
    graph: &mut Graph,
    x: &Value,
    angles: &Angles,
    shapes: &HeadShapes,
    norm: Option<(&Constants, &Value)>,
) -> Value {
    let mut split = graph.node("Reshape", &[x, &shapes.split]);
    if let Some((constants, weight)) = norm {
        split = rms_norm(graph, constants, &split, weight);
    }
    let halves = vec![
        ("axis", Attribute::Int(-1)),
        ("num_outputs", Attribute::Int(2)),
    ];
    let (low, high) = graph.pair("Split", &[&split], halves);
    let mut product = |x: &Value, angle: &Value| graph.node("Mul", &[x, angle]);
    let low_cosine = product(&low, &angles.cosines);
    let high_sine = product(&high, &angles.sines);
    let high_cosine = product(&high, &angles.cosines);
    let low_sine = product(&low, &angles.sines);
    let low = graph.node("Sub", &[&low_cosine, &high_sine]);
    let high = graph.node("Add", &[&high_cosine, &low_sine]);
    let last = vec![("axis", Attribute::Int(-1))];
    let turned = graph.with("Concat", &[&low, &high], last);
    graph.node("Reshape", &[&turned, &shapes.joined])
}

/// What attention works on.
pub(crate) struct Attended<'a> {
    pub(crate) queries: &'a Queries,
    /// `[rows, context, key heads * dim]`, turned.
    pub(crate) keys: &'a Value,
    /// `[rows, context, key heads * dim]`
    pub(crate) values: &'a Value,
}

impl Attended<'_> {
    /// `softmax(q kᵀ + bias) v` of queries `[asking, query heads * dim]`, already scaled; of the same shape.
    ///
    /// Query heads that share a key head are stacked to one taller matrix.
    pub(crate) fn attend(&self, graph: &mut Graph, constants: &Constants, q: &Value) -> Value {
        let order = |order: &[i64]| vec![("perm", Attribute::Ints(order.to_vec()))];
        let q = graph.node("Gather", &[q, &self.queries.spread]);
        let q = graph.node("Reshape", &[&q, &constants.grouped]);
        let q = graph.with("Transpose", &[&q], order(&[0, 2, 3, 1, 4]));
        let q = graph.node("Reshape", &[&q, &constants.stacked_queries]);
        let keys = graph.node("Reshape", &[self.keys, &constants.context]);
        let keys = graph.with("Transpose", &[&keys], order(&[0, 2, 3, 1]));
        let scores = graph.node("MatMul", &[&q, &keys]);
        let scores = graph.node("Reshape", &[&scores, &constants.scores]);
        let scores = graph.node("Add", &[&scores, &self.queries.bias]);
        let shares = graph.with("Softmax", &[&scores], vec![("axis", Attribute::Int(-1))]);
        let shares = graph.node("Reshape", &[&shares, &constants.stacked]);
        let values = graph.node("Reshape", &[self.values, &constants.context]);
        let values = graph.with("Transpose", &[&values], order(&[0, 2, 1, 3]));
        let sums = graph.node("MatMul", &[&shares, &values]);
        let sums = graph.node("Reshape", &[&sums, &constants.unstacked]);
        let sums = graph.with("Transpose", &[&sums], order(&[0, 3, 1, 2, 4]));
        let sums = graph.node("Reshape", &[&sums, &constants.flat]);
        graph.node("Gather", &[&sums, &self.queries.gather])
    }
}
