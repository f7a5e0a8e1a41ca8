use std::time::Duration;

use unmask_api::Position;

use super::{Denoise, OutputRows};
use crate::event::{Commit, CommitKind, StepEvent};
use crate::sampler::{CanvasEdit, StepPlan};
use crate::scorer::{Question, Shadow, ShortForm};

/// A question that waits for its answer. Dropped without one it is asked again.
pub struct PendingQuestion<'a> {
    // Invariant: a step is open.
    pub(super) denoise: &'a mut Denoise,
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
            shadow: self.step().verified.as_ref().map(|verified| Shadow {
                mask: canvas.mask(),
                block: verified.block.clone(),
                wanted: &verified.at,
            }),
        }
    }

    /// The short form in which the answer is exact too, if there is one.
    #[must_use]
    pub fn short_form(&self) -> Option<ShortForm> {
        let is_short = !self.denoise.strategy.sees_rows() && self.step().verified.is_none();
        is_short.then(|| self.denoise.judge().short_form())?
    }

    /// Names the step's random draws: planned steps so far, skipped ones included.
    #[must_use]
    pub fn call(&self) -> usize {
        self.step().call
    }

    /// What the strategy makes of an answer, in order; the canvas is as it was.
    pub fn propose(&mut self, answer: OutputRows<'_>) -> Vec<Commit> {
        self.judge(answer);
        let denoise = &mut *self.denoise;
        let mut edits = denoise
            .strategy
            .decide(&denoise.canvas, &denoise.candidates);
        edits.retain(|&edit| denoise.may_make(edit));
        let Denoise {
            canvas,
            candidates,
            edited,
            ..
        } = denoise;
        edited.copy_from(canvas);
        let mut commits = Vec::with_capacity(edits.len());
        for edit in edits {
            if let Some(commit) = Denoise::commit_of(edited, edit, candidates) {
                edited.apply(&commit);
                commits.push(commit);
            }
        }
        let denoise = &*self.denoise;
        let (canvas, end) = (&denoise.edited, denoise.edited.len() as u32);
        let append = |at| CanvasEdit::Insert(Position(at), canvas.mask());
        let appended = (end..end + denoise.appended(canvas) as u32).map(append);
        commits.extend(appended.filter_map(|edit| Denoise::commit_of(canvas, edit, &[])));
        commits
    }

    /// Makes guesses for the wanted positions, in their order, and says how likely the verified tokens are.
    fn judge(&mut self, answer: OutputRows<'_>) {
        let mut candidates = std::mem::take(&mut self.denoise.candidates);
        candidates.clear();
        let Denoise {
            canvas,
            strategy,
            open,
            rows: wanted_rows,
            ..
        } = &mut *self.denoise;
        let step = open.as_ref().expect("a question is of an open step");
        let (call, wanted, verified) = (step.call, &step.wanted, &step.verified);
        // Position 0 if it shares the row of position 1.
        let (sharing, others) = wanted.split_at(wanted.len() - wanted_rows.len());
        match answer {
            OutputRows::Logits(rows) => {
                let n_verified = verified.as_ref().map_or(0, |it| it.at.len());
                let count = others.len() + n_verified;
                let vocab = rows.len().checked_div(count).unwrap_or(0);
                let (rows, shadow) = rows.split_at_mut(vocab * others.len());
                let mut joined;
                let rows = match sharing.is_empty() {
                    true => rows,
                    false => {
                        joined = [&rows[..vocab * sharing.len()], rows].concat();
                        &mut joined[..]
                    }
                };
                strategy.see(canvas, wanted, rows);
                let (judge, wanted) = (self.denoise.judge(), &self.step().wanted);
                judge.judge(call, wanted, rows, &mut candidates);
                if let Some(verified) = &self.step().verified {
                    let tokens = self.denoise.canvas.tokens();
                    let stands = |at: &Position| tokens[at.index()];
                    judge.verify(&verified.at, stands, shadow, &mut candidates);
                }
            }
            OutputRows::Top(rows) => {
                let judge = self.denoise.judge();
                let wanted = &self.step().wanted;
                let (sharing, others) = wanted.split_at(wanted.len() - self.denoise.rows.len());
                judge.judge_top(call, sharing, rows, &mut candidates);
                judge.judge_top(call, others, rows, &mut candidates);
            }
        }
        self.denoise.candidates = candidates;
    }

    /// Makes the step with these commits: those that were [proposed](Self::propose), or those of a recorded run. The event's
    /// times are the caller's to fill.
    ///
    /// # Panics
    /// If a commit's position is beyond the canvas.
    pub fn commit(self, commits: Vec<Commit>) -> StepEvent {
        let Self { denoise } = self;
        let open = denoise.open.take();
        let step = open.expect("a question is of an open step");
        let before = denoise.canvas.len();
        denoise.has_moved = false;
        for commit in &commits {
            let is_behind = commit.at.index() == denoise.canvas.len();
            let moves = matches!(commit.kind, CommitKind::Inserted | CommitKind::Deleted);
            denoise.has_moved |= moves && !is_behind;
            denoise.canvas.apply(commit);
        }
        let is_written = |it: &&Commit| matches!(it.kind, CommitKind::New | CommitKind::Changed);
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
            guesses: Vec::new(),
            length: denoise.canvas.len(),
            masked: denoise.canvas.masked_in(0..denoise.canvas.len()).count(),
            elapsed: Duration::ZERO,
            forward: Duration::ZERO,
            nfe: denoise.nfe,
            nfe_saved: denoise.nfe_saved(),
        }
    }

    /// Makes the step with what the strategy makes of the answer; where a recorded run [is followed](Denoise::following), that
    /// is only told.
    pub fn tell(mut self, answer: OutputRows<'_>) -> StepEvent {
        let commits = self.propose(answer);
        match self.denoise.recorded.pop_front() {
            Some(recorded) => StepEvent {
                commits,
                ..self.commit(recorded)
            },
            None => self.commit(commits),
        }
    }
}
