//! The denoising loop: one primitive, *denoise from a given canvas*, one step at a time.

use std::time::Duration;

use unmask_api::{BackendError, CancelFlag, Model, Position, TokenId};

use crate::event::{Commit, CommitKind, FinishReason, Stats, StepEvent};
use crate::family::SpecialIds;
use crate::params::{CacheMode, Rules};
use crate::sampler::{Candidate, Judge, Noise, Plan, PlanError, Seeded, StepPlan, Walk, choose};
use crate::scorer::{Question, Scorer};
use crate::{Canvas, Params};

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

/// A canvas being denoised.
pub struct Denoise {
    scorer: Scorer,
    params: Params,
    special: SpecialIds,
    noise: Box<dyn Noise>,
    canvas: Canvas,
    unconditional: Vec<TokenId>,
    walk: Walk,
    nfe: usize,
    committed: usize,
    /// Whole-canvas forwards that caches left out.
    cached_share: f32,
    reason: Option<FinishReason>,
}

impl Denoise {
    /// Begins on `canvas`, with noise from the seed. One that was stopped goes on with the steps that remained of its plan,
    /// see [`Walk::going_on`].
    ///
    /// # Errors
    /// If the settings do not fit the canvas or the model, or the backend has no room for it.
    pub fn new(
        model: &dyn Model,
        special: SpecialIds,
        canvas: Canvas,
        params: Params,
    ) -> Result<Self, DenoiseError> {
        let noise = Box::new(Seeded(params.seed));
        Self::with_noise(model, special, canvas, params, noise)
    }

