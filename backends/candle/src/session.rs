//! A loaded model and its sessions.

use std::sync::Arc;

use rayon::ThreadPool;
use unmask_sdk::{
    BackendError, Capabilities, LogitsMut, Model, ModelFacts, Pass, Session, SessionSpec, memory,
};

use crate::models::Llada;
use crate::precision::Precision;
use crate::slot::LayerCache;
use crate::{device, device_error};

/// Weights and the threads that compute with them.
pub(crate) struct CandleModel {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) network: Llada,
    pub(crate) precision: Precision,
    pub(crate) threads: ThreadPool,
}

struct CandleSession {
    shared: Arc<Shared>,
    /// By slot, then by layer.
    slots: Vec<Vec<LayerCache>>,
}

impl Model for CandleModel {
    fn facts(&self) -> ModelFacts {
        let network = &self.shared.network;
        ModelFacts {
            vocab: network.vocab(),
            max_positions: network.max_positions(),
            memory_bytes: network.memory_bytes,
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
        let (layers, heads) = (network.n_layers(), network.heads());
        let needed = heads.cache_bytes(layers, spec);
        let (_, free) = device::memory();
        memory::check_cache(spec, needed, free)?;
        let layer = |_| LayerCache::new(heads, spec.capacity as usize);
        let slot = |_| (0..layers).map(layer).collect();
        let slots: candle_core::Result<_> = (0..spec.slots).map(slot).collect();
        Ok(Box::new(CandleSession {
            shared: Arc::clone(&self.shared),
            slots: slots.map_err(device_error)?,
        }))
    }
}

impl Session for CandleSession {
    fn forward(&mut self, pass: &Pass<'_>, out: LogitsMut<'_>) -> Result<(), BackendError> {
        let (shared, slots) = (&self.shared, &mut self.slots);
        shared
            .threads
            .install(|| shared.network.forward(pass, slots, out))
    }
}
