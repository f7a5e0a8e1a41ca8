//! Joins a model and a canvas being denoised: asks, scores and tells, one step a call.

use unmask_api::{BackendError, CancelFlag, Capabilities, Model};

use crate::denoise::{Answer, Ask, Denoise};
use crate::event::StepEvent;
use crate::params::CacheMode;
use crate::sampler::PlanError;
use crate::scorer::{Keeping, Scorer};

/// Why denoising cannot begin or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DenoiseError {
    /// The settings do not fit the canvas.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A cache is asked for that the model does not have.
    #[error("this backend keeps no K/V cache; set cache to off")]
    NoCache,
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// A canvas being denoised with a session of its own.
pub struct Generation<'a> {
    model: &'a dyn Model,
    denoise: Denoise,
    scorer: Scorer,
    /// Positions that the session holds.
    capacity: usize,
}

impl<'a> Generation<'a> {
    /// Opens a session for a canvas.
    ///
    /// # Errors
    /// If the settings do not fit the model, or the backend has no room.
    pub fn new(model: &'a dyn Model, denoise: Denoise) -> Result<Self, DenoiseError> {
        let keeps = model.facts().capabilities.has(Capabilities::KV_CACHE);
        if denoise.params().cache != CacheMode::Off && !keeps {
            return Err(DenoiseError::NoCache);
        }
        let scorer = open(model, &denoise)?;
        let capacity = denoise.canvas().len();
        Ok(Self {
            model,
            denoise,
            scorer,
            capacity,
        })
    }

    /// What is being denoised: the canvas, the totals, why it has ended.
    #[must_use]
    pub fn denoise(&self) -> &Denoise {
        &self.denoise
    }

    /// Makes one step; `None` when there is nothing left to do. The event's `elapsed` is the caller's to fill.
    ///
    /// # Errors
    /// If the backend fails or was cancelled; the canvas is then as before the step, and goes on in a run of its own: this
    /// one's caches hold unspecified values.
    pub fn step(&mut self, cancel: &CancelFlag) -> Result<Option<StepEvent>, DenoiseError> {
        self.make_room()?;
        let Ask::Question(asked) = self.denoise.ask() else {
            return Ok(None);
        };
        let question = asked.question();
        if let Some(form) = asked.short_form()
            && let Some(rows) = self.scorer.top(&question, &form, cancel)?
        {
            return Ok(Some(asked.tell(Answer::Top(rows))));
        }
        let rows = self.scorer.logits(&question, cancel)?;
        Ok(Some(asked.tell(Answer::Logits(rows))))
    }

    /// Opens a larger session for a canvas that has grown. What the old one kept is of no use: all positions have moved.
    fn make_room(&mut self) -> Result<(), BackendError> {
        let length = self.denoise.canvas().len();
        if length > self.capacity {
            self.scorer = open(self.model, &self.denoise)?;
            self.capacity = length;
        }
        Ok(())
    }
}

/// A session for the canvas as it is.
fn open(model: &dyn Model, denoise: &Denoise) -> Result<Scorer, BackendError> {
    let params = denoise.params();
    let keeping = match params.cache {
        CacheMode::Off => Keeping::Nothing,
        CacheMode::Prefix | CacheMode::Dual => Keeping::Everything,
    };
    let is_guided = params.cfg_scale > 0.0;
    Scorer::new(model, denoise.canvas().len(), keeping, is_guided)
}

#[cfg(test)]
pub(crate) mod tests;
