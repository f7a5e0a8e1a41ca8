//! Denoising without I/O: a value that is asked for its next question and told the answer. Whoever asks owns the session,
//! the clock, and the batch.

mod pending_question;

use std::collections::VecDeque;

use unmask_api::{Position, TokenId, TopRows};

use crate::event::{Commit, CommitKind, FinishReason, Guess, Stats};
use crate::family::{FamilyRules, SpecialIds};
use crate::params::Growth;
use crate::sampler::{
    Candidate, CanvasEdit, Judge, Noise, PlanError, Seeded, StepPlan, Strategy, strategies,
};
use crate::{Canvas, Params};

pub use pending_question::PendingQuestion;

/// A canvas being denoised.
pub struct Denoise {
    canvas: Canvas,
    params: Params,
    special: SpecialIds,
    rules: FamilyRules,
    strategy: Box<dyn Strategy>,
    noise: Box<dyn Noise>,
    unconditional: Vec<TokenId>,
    /// The step that waits for its answer.
    open: Option<StepPlan>,
    /// Rows of logits that predict its wanted positions, ascending.
    rows: Vec<Position>,
    /// Guesses for its wanted positions.
    candidates: Vec<Candidate>,
    /// The canvas between its edits.
    edited: Canvas,
    /// What the next steps make of the canvas in place of what they would, see [`following`](Self::following).
    recorded: VecDeque<Vec<Commit>>,
    /// Whether each position may be written; every one may if there is none.
    writable: Option<Vec<bool>>,
    /// True if positions have moved since the last forward, so that K/V that are kept belong to others.
    has_moved: bool,
    nfe: usize,
    written: usize,
    /// Whole-canvas forwards that caches left out.
    cached_share: f32,
    reason: Option<FinishReason>,
}

/// What denoising needs next.
pub enum Ask<'a> {
    /// The answer to a question.
    Question(PendingQuestion<'a>),
    /// Nothing: it has ended.
    Ended(FinishReason),
}

