use std::ops::ControlFlow;
use std::sync::Arc;

use unmask_api::{Attention, LoadProgress, Model};

use super::{Answering, Failure, LoadRequest, Loaded};
use crate::sampler::strategies::Begin;

/// A model that is ready for turns.
pub struct ReadyModel {
    /// The weights.
    pub model: Box<dyn Model>,
    /// How it attends.
    pub attention: Attention,
    /// The strategies that settings choose from: [`STRATEGIES`](crate::sampler::strategies::STRATEGIES).
    pub strategies: &'static [Begin],
    /// What the world may know of it.
    pub loaded: Arc<Loaded>,
}

/// A model that answers.
pub enum Ready {
    /// On this machine.
    Here(ReadyModel),
    /// Elsewhere.
    Away(Box<dyn Answering>),
}

impl Ready {
    /// What the world may know of it.
    #[must_use]
    pub fn loaded(&self) -> Arc<Loaded> {
        match self {
            Self::Here(ready) => Arc::clone(&ready.loaded),
            Self::Away(away) => away.loaded(),
        }
    }
}

/// Finds and loads models for the engine.
pub trait Loader: Send {
    /// Loads what `request` names; `progress` hears of it and may break it off.
    ///
    /// # Errors
    /// If the model or its backend is missing, damaged, too large, or the load was broken off.
    fn load(
        &mut self,
        request: &LoadRequest,
        progress: &(dyn Fn(LoadProgress<'_>) -> ControlFlow<()> + Sync),
    ) -> Result<Ready, Failure>;
}
