//! A loaded model and its sessions.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ort::session::{IoBinding, RunOptions, Session as Runner};
use ort::value::{PrimitiveTensorElementType, Tensor, TensorRefMut};
use unmask_sdk::{
    Attention, BackendError, Capabilities, LogitsMut, Model, ModelFacts, Pass, Session,
    SessionSpec, memory,
};

use crate::device::{self, Place};
use crate::feed::{Feed, QueryFeed};
use crate::models::Network;
use crate::ports::{self, QueryNames};
use crate::precision::Precision;
use crate::runtime::failed;
use crate::slot::LayerCache;
use crate::watch::watched;

/// How often a pass asks whether it is still wanted: far more often than layers of a large model end.
const INTERVAL: Duration = Duration::from_millis(10);

/// A network that the runtime has taken.
pub(crate) struct OnnxModel {
    pub(crate) shared: Arc<Shared>,
}

/// The order matters: the runner borrows the network's weights and is dropped first.
pub(crate) struct Shared {
    /// One run at a time: the binding forbids more, and one already uses all threads.
    pub(crate) runner: Mutex<Runner>,
    pub(crate) place: Place,
    pub(crate) network: Network,
    pub(crate) precision: Precision,
    pub(crate) attention: Attention,
    /// Bytes held, mapped files not counted.
    pub(crate) memory_bytes: u64,
}

/// The order matters: the binding holds the runner too and is dropped before what the runner borrows.
struct OnnxSession {
    binding: IoBinding,
    /// By layer.
    caches: Vec<LayerCache>,
    capacity: u32,
    /// Logits of a pass that wants none.
    unwanted: Vec<f32>,
    shared: Arc<Shared>,
}

impl Model for OnnxModel {
    fn facts(&self) -> ModelFacts {
        let network = &self.shared.network;
        ModelFacts {
            vocab: network.vocab,
            max_positions: network.max_positions,
            memory_bytes: self.shared.memory_bytes,
            precision: self.shared.precision.name().to_owned(),
            capabilities: Capabilities::BATCH
                | Capabilities::KV_CACHE
                | Capabilities::CANCEL
                | Capabilities::CONCURRENT
                | Capabilities::LEFT_PADDING,
            notes: network.notes.join("\n"),
        }
    }

    fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        let network = &self.shared.network;
        let needed = network.heads.cache_bytes(network.n_layers, spec);
        let (_, free) = device::memory();
        memory::check_cache(spec, needed, free)?;
        let cache = |_| LayerCache::new(network.heads, spec, self.shared.place);
        let caches: ort::Result<_> = (0..network.n_layers).map(cache).collect();
        let runner = self.shared.runner.lock();
        let runner = runner.unwrap_or_else(PoisonError::into_inner);
        let binding = runner.create_binding();
        Ok(Box::new(OnnxSession {
            binding: binding.map_err(|error| failed("open a session", error))?,
            caches: caches.map_err(|error| failed("make room for a K/V cache", error))?,
            capacity: spec.capacity,
            unwanted: Vec::new(),
            shared: Arc::clone(&self.shared),
        }))
    }
}

impl Session for OnnxSession {
    fn forward(&mut self, pass: &Pass<'_>, out: LogitsMut<'_>) -> Result<(), BackendError> {
        let shared = Arc::clone(&self.shared);
        let feed = Feed::new(pass, shared.attention, self.capacity);
        let runner = shared.runner.lock();
        let mut runner = runner.unwrap_or_else(PoisonError::into_inner);
        if pass.cancel.is_raised() {
            return Err(BackendError::Cancelled);
        }
        let rows = feed.wanted.len();
        let options = RunOptions::new();
        let options = options.map_err(|error| failed("prepare a pass", error))?;
        let mut unwanted = std::mem::take(&mut self.unwanted);
        unwanted.resize(shared.network.vocab, 0.0);
        let scores = if pass.wanted.is_empty() {
            &mut unwanted[..]
        } else {
            out.scores
        };
        let bound = self.bind(feed, rows, scores);
        let result = bound
            .map_err(|error| failed("take a pass", error))
            .and_then(|()| {
                // It can only fail for a null pointer.
                let stop = || drop(options.terminate());
                watched(
                    INTERVAL,
                    || pass.cancel.is_raised(),
                    stop,
                    || {
                        let run = runner.run_binding_with_options(&self.binding, &options);
                        run.map(drop)
                            .map_err(|error| match pass.cancel.is_raised() {
                                true => BackendError::Cancelled,
                                false => failed("compute a pass", error),
                            })
                    },
                )
            });
        // What was bound borrows from the caller.
        self.binding.clear();
        self.unwanted = unwanted;
        result
    }
}

impl OnnxSession {
    /// Binds everything that a pass reads and writes. The caches are read and written in place: the same memory goes in
    /// as comes out, and the runtime's scatter then copies nothing.
    fn bind(&mut self, feed: Feed, rows: usize, scores: &mut [f32]) -> ort::Result<()> {
        let binding = &mut self.binding;
        for (layer, cache) in self.caches.iter_mut().enumerate() {
            let names = ports::cache_names(layer);
            for (part, [past, present]) in cache.parts.iter_mut().zip(names) {
                binding.bind_input(past, part)?;
                binding.bind_output(present, part)?;
            }
        }
        let (batch, context, fed) = (feed.rows, feed.context, feed.tokens.len());
        put(binding, ports::TOKENS, [fed], feed.tokens)?;
        put(binding, ports::POSITIONS, [fed], feed.positions)?;
        put(binding, ports::CACHE_ROWS, [fed, 1], feed.cache_rows)?;
        put(
            binding,
            ports::CONTEXT_ROWS,
            [batch, context],
            feed.context_rows,
        )?;
        put(binding, ports::WANTED, [rows], feed.wanted)?;
        put_queries(binding, &ports::ALL, batch, context, feed.all)?;
        put_queries(binding, &ports::LAST, batch, context, feed.last)?;
        let shape = [rows, scores.len() / rows];
        let logits = TensorRefMut::from_array_view_mut((shape, scores))?;
        binding.bind_output(ports::LOGITS, logits)
    }
}

fn put_queries(
    binding: &mut IoBinding,
    names: &QueryNames,
    rows: usize,
    context: usize,
    feed: QueryFeed,
) -> ort::Result<()> {
    let queries = feed.queries;
    put(binding, names.spread, [rows, queries], feed.spread)?;
    put(binding, names.gather, [feed.gather.len()], feed.gather)?;
    put(binding, names.bias, [rows, 1, queries, context], feed.bias)
}

fn put<T: PrimitiveTensorElementType + Clone + std::fmt::Debug + 'static, const N: usize>(
    binding: &mut IoBinding,
    name: &str,
    shape: [usize; N],
    numbers: Vec<T>,
) -> ort::Result<()> {
    binding.bind_input(name, &Tensor::from_array((shape, numbers))?)
}
