//! A loaded model and its sessions.

use std::sync::{Arc, Mutex, PoisonError};

use unmask_sdk::{BackendError, LogitsMut, Model, ModelFacts, Pass, Session, SessionSpec, memory};

use crate::device::{Place, failed};
use crate::models::Llada;
use crate::slot::{CacheSizes, LayerCache};

pub(crate) struct MlxModel {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    /// One pass at a time: MLX's arrays may move between threads but not be used by two at once, and a pass keeps the whole
    /// device busy.
    pub(crate) network: Mutex<Llada>,
    pub(crate) place: Place,
    pub(crate) sizes: CacheSizes,
    pub(crate) facts: ModelFacts,
}

struct MlxSession {
    shared: Arc<Shared>,
    /// By slot, then by layer.
    slots: Vec<Vec<LayerCache>>,
}

impl Model for MlxModel {
    fn facts(&self) -> ModelFacts {
        self.shared.facts.clone()
    }

    fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        let Shared { place, sizes, .. } = *self.shared;
        let needed = sizes.bytes(spec);
        let (_, free) = place.memory();
        memory::check_cache(spec, needed, free)?;
        // Held while arrays are made: see `Shared::network`.
        let _one = self
            .shared
            .network
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let layer = |_| LayerCache::new(sizes, spec.capacity);
        let slot = |_| (0..sizes.layers).map(layer).collect();
        let slots: mlx_rs::error::Result<_> = place.run(|| (0..spec.slots).map(slot).collect());
        Ok(Box::new(MlxSession {
            shared: Arc::clone(&self.shared),
            slots: slots.map_err(failed)?,
        }))
    }
}

impl Session for MlxSession {
    fn forward(&mut self, pass: &Pass<'_>, out: LogitsMut<'_>) -> Result<(), BackendError> {
        let (shared, slots) = (&self.shared, &mut self.slots);
        let network = shared
            .network
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        shared.place.run(|| network.forward(pass, slots, out))
    }
}
