//! A decoder of dense transformer layers, as [`Decoder`] describes it, as a graph.

use std::sync::Arc;

use unmask_sdk::decoder::{Decoder, NormSpec};
use unmask_sdk::weights::Weights;
use unmask_sdk::{BackendError, LoadSpec, Progress};

use super::Network;
use crate::graph::{Data, ElementType, Graph, Value};
use crate::layers::{self, Angles, Attended, Constants, Factor};
use crate::loader::MatrixLoader;
use crate::matrix::Matrix;
use crate::ports::{Ports, Queries};
use crate::precision::Precision;
use crate::slot::CacheSizes;

/// Builds the graph.
///
/// # Errors
/// As `Backend::load`.
pub(super) fn build(
    spec: &LoadSpec,
    precision: Precision,
    cache_kind: ElementType,
    progress: &Progress<'_>,
) -> Result<Network, BackendError> {
    let config = Decoder::read(spec)?;
    let weights = Arc::new(Weights::open(&spec.weights)?);
    let mut graph = Graph::default();
    let norms = Norms::load(&mut graph, &weights, &config)?;
    let embedding = embedding(&mut graph, &weights, &config)?;
    let loader = MatrixLoader {
        weights: &weights,
        precision,
        cache_folder: spec.cache_folder.as_deref(),
        progress,
    };
    let outline = empty(&config, cache_kind);
    let loaded = loader.load(&mut graph, &outline.matrices)?;
    let ports = Ports::declare(&mut graph, &outline.caches, config.vocab);
    let constants = Constants::new(&mut graph, config.heads, config.eps);
    let mut body = Body {
        config: &config,
        ports: &ports,
        constants: &constants,
        graph,
    };
    let logits = body.all(&embedding, &norms, &loaded.matrices);
    let mut graph = body.graph;
    ports.answer(&mut graph, &logits);
    Ok(Network {
        graph,
        matrix_bytes: loaded.matrix_bytes,
        held_bytes: loaded.held_bytes,
        notes: loaded.notes,
        ..outline
    })
}

/// The inputs and outputs of what [`build`] builds, without anything between them.
///
/// # Errors
/// As `Backend::load`, as far as it concerns `config.json`.
pub(super) fn outline(spec: &LoadSpec, cache_kind: ElementType) -> Result<Network, BackendError> {
    let config = Decoder::read(spec)?;
    let mut network = empty(&config, cache_kind);
    Ports::declare(&mut network.graph, &network.caches, config.vocab);
    Ok(network)
}

fn empty(config: &Decoder, cache_kind: ElementType) -> Network {
    Network {
        graph: Graph::default(),
        vocab: config.vocab,
        max_positions: config.max_positions,
        caches: CacheSizes {
            layers: config.layers.len(),
            heads: config.heads,
            kind: cache_kind,
        },
        matrices: config.matrices().cloned().collect(),
        matrix_bytes: 0,
        held_bytes: 0,
        notes: Vec::new(),
    }
}

/// Weight and bias of a norm, `[width]` each.
struct Norm {
    weight: Value,
    bias: Option<Value>,
}

/// The norms of a layer.
struct LayerNorms {
    attention: Norm,
    /// Of each query head and of each key head.
    heads: Option<(Norm, Norm)>,
    mlp: Norm,
}

struct Norms {
    layers: Vec<LayerNorms>,
    last: Norm,
}

impl Norms {
    fn load(
        graph: &mut Graph,
        weights: &Arc<Weights>,
        config: &Decoder,
    ) -> Result<Self, BackendError> {
        let mut read = |spec: &NormSpec| {
            let mut part = |name: &String| {
                let weight = weights.shaped(name, &[spec.width])?;
                let data = Data::f32(weights, &weight)?;
                let name = name.clone();
                Ok::<_, BackendError>(graph.weight(name, ElementType::F32, &[spec.width], data))
            };
            let weight = part(&spec.weight)?;
            let bias = spec.bias.as_ref().map(part).transpose()?;
            Ok::<_, BackendError>(Norm { weight, bias })
        };
        let mut layers = Vec::new();
        for layer in &config.layers {
            layers.push(LayerNorms {
                attention: read(&layer.attn_norm)?,
                heads: match &layer.head_norms {
                    Some((queries, keys)) => Some((read(queries)?, read(keys)?)),
                    None => None,
                },
                mlp: read(&layer.mlp_norm)?,
            });
        }
        Ok(Self {
            layers,
            last: read(&config.norm)?,
        })
    }
}

/// The table of embeddings as the file has it, read row by row where it is.
fn embedding(
    graph: &mut Graph,
    weights: &Arc<Weights>,
    config: &Decoder,
) -> Result<Value, BackendError> {
    let name = &config.embedding;
    let shape = [config.vocab, config.width];
    let weight = weights.shaped(name, &shape)?;
    // Integers hide what is not finite in the rows that go in.
    weight.check_finite()?;
    let as_it_is = ElementType::of_floats(weight.dtype)
        .and_then(|kind| Some((kind, Data::mapped(weights, &weight, kind)?)));
    let (kind, data) = match as_it_is {
        Some(as_it_is) => as_it_is,
        None => (ElementType::F32, Data::f32(weights, &weight)?),
    };
    Ok(graph.weight(format!("{name}.rows"), kind, &shape, data))
}