    /// Begins on `canvas`, with noise as given.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_noise(
        model: &dyn Model,
        special: SpecialIds,
        canvas: Canvas,
        params: Params,
        noise: Box<dyn Noise>,
    ) -> Result<Self, DenoiseError> {
        let plan = Plan::new(&canvas, &params)?;
        let scorer = Scorer::new(model, canvas.len(), params.cfg_scale > 0.0)?;
        let cached = params.cache != CacheMode::Off;
        if cached && !(scorer.facts().capabilities).has(unmask_api::Capabilities::KV_CACHE) {
            return Err(DenoiseError::NoCache);
        }
        Ok(Self {
            scorer,
            special,
            noise,
            unconditional: Vec::new(),
            walk: Walk::new(plan, params.rules, params.cache).going_on(&canvas),
            canvas,
            params,
            nfe: 0,
            committed: 0,
            cached_share: 0.0,
            reason: None,
        })
    }

    /// The canvas as it stands.
    #[must_use]
    pub fn canvas(&self) -> &Canvas {
        &self.canvas
    }

    /// Steps of the plan so far, those included that had nothing to do and were skipped.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.walk.calls()
    }

    /// Why denoising has ended, once [`step`](Self::step) has returned `None`.
    #[must_use]
    pub fn reason(&self) -> Option<FinishReason> {
        self.reason
    }

    /// Totals so far; times are the caller's to measure.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let end = self.end_of_text();
        Stats {
            steps: self.nfe,
            nfe: self.nfe,
            nfe_saved: self.nfe_saved(),
            committed: self.committed,
            text_tokens: end - self.canvas.answer_start(),
            elapsed: Duration::ZERO,
        }
    }

    /// Makes one step; `None` when there is nothing left to do. The event's `elapsed` is the caller's to fill.
    ///
    /// # Errors
    /// If the backend fails or was cancelled; the canvas is then as before the step, and goes on in a run of its own: this
    /// one's caches hold unspecified values.
    pub fn step(&mut self, cancel: &CancelFlag) -> Result<Option<StepEvent>, DenoiseError> {
        if self.params.early_stop && self.end_is_settled() {
            self.reason = Some(FinishReason::EndToken);
            return Ok(None);
        }
        let Some(step) = self.walk.next(&self.canvas) else {
            self.reason = Some(FinishReason::Complete);
            return Ok(None);
        };
        let candidates = self.judge(&step, cancel)?;
        let asked = !candidates.is_empty();
        let candidates = self.committable(candidates);
        let picks = choose(
            &candidates,
            self.params.transfer,
            self.params.rules,
            step.quota,
        );
        let commits = self.commit(&candidates, &picks);
        self.nfe += 1;
        self.committed += commits.len();
        self.cached_share += 1.0 - step.fed.len() as f32 / self.canvas.len() as f32;
        if asked && commits.is_empty() && self.may_give_up() {
            self.walk.give_up_block();
        }
        Ok(Some(StepEvent {
            step: self.nfe,
            steps: self.walk.steps(),
            block: step.index,
            blocks: self.walk.plan().blocks,
            commits,
            masked: self.canvas.masked_in(0..self.canvas.len()).count(),
            elapsed: Duration::ZERO,
            nfe: self.nfe,
            nfe_saved: self.nfe_saved(),
        }))
    }

    fn judge(
        &mut self,
        step: &StepPlan,
        cancel: &CancelFlag,
    ) -> Result<Vec<Candidate>, BackendError> {
        let wanted: Vec<Position> = self.canvas.masked_in(step.candidates.clone()).collect();
        if self.params.cfg_scale > 0.0 {
            hide_given(&self.canvas, &mut self.unconditional);
        }
        let guided = self.params.cfg_scale > 0.0;
        let question = Question {
            tokens: self.canvas.tokens(),
            guidance: guided.then_some((&*self.unconditional, self.params.cfg_scale)),
            padding: self.canvas.padding(),
            fed: step.fed.clone(),
            wanted: &wanted,
        };
        let judge = Judge {
            params: &self.params,
            special: self.special,
            noise: &*self.noise,
        };
        if judge.can_judge_top()
            && let Some(rows) = self.scorer.top(&question, cancel)?
        {
            return Ok(judge.judge_top(step.call, &wanted, rows));
        }
        let rows = self.scorer.logits(&question, cancel)?;
        Ok(judge.judge(step.call, &wanted, rows))
    }

    /// Writes the picks to the canvas. A pick that is the mask itself changes nothing, as in the reference: its position
    /// stays a candidate and the count is not repaired.
    fn commit(&mut self, candidates: &[Candidate], picks: &[usize]) -> Vec<Commit> {
        let mut commits = Vec::with_capacity(picks.len());
        for &pick in picks {
            let candidate = &candidates[pick];
            if candidate.token == self.canvas.mask() {
                continue;
            }
            self.canvas.commit(candidate.at, candidate.token);
            commits.push(Commit {
                at: candidate.at,
                token: candidate.token,
                confidence: candidate.confidence as f32,
                entropy: candidate.entropy,
                kind: CommitKind::New,
                top: candidate.top.clone(),
            });
        }
        commits
    }

    /// Under [`Rules::Settled`] positions that predict the mask itself wait, so that they do not hold up the others.
    fn committable(&self, mut candidates: Vec<Candidate>) -> Vec<Candidate> {
        if self.params.rules == Rules::Settled {
            candidates.retain(|candidate| candidate.token != self.canvas.mask());
        }
        candidates
    }

    /// True if a block whose last step committed nothing is to be left: another step would answer the same, or enough
    /// were tried.
    fn may_give_up(&self) -> bool {
        match self.params.rules {
            Rules::Llada | Rules::LladaApp => false,
            Rules::FastV0 | Rules::FastV1 | Rules::Settled => {
                self.params.temperature == 0.0 || self.walk.is_overdue()
            }
        }
    }

    /// True if the open block has no masks left, no mask stands before the answer's end token, and every pin does: the
    /// visible text is final.
    fn end_is_settled(&self) -> bool {
        let end = self.end_of_text();
        let found = end < self.canvas.len() && self.special.is_end(self.canvas.tokens()[end]);
        let open = self.walk.open_block();
        let masked = |range| self.canvas.masked_in(range).next().is_some();
        found && !masked(open) && !masked(0..end)
    }

    /// The answer's first mask or end token, those before a pin not counted as ends; else the canvas's end.
    fn end_of_text(&self) -> usize {
        let (tokens, pinned) = (self.canvas.tokens(), self.canvas.pinned_until());
        let stops = |&index: &usize| {
            let token = tokens[index];
            token == self.canvas.mask() || (index >= pinned && self.special.is_end(token))
        };
        let mut answer = self.canvas.answer_start()..tokens.len();
        answer.find(stops).unwrap_or(tokens.len())
    }

    fn nfe_saved(&self) -> f32 {
        let planned = match self.reason {
            Some(_) => self.walk.steps(),
            None => self.walk.planned(),
        };
        planned.saturating_sub(self.nfe) as f32 + self.cached_share
    }
}

/// The canvas as guidance's unconditional half sees it: every token masked that was there before denoising began.
fn hide_given(canvas: &Canvas, tokens: &mut Vec<TokenId>) {
    tokens.clear();
    tokens.extend(canvas.tokens().iter().enumerate().map(|(index, &token)| {
        if canvas.is_given(Position(index as u32)) {
            canvas.mask()
        } else {
            token
        }
    }));
}

#[cfg(test)]
pub(crate) mod tests;
