//! Denoising without I/O: a value that is asked for its next question and told the answer. Whoever asks owns the session,
//! the clock, and the batch.

use std::time::Duration;

use unmask_api::{Position, TokenId, TopRows};

use crate::event::{Commit, CommitKind, FinishReason, Stats, StepEvent};
use crate::family::{FamilyRules, SpecialIds};
use crate::sampler::{
    Candidate, CanvasEdit, Judge, Noise, PlanError, Seeded, StepPlan, Strategy, strategies,
};
use crate::scorer::{Question, ShortForm};
use crate::{Canvas, Params};

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

/// A question that waits for its answer. Dropped without one it is asked again.
pub struct PendingQuestion<'a> {
    // Invariant: a step is open.
    denoise: &'a mut Denoise,
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
            elapsed: Duration::ZERO,
        }
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
        let predictor = self.rules.predictor;
        let row_of = |at: &Position| Position(predictor.row_of(at.index()) as u32);
        self.rows.clear();
        self.rows.extend(step.wanted.iter().map(row_of));
        // Positions 0 and 1 may share a row.
        self.rows.dedup();
        if self.has_moved {
            step.fed = 0..self.canvas.len();
        }
        let first = self.rows.first().map_or(step.fed.start, |at| at.index());
        step.fed.start = step.fed.start.min(first);
        if self.params.cfg_scale > 0.0 {
            self.canvas.hide_given(&mut self.unconditional);
        }
        self.open = Some(step);
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

impl PendingQuestion<'_> {
    fn step(&self) -> &StepPlan {
        let open = self.denoise.open.as_ref();
        open.expect("a question is of an open step")
    }

    /// Which rows are wanted of which tokens.
    #[must_use]
    pub fn question(&self) -> Question<'_> {
        let Denoise { canvas, params, .. } = &*self.denoise;
        let is_guided = params.cfg_scale > 0.0;
        Question {
            tokens: canvas.tokens(),
            guidance: is_guided.then_some((&*self.denoise.unconditional, params.cfg_scale)),
            padding: canvas.padding(),
            fed: self.step().fed.clone(),
            wanted: &self.denoise.rows,
        }
    }

    /// The short form in which the answer is exact too, if there is one.
    #[must_use]
    pub fn short_form(&self) -> Option<ShortForm> {
        self.denoise.judge().short_form()
    }

    /// Names the step's random draws: planned steps so far, skipped ones included.
    #[must_use]
    pub fn call(&self) -> usize {
        self.step().call
    }

    /// What the strategy makes of an answer, in order; the canvas is as it was.
    pub fn propose(&mut self, answer: OutputRows<'_>) -> Vec<Commit> {
        self.judge(answer);
        let Denoise {
            canvas,
            strategy,
            candidates,
            edited,
            ..
        } = &mut *self.denoise;
        let edits = strategy.decide(canvas, candidates);
        edited.copy_from(canvas);
        let mut commits = Vec::with_capacity(edits.len());
        for edit in edits {
            if let Some(commit) = Denoise::commit_of(edited, edit, candidates) {
                edited.apply(&commit);
                commits.push(commit);
            }
        }
        commits
    }

    /// Makes guesses for the wanted positions, in their order.
    fn judge(&mut self, answer: OutputRows<'_>) {
        let mut candidates = std::mem::take(&mut self.denoise.candidates);
        candidates.clear();
        let (judge, call, wanted) = (self.denoise.judge(), self.call(), &self.step().wanted);
        // Position 0 if it shares the row of position 1.
        let (sharing, others) = wanted.split_at(wanted.len() - self.denoise.rows.len());
        match answer {
            OutputRows::Logits(rows) => {
                let vocab = rows.len().checked_div(others.len()).unwrap_or(0);
                let mut shared = rows[..vocab * sharing.len()].to_vec();
                judge.judge(call, sharing, &mut shared, &mut candidates);
                judge.judge(call, others, rows, &mut candidates);
            }
            OutputRows::Top(rows) => {
                judge.judge_top(call, sharing, rows, &mut candidates);
                judge.judge_top(call, others, rows, &mut candidates);
            }
        }
        self.denoise.candidates = candidates;
    }

    /// Makes the step with these commits: those that were [proposed](Self::propose), or those of a recorded run. The event's
    /// `elapsed` is the caller's to fill.
    ///
    /// # Panics
    /// If a commit's position is beyond the canvas.
    pub fn commit(self, commits: Vec<Commit>) -> StepEvent {
        let Self { denoise } = self;
        let open = denoise.open.take();
        let step = open.expect("a question is of an open step");
        let before = denoise.canvas.len();
        commits
            .iter()
            .for_each(|commit| denoise.canvas.apply(commit));
        let is_written = |it: &&Commit| matches!(it.kind, CommitKind::New | CommitKind::Changed);
        let moves = |it: &Commit| matches!(it.kind, CommitKind::Inserted | CommitKind::Deleted);
        denoise.has_moved = commits.iter().any(moves);
        denoise.nfe += 1;
        denoise.written += commits.iter().filter(is_written).count();
        denoise.cached_share += 1.0 - step.fed.len() as f32 / before as f32;
        let progress = denoise.strategy.progress();
        StepEvent {
            step: denoise.nfe,
            steps: progress.steps,
            call: step.call,
            block: step.block,
            blocks: progress.blocks,
            fed: step.fed,
            commits,
            length: denoise.canvas.len(),
            masked: denoise.canvas.masked_in(0..denoise.canvas.len()).count(),
            elapsed: Duration::ZERO,
            nfe: denoise.nfe,
            nfe_saved: denoise.nfe_saved(),
        }
    }

    /// Makes the step with what the strategy makes of the answer.
    pub fn tell(mut self, answer: OutputRows<'_>) -> StepEvent {
        let commits = self.propose(answer);
        self.commit(commits)
    }
}

#[cfg(test)]
mod tests;
