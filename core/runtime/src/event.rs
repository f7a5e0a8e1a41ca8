//! What the world hears while a canvas is denoised.

use std::time::Duration;

use unmask_api::{Position, TokenId};

/// How many of a committed position's best candidates are kept for inspection.
pub const TOP: usize = 5;

/// How a position came to hold its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitKind {
    /// It was masked.
    New,
    /// It held another token (editing samplers).
    Changed,
    /// It was masked again (remasking samplers).
    Remasked,
    /// It was pinned by the user.
    Pinned,
}

/// One position fixed by a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// Where.
    pub at: Position,
    /// What.
    pub token: TokenId,
    /// Softmax probability of `token`, 0 to 1, whatever score chose the position.
    pub confidence: f32,
    /// Entropy of the position's distribution, in nat.
    pub entropy: f32,
    /// How it came about.
    pub kind: CommitKind,
    /// The best candidates with their probabilities, best first; fewer only if the vocabulary is smaller.
    pub top: Vec<(TokenId, f32)>,
}

/// One step: a forward and what it fixed.
#[derive(Debug, Clone, PartialEq)]
pub struct StepEvent {
    /// Counted from 1.
    pub step: usize,
    /// Steps of the whole plan; fewer may be needed.
    pub steps: usize,
    /// The block being denoised, counted from 0.
    pub block: usize,
    /// Blocks in all.
    pub blocks: usize,
    /// What this step fixed; empty if the model predicted only masks.
    pub commits: Vec<Commit>,
    /// Masks left on the canvas.
    pub masked: usize,
    /// Wall time of the step.
    pub elapsed: Duration,
    /// Forwards so far, guidance's two rows counting as one (NFE).
    pub nfe: usize,
    /// Whole-canvas forwards not needed so far: planned steps that were skipped, plus the share of each forward that caches
    /// left out.
    pub nfe_saved: f32,
}

/// Why a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The plan was carried out.
    Complete,
    /// An end token was settled, so the remaining blocks could not change the visible text.
    EndToken,
    /// The user stopped it.
    Stopped,
}

/// Totals of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stats {
    /// Steps made.
    pub steps: usize,
    /// Forwards made (NFE).
    pub nfe: usize,
    /// See [`StepEvent::nfe_saved`].
    pub nfe_saved: f32,
    /// Tokens committed by steps.
    pub committed: usize,
    /// Tokens of the visible answer, before the first end token.
    pub text_tokens: usize,
    /// Wall time of the steps.
    pub elapsed: Duration,
}
