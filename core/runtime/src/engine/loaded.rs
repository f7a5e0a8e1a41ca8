use std::sync::Arc;

use unmask_api::{Capabilities, DeviceKind, ModelFacts, TokenId};

use super::ModelText;
use crate::Params;
use crate::concurrency::Concurrency;
use crate::config::TaskPreset;
use crate::family::{FamilyRules, SpecialIds};
use crate::measured::Measurement;
use crate::plugin::Running;
use crate::precision::PrecisionReason;
use crate::provenance::Provenance;
use crate::text::Vocabulary;

/// A model that is ready.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Its key in the configuration.
    pub key: String,
    /// Its name for people: `LLaDA-8B-Instruct`, `demo`.
    pub name: String,
    /// Where it is from.
    pub provenance: Provenance,
    /// The backend's name.
    pub backend: String,
    /// The backend's version.
    pub backend_version: String,
    /// Where the backend runs.
    pub running: Running,
    /// The device's id.
    pub device: String,
    /// The device's name.
    pub device_name: String,
    /// The device's kind; `None` if it is not this machine's.
    pub device_kind: Option<DeviceKind>,
    /// Why it has its precision.
    pub precision_reason: PrecisionReason,
    /// What the backend tells.
    pub facts: ModelFacts,
    /// The ids that steer denoising.
    pub special: SpecialIds,
    /// What its family asks of samplers.
    pub rules: FamilyRules,
    /// The text of each token.
    pub vocabulary: Arc<Vocabulary>,
    /// Text to tokens and back, on any thread: what it refuses is refused before the engine is asked.
    pub text: Arc<dyn ModelText>,
    /// Settings for this model: family preset, checkpoint, configuration, in that order.
    pub defaults: Params,
    /// Length of an answer for this model, likewise.
    pub default_length: usize,
    /// The seed that the configuration says; `None` if it says none, so that each turn may have another one.
    pub default_seed: Option<u64>,
    /// What its modes were measured to cost and to lose, in this precision; `None` if nobody did.
    pub measured: Option<Arc<Measurement>>,
    /// Settings for it by the name of a task.
    pub presets: Vec<TaskPreset>,
    /// Whether another server answers that tells text and no steps: what forwards, tokens and confidences an answer takes is
    /// not known, nor what the next one will cost. Its runs and their totals say so by the same name.
    pub text_alone: bool,
    /// Whether no file, variable, preset or flag says anything of how it denoises.
    pub is_untold: bool,
}

impl Loaded {
    /// True for a token that ends the answer.
    #[must_use]
    pub fn is_end(&self, token: TokenId) -> bool {
        self.special.is_end(token)
    }

    /// What its runs are made of, for people: steps, or parts of a text that came [alone](Self::text_alone).
    #[must_use]
    pub fn step_word(&self) -> &'static str {
        match self.text_alone {
            true => "part",
            false => "step",
        }
    }

    /// What its answers are made of, for people: tokens, or bytes of a text that came [alone](Self::text_alone).
    #[must_use]
    pub fn token_word(&self) -> &'static str {
        match self.text_alone {
            true => "byte",
            false => "token",
        }
    }

    /// True if blocks of the canvas that are final are computed once, over the turns of a conversation too: exactly, whatever
    /// the settings say.
    #[must_use]
    pub fn keeps_final_blocks(&self) -> bool {
        self.rules.attention_block.is_some() && self.facts.capabilities.has(Capabilities::KV_CACHE)
    }

    /// Turns that run on it at once, and those of them that a pass computes.
    #[must_use]
    pub fn at_once(&self, concurrency: Concurrency) -> (usize, usize) {
        let Some(device) = self.device_kind else {
            return (1, 1);
        };
        let can = self.facts.capabilities;
        (
            concurrency.turns(device, can),
            concurrency.batch(device, can),
        )
    }
}
