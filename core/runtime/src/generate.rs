//! Joins a model and a canvas being denoised: asks, scores and tells, one step a call.

use std::time::Duration;

use unmask_api::{Attention, BackendError, CancelFlag, Capabilities, Model};

use crate::denoise::{Ask, Denoise, OutputRows, PendingQuestion};
use crate::event::StepEvent;
use crate::params::{CacheMode, Transfer};
use crate::sampler::PlanError;
use crate::scorer::{KvCache, Question, Room, Scorer, Seat};

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
    /// A token is to be verified, for which the model lacks masks.
    #[error("this backend takes no attention masks, which wino needs; turn wino off")]
    NoMask,
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// A canvas being denoised in a session.
pub struct Generation {
    denoise: Denoise,
    scorer: Scorer,
}

impl Generation {
    /// Opens a session for a canvas.
    ///
    /// # Errors
    /// If the settings do not fit the model, or the backend has no room.
    pub fn new(model: &dyn Model, denoise: Denoise) -> Result<Self, DenoiseError> {
        Self::after(model, Attention::Bidirectional, denoise, None)
    }

    /// Goes on in the session of the turn before, if it holds what this one can use; else opens one.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn after(
        model: &dyn Model,
        attention: Attention,
        denoise: Denoise,
        before: Option<Scorer>,
    ) -> Result<Self, DenoiseError> {
        let room = room(model, attention, &denoise)?;
        let before = before.filter(|it| it.is_worth_keeping_for(&room));
        // One that cannot grow makes room for one that is long enough; that one's error is told.
        let grown = before.and_then(|mut it| it.reserve(room.length).is_ok().then_some(it));
        let scorer = match grown {
            Some(scorer) => scorer,
            None => Scorer::new(model, room)?,
        };
        Ok(Self { denoise, scorer })
    }

    /// The session, for the turn after this one, if that can use what it holds.
    #[must_use]
    pub fn into_kept(self) -> Option<Scorer> {
        Some(self.scorer).filter(Scorer::holds_prefix)
    }

    /// What is being denoised: the canvas, the totals, why it has ended.
    #[must_use]
    pub fn denoise(&self) -> &Denoise {
        &self.denoise
    }

    /// Time that the session took for the last step.
    #[must_use]
    pub fn forward_time(&self) -> Duration {
        self.scorer.forward_time()
    }

    /// Makes one step; `None` when there is nothing left to do. The event's times are the caller's to fill.
    ///
    /// # Errors
    /// If the backend fails or was cancelled; the canvas is then as before the step, and goes on in a run of its own: this
    /// one's caches hold unspecified values.
    pub fn step(&mut self, cancel: &CancelFlag) -> Result<Option<StepEvent>, DenoiseError> {
        // It may have grown.
        self.scorer.reserve(self.denoise.canvas().len())?;
        let Ask::Question(asked) = self.denoise.ask() else {
            return Ok(None);
        };
        self.scorer.ask(&[asked.question()], cancel)?;
        Ok(Some(answer(&mut self.scorer, 0, asked)?))
    }
}

/// What the session of a canvas is opened for.
///
/// # Errors
/// If the settings ask for what the model does not have.
pub fn room(
    model: &dyn Model,
    attention: Attention,
    denoise: &Denoise,
) -> Result<Room, DenoiseError> {
    let capabilities = model.facts().capabilities;
    let keeps = capabilities.has(Capabilities::KV_CACHE);
    let params = denoise.params();
    let takes_masks = capabilities.has(Capabilities::ATTENTION_MASK);
    if matches!(params.transfer, Transfer::Wino(_)) && !takes_masks {
        return Err(DenoiseError::NoMask);
    }
    if params.cache != CacheMode::Off && !keeps {
        return Err(DenoiseError::NoCache);
    }
    Ok(Room {
        length: denoise.canvas().len(),
        questions: 1,
        guided: params.cfg_scale > 0.0,
        kv_cache: match (params.cache, attention) {
            (CacheMode::Off, Attention::Bidirectional) => KvCache::Off,
            // What is finished is never computed again: exact, so that nobody has to ask for it.
            (CacheMode::Off, _) if keeps => KvCache::On,
            (CacheMode::Off, _) => KvCache::Off,
            (CacheMode::Prefix | CacheMode::Dual, _) => KvCache::On,
        },
        attention,
    })
}

/// Makes one step of each of several canvases with one forward, each in a seat of its own in the same session. None of them has
/// ended, none has a [shadow](crate::scorer::Shadow), and there is room for each. The events' times are the caller's to fill.
///
/// # Errors
/// If the backend fails or was cancelled; the canvases are then as before the step, and may be asked again. One whose answer
/// could not be read is told by itself.
pub fn step_together(
    scorer: &mut Scorer,
    canvases: &mut [(&mut Denoise, Seat)],
    cancel: &CancelFlag,
) -> Result<Vec<Result<StepEvent, BackendError>>, BackendError> {
    let mut seats = Vec::with_capacity(canvases.len());
    let mut asked = Vec::with_capacity(canvases.len());
    for (denoise, seat) in canvases {
        if let Ask::Question(question) = denoise.ask() {
            asked.push(question);
            seats.push(*seat);
        }
    }
    let questions: Vec<Question<'_>> = asked.iter().map(PendingQuestion::question).collect();
    scorer.ask_in(&questions, &seats, cancel)?;
    drop(questions);
    let asked = asked.into_iter().enumerate();
    Ok(asked
        .map(|(index, asked)| answer(scorer, index, asked))
        .collect())
}

/// Tells a canvas what the last forward says to its question, the one at `index`.
fn answer(
    scorer: &mut Scorer,
    index: usize,
    asked: PendingQuestion<'_>,
) -> Result<StepEvent, BackendError> {
    if let Some(form) = asked.short_form()
        && let Some(rows) = scorer.short_rows(index, &form)?
    {
        return Ok(asked.tell(OutputRows::Top(rows)));
    }
    let rows = scorer.whole_rows(index)?;
    Ok(asked.tell(OutputRows::Logits(rows)))
}

#[cfg(test)]
pub(crate) mod tests;