/// One block's matrices, in the order of [`Decoder::matrices`].
struct Block<'a> {
    k: &'a Matrix,
    v: &'a Matrix,
    q: &'a Matrix,
    attn_out: &'a Matrix,
    gate: &'a Matrix,
    up: &'a Matrix,
    down: &'a Matrix,
}

/// The angles of all fed tokens.
struct Turns {
    keys: Angles,
    queries: Angles,
}

struct Body<'a> {
    config: &'a Decoder,
    ports: &'a Ports,
    constants: &'a Constants,
    graph: Graph,
}

impl Body<'_> {
    /// The logits of the wanted rows, `[wanted, vocab]`, not yet an output.
    fn all(&mut self, embedding: &Value, norms: &Norms, matrices: &[Matrix]) -> Value {
        let mut x = self.embed(embedding);
        let angles = self.angles();
        let (blocks, rest) = matrices.as_chunks::<7>();
        for (layer, [k, v, q, attn_out, gate, up, down]) in blocks.iter().enumerate() {
            let block = Block {
                k,
                v,
                q,
                attn_out,
                gate,
                up,
                down,
            };
            x = self.block(layer, x, &angles, &norms.layers[layer], &block);
        }
        let head = rest.first().expect("the head is asked for last");
        let normed = self.normed(&x, &norms.last, head);
        let logits = layers::linear(&mut self.graph, self.constants, &normed, head);
        if self.config.logit_scale == 1.0 {
            return logits;
        }
        let factor = self.graph.number("logit_scale", self.config.logit_scale);
        self.graph.node("Mul", &[&logits, &factor])
    }

    /// `[fed, width]`
    fn embed(&mut self, embedding: &Value) -> Value {
        let graph = &mut self.graph;
        let rows = graph.node("Gather", &[embedding, &self.ports.tokens]);
        let x = layers::cast(graph, &rows, ElementType::F32);
        if self.config.embedding_scale == 1.0 {
            return x;
        }
        let factor = graph.number("embedding_scale", self.config.embedding_scale);
        graph.node("Mul", &[&x, &factor])
    }

    fn angles(&mut self) -> Turns {
        let frequencies = self.config.frequencies.clone();
        let keys = Angles::new(&mut self.graph, &self.ports.positions, frequencies);
        let queries = keys.scaled(&mut self.graph, self.constants);
        Turns { keys, queries }
    }

    fn normed(&mut self, x: &Value, norm: &Norm, reader: &Matrix) -> Factor {
        let graph = &mut self.graph;
        let mut normed = layers::rms_norm(graph, self.constants, x, &norm.weight);
        if let Some(bias) = &norm.bias {
            normed = graph.node("Add", &[&normed, bias]);
        }
        Factor::new(graph, self.constants, normed, reader)
    }

    fn block(
        &mut self,
        layer: usize,
        mut x: Value,
        angles: &Turns,
        norms: &LayerNorms,
        block: &Block<'_>,
    ) -> Value {
        let (ports, constants) = (self.ports, self.constants);
        let head_norms = norms.heads.as_ref();
        let query_norm = head_norms.map(|(queries, _)| (constants, &queries.weight));
        let key_norm = head_norms.map(|(_, keys)| (constants, &keys.weight));
        let mut normed = self.normed(&x, &norms.attention, block.k);
        let graph = &mut self.graph;
        let keys = layers::linear(graph, constants, &normed, block.k);
        let keys = layers::turned(graph, &keys, &angles.keys, &constants.key_heads, key_norm);
        let values = layers::linear(graph, constants, &normed, block.v);
        let [keys, values] = ports.remember(graph, layer, &keys, &values);

        // Whoever is not wanted has done its part once its last keys and values are written.
        let last = layer + 1 == self.config.layers.len();
        let (queries, query_angles): (&Queries, Angles) = if last {
            x = graph.node("Gather", &[&x, &ports.wanted]);
            let angles = angles.queries.of(graph, &ports.wanted);
            normed = self.normed(&x, &norms.attention, block.q);
            (&ports.last, angles)
        } else {
            (&ports.all, angles.queries.clone())
        };
        let graph = &mut self.graph;
        let q = layers::linear(graph, constants, &normed, block.q);
        let q = layers::turned(graph, &q, &query_angles, &constants.query_heads, query_norm);
        let attended = Attended {
            queries,
            keys: &keys,
            values: &values,
        };
        let attended = attended.attend(graph, constants, &q);
        let attended = Factor::new(graph, constants, attended, block.attn_out);
        let update = layers::linear(graph, constants, &attended, block.attn_out);
        let x = graph.node("Add", &[&x, &update]);

        let normed = self.normed(&x, &norms.mlp, block.gate);
        let graph = &mut self.graph;
        let gate = layers::linear(graph, constants, &normed, block.gate);
        let up = layers::linear(graph, constants, &normed, block.up);
        let gated = layers::gated(graph, &gate, &up);
        let gated = Factor::new(graph, constants, gated, block.down);
        let update = layers::linear(graph, constants, &gated, block.down);
        graph.node("Add", &[&x, &update])
    }
}