/// What a model says to a question.
pub enum OutputRows<'a> {
    /// The rows of the question's wanted positions, `[wanted, vocab]`, guidance mixed in; edited at will.
    Logits(&'a mut [f32]),
    /// The same in [short form](PendingQuestion::short_form).
    Top(&'a TopRows),
}

impl Denoise {
    /// Begins on `canvas` with the strategy that the settings ask for, with noise from the seed. A canvas that was stopped
    /// goes on with the steps that remained of its plan.
    ///
    /// # Errors
    /// If the settings do not fit the canvas.
    pub fn new(
        special: SpecialIds,
        rules: FamilyRules,
        canvas: Canvas,
        params: Params,
    ) -> Result<Self, PlanError> {
        let strategy = strategies::begin(strategies::STRATEGIES, &canvas, &params, rules)?;
        Ok(Self::with_strategy(
            special, rules, canvas, params, strategy,
        ))
    }

    /// Begins on `canvas` with another strategy than the settings ask for.
    #[must_use]
    pub fn with_strategy(
        special: SpecialIds,
        rules: FamilyRules,
        canvas: Canvas,
        params: Params,
        strategy: Box<dyn Strategy>,
    ) -> Self {
        Self {
            edited: canvas.clone(),
            canvas,
            special,
            rules,
            strategy,
            noise: Box::new(Seeded(params.seed)),
            params,
            unconditional: Vec::new(),
            open: None,
            rows: Vec::new(),
            candidates: Vec::new(),
            recorded: VecDeque::new(),
            writable: None,
            has_moved: false,
            nfe: 0,
            written: 0,
            cached_share: 0.0,
            reason: None,
        }
    }

    /// Draws from `noise` instead of the seed.
    #[must_use]
    pub fn with_noise(mut self, noise: Box<dyn Noise>) -> Self {
        self.noise = noise;
        self
    }

    /// Writes the masks of the canvas as it stands alone, whatever the strategy edits; no position may move.
    #[must_use]
    pub fn of_masks_alone(mut self) -> Self {
        let mask = self.canvas.mask();
        let is_mask = self.canvas.tokens().iter().map(|&token| token == mask);
        self.writable = Some(is_mask.collect());
        self
    }

    /// Follows a recorded run, whose commits are given a step each: the canvas becomes what it was there, while each step tells
    /// what would be made of it now. One near tie that falls another way is then one difference.
    #[must_use]
    pub fn following(mut self, recorded: Vec<Vec<Commit>>) -> Self {
        self.recorded = recorded.into();
        self
    }

    /// True for an edit of what may be written.
    fn may_make(&self, edit: CanvasEdit) -> bool {
        let Some(writable) = &self.writable else {
            return true;
        };
        match edit {
            CanvasEdit::Write { at, .. } | CanvasEdit::Remask(at) => writable[at.index()],
            CanvasEdit::Insert(..) | CanvasEdit::Remove(_) => false,
        }
    }

    /// The canvas as it stands.
    #[must_use]
    pub fn canvas(&self) -> &Canvas {
        &self.canvas
    }

    /// How it is denoised.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Steps of the plan so far, those included that had nothing to do and were skipped.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.strategy.progress().calls
    }

    /// Why denoising has ended, if it has.
    #[must_use]
    pub fn reason(&self) -> Option<FinishReason> {
        self.reason
    }

    /// Totals so far; times are the caller's to measure.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            steps: self.nfe,
            nfe: self.nfe,
            nfe_saved: self.nfe_saved(),
            committed: self.written,
            text_tokens: self.end_of_text() - self.canvas.answer_start(),
            ..Stats::default()
        }
    }

    /// What the last step judged and left masked.
    #[must_use]
    pub fn guesses(&self) -> Vec<Guess> {
        if self.has_moved {
            return Vec::new();
        }
        let judged = self.candidates.iter();
        let left = judged.filter(|it| self.canvas.is_masked(it.at));
        let guess = |it: &Candidate| Guess {
            at: it.at,
            token: it.token,
            confidence: it.confidence as f32,
        };
        let mut guesses: Vec<Guess> = left.map(guess).collect();
        guesses.sort_by_key(|guess| guess.at);
        guesses
    }

    /// The next question. The same one until it is answered; the canvas is then as it was.
    pub fn ask(&mut self) -> Ask<'_> {
        if self.open.is_none() && self.reason.is_none() {
            self.open_step();
        }
        match self.open {
            Some(_) => Ask::Question(PendingQuestion { denoise: self }),
            None => Ask::Ended(self.reason.unwrap_or_else(|| self.carried_out())),
        }
    }

    fn open_step(&mut self) {
        if self.params.early_stop && self.end_is_final() {
            self.reason = Some(FinishReason::EndToken);
            return;
        }
        let Some(mut step) = self.strategy.next(&self.canvas) else {
            self.reason = Some(self.carried_out());
            return;
        };
        if self.has_ended_before(&step) {
            self.reason = Some(FinishReason::EndToken);
            return;
        }
        let predictor = self.rules.predictor;
        let row_of = |at: &Position| Position(predictor.row_of(at.index()) as u32);
        self.rows.clear();
        self.rows.extend(step.wanted.iter().map(row_of));
        // Positions 0 and 1 may share a row.
        self.rows.dedup();
        if self.has_moved {
            step.fed = 0..self.canvas.len();
        }
        if let (0, Some(block)) = (step.fed.start, self.rules.attention_block) {
            // A block that is not fed whole would see cells that nobody wrote.
            let end = step.fed.end.next_multiple_of(block.get() as usize);
            step.fed.end = end.min(self.canvas.len());
        }
        let first = self.rows.first().map_or(step.fed.start, |at| at.index());
        step.fed.start = step.fed.start.min(first);
        if self.params.cfg_scale > 0.0 {
            self.canvas.hide_given(&mut self.unconditional);
        }
        self.open = Some(step);
    }

    /// True if attention is block-causal and an end token stands in a block before that of `step`: the answer stops in the block
    /// of its end token.
    fn has_ended_before(&self, step: &StepPlan) -> bool {
        let Some(block) = self.rules.attention_block else {
            return false;
        };
        // The first token of a block may be asked of the row before it, which is all that is fed then.
        let wanted = step.wanted.last().map_or(0, |at| at.index());
        let at = wanted.max(step.fed.end - 1);
        let finished = self.canvas.pinned_until()..at - at % block.get() as usize;
        let tokens = self.canvas.tokens();
        finished
            .into_iter()
            .any(|index| self.special.is_end(tokens[index]))
    }

    /// Blocks of masks for an answer that grows by blocks, if it has no mask left and no end.
    fn appended(&self, canvas: &Canvas) -> usize {
        let (Growth::Blocks { ceiling }, Some(block)) =
            (self.params.growth, self.rules.attention_block)
        else {
            return 0;
        };
        let answer = &canvas.tokens()[canvas.answer_start()..];
        let ends = |&token: &TokenId| token == canvas.mask() || self.special.is_end(token);
        match answer.iter().any(ends) {
            true => 0,
            false => ceiling
                .saturating_sub(answer.len())
                .min(block.get() as usize),
        }
    }

    /// How a plan that has nothing left to do has ended.
    fn carried_out(&self) -> FinishReason {
        match self.canvas.masked_in(0..self.canvas.len()).next() {
            None => FinishReason::Complete,
            Some(_) => FinishReason::MasksLeft,
        }
    }

    /// True if no mask stands before the answer's end token, every pin does, and nothing before it changes any more: the
    /// visible text is final.
    fn end_is_final(&self) -> bool {
        let end = self.end_of_text();
        let found = (self.canvas.tokens().get(end)).is_some_and(|&it| self.special.is_end(it));
        let is_full = self.canvas.masked_in(0..end).next().is_none();
        found && is_full && end < self.strategy.final_until(&self.canvas)
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
        let progress = self.strategy.progress();
        let planned = match self.reason {
            Some(_) => progress.steps,
            None => progress.planned,
        };
        planned.saturating_sub(self.nfe) as f32 + self.cached_share
    }

    fn judge(&self) -> Judge<'_> {
        Judge {
            params: &self.params,
            special: &self.special,
            noise: &*self.noise,
        }
    }

    /// What an edit comes to on a canvas; `None` if it changes nothing.
    fn commit_of(canvas: &Canvas, edit: CanvasEdit, candidates: &[Candidate]) -> Option<Commit> {
        let bare = |at, token, was, kind| Commit {
            at,
            token,
            was,
            confidence: 0.0,
            entropy: 0.0,
            kind,
            top: Vec::new(),
        };
        let at = match edit {
            CanvasEdit::Insert(at, token) => {
                return Some(bare(at, token, None, CommitKind::Inserted));
            }
            CanvasEdit::Write { at, .. } | CanvasEdit::Remask(at) | CanvasEdit::Remove(at) => at,
        };
        let (now, mask) = (canvas.tokens()[at.index()], canvas.mask());
        let was = Some(now).filter(|&token| token != mask);
        match edit {
            CanvasEdit::Insert(..) => None,
            CanvasEdit::Remove(_) => Some(bare(at, now, was, CommitKind::Deleted)),
            CanvasEdit::Remask(_) => was.map(|_| bare(at, mask, was, CommitKind::Remasked)),
            CanvasEdit::Write { candidate, .. } => {
                let candidate = &candidates[candidate];
                let changes = candidate.token != mask && candidate.token != now;
                changes.then(|| Commit {
                    at,
                    token: candidate.token,
                    was,
                    confidence: candidate.confidence as f32,
                    entropy: candidate.entropy as f32,
                    kind: match was {
                        None => CommitKind::New,
                        Some(_) => CommitKind::Changed,
                    },
                    top: candidate.top.to_vec(),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests;
