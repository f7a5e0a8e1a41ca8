use std::ops::Range;

use unmask_api::{Position, TokenId};

use super::Candidate;
use crate::Canvas;

/// Decides which positions a step asks about, and what becomes of the answer. Pure: it sees a canvas and candidates, no
/// session, and logits only if it [asks for them](Self::sees_rows).
///
/// What it knows it had better read off the canvas, which others may change between steps: users, and verifiers that follow
/// a recorded run.
pub trait Strategy: Send {
    /// The next step that has something to do, or `None` when nothing is left.
    fn next(&mut self, canvas: &Canvas) -> Option<StepPlan>;

    /// True if [`see`](Self::see) is to be called; whole rows of logits then leave the device at each step.
    fn sees_rows(&self) -> bool {
        false
    }

    /// The logits of the wanted positions, `[wanted, vocab]`, before they are judged; edited at will.
    fn see(&mut self, _canvas: &Canvas, _wanted: &[Position], _rows: &mut [f32]) {}

    /// The edits of the step that [`next`](Self::next) gave last; `candidates` are guesses for its wanted positions, in
    /// their order, then the tokens that stand at its verified ones.
    fn decide(&mut self, canvas: &Canvas, candidates: &[Candidate]) -> Vec<CanvasEdit>;

    /// How far it has come.
    fn progress(&self) -> StrategyProgress;

    /// Tokens before this position change no more. All of the canvas for a strategy that writes over masks alone.
    fn final_until(&self, canvas: &Canvas) -> usize {
        canvas.len()
    }
}

/// What one step asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepPlan {
    /// The block, counted from 0.
    pub block: usize,
    /// Positions to guess, ascending, within `fed`; masked or not.
    pub wanted: Vec<Position>,
    /// Tokens that are asked what speaks for them, if there are any.
    pub verified: Option<Verified>,
    /// Positions that the forward recomputes; all others come from the K/V cache.
    pub fed: Range<usize>,
    /// Names this step's random draws: planned steps so far, skipped ones included.
    pub call: usize,
}

/// Tokens that are asked what their probability is, given all others but themselves: the forward has a second copy of the
/// block, all masked, of which each position sees all of the canvas but its own token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The block.
    pub block: Range<usize>,
    /// Where in it they are: ascending, one at least, none of them masked.
    pub at: Vec<Position>,
}

/// One change of the canvas. Those of a step apply in order, each position counted on the canvas that the one before left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CanvasEdit {
    /// Writes the token of a candidate, over a mask or over another token. A candidate that is the mask writes nothing, nor
    /// does one that stands there already.
    Write {
        /// Where.
        at: Position,
        /// Which of the step's candidates.
        candidate: usize,
    },
    /// Masks a position again.
    Remask(Position),
    /// Makes room for a token, which may be the mask, before a position, which may be the canvas's end.
    Insert(Position, TokenId),
    /// Takes a position away.
    Remove(Position),
}

impl CanvasEdit {
    /// Writes these candidates where they were guessed.
    #[must_use]
    pub fn writes(candidates: &[Candidate], picks: &[usize]) -> Vec<Self> {
        let write = |&candidate: &usize| Self::Write {
            at: candidates[candidate].at,
            candidate,
        };
        picks.iter().map(write).collect()
    }
}

/// How far a strategy has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrategyProgress {
    /// Planned steps so far, skipped ones included.
    pub calls: usize,
    /// Steps of the whole plan; fewer or more may be made.
    pub steps: usize,
    /// Steps that the plan would have taken to come this far.
    pub planned: usize,
    /// Blocks in all.
    pub blocks: usize,
}
