use std::time::Duration;

use serde::{Deserialize, Serialize};
use unmask_api::{Position, TokenId};

use super::piece::{TokenText, shown};
use crate::event::{Commit, CommitKind, Guess, StepEvent, milliseconds};
use crate::text::Vocabulary;

/// One step, see [`StepEvent`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepLine {
    /// Counted from 1.
    pub step: usize,
    /// Steps of the whole plan.
    pub steps: usize,
    /// Steps of the plan before this one, skipped ones included.
    pub call: usize,
    /// The block being denoised, counted from 0.
    pub block: usize,
    /// Blocks in all.
    pub blocks: usize,
    /// The first position that was computed anew, and the one behind the last.
    pub fed: (usize, usize),
    /// Positions of the canvas after the step.
    pub length: usize,
    /// Masks left.
    pub masked: usize,
    /// Wall time of the step.
    #[serde(rename = "ms", with = "milliseconds")]
    pub elapsed: Duration,
    /// The part of it that the forward took; absent where nobody measured.
    #[serde(
        rename = "forward_ms",
        default,
        skip_serializing_if = "Duration::is_zero",
        with = "milliseconds"
    )]
    pub forward: Duration,
    /// Forwards so far.
    pub nfe: usize,
    /// Whole-canvas forwards not needed so far.
    pub nfe_saved: f32,
    /// What changed, in order.
    pub commits: Vec<CommitLine>,
    /// Positions that are still masked, each with the token that the model would put there and its probability, if that
    /// was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guesses: Vec<(u32, u32, f32)>,
}

/// One change of the canvas, see [`Commit`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommitLine {
    /// Where, on the canvas that the change before left.
    pub position: u32,
    /// What stands there now; what stood there, if it was deleted.
    pub token: u32,
    /// What the token stands for; `None` for an id that the tokenizer does not know.
    #[serde(flatten)]
    pub text: Option<TokenText>,
    /// Probability of the token.
    pub confidence: f32,
    /// Entropy of the position's distribution, in nat.
    pub entropy: f32,
    /// How it came about.
    pub kind: CommitKind,
    /// What stood there, with its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<(u32, String)>,
    /// The best candidates, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<CandidateLine>,
}

/// A candidate: its id, its probability, its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateLine(pub u32, pub f32, pub String);

impl StepLine {
    /// A step with the texts of its tokens.
    #[must_use]
    pub fn of(step: &StepEvent, vocabulary: &Vocabulary) -> Self {
        Self {
            step: step.step,
            steps: step.steps,
            call: step.call,
            block: step.block,
            blocks: step.blocks,
            fed: (step.fed.start, step.fed.end),
            length: step.length,
            masked: step.masked,
            elapsed: step.elapsed,
            forward: step.forward,
            nfe: step.nfe,
            nfe_saved: step.nfe_saved,
            commits: (step.commits.iter())
                .map(|commit| CommitLine::of(commit, vocabulary))
                .collect(),
            guesses: (step.guesses.iter())
                .map(|guess| (guess.at.0, guess.token.0, guess.confidence))
                .collect(),
        }
    }

    /// The step without the texts.
    #[must_use]
    pub fn event(&self) -> StepEvent {
        StepEvent {
            step: self.step,
            call: self.call,
            steps: self.steps,
            block: self.block,
            blocks: self.blocks,
            fed: self.fed.0..self.fed.1,
            commits: self.commits.iter().map(CommitLine::commit).collect(),
            guesses: (self.guesses.iter())
                .map(|&(at, token, confidence)| Guess {
                    at: Position(at),
                    token: TokenId(token),
                    confidence,
                })
                .collect(),
            length: self.length,
            masked: self.masked,
            elapsed: self.elapsed,
            forward: self.forward,
            nfe: self.nfe,
            nfe_saved: self.nfe_saved,
        }
    }
}

impl CommitLine {
    /// A commit with the texts of its tokens.
    #[must_use]
    pub fn of(commit: &Commit, vocabulary: &Vocabulary) -> Self {
        let top = commit.top.iter();
        Self {
            position: commit.at.0,
            token: commit.token.0,
            text: TokenText::of(vocabulary, commit.token),
            confidence: commit.confidence,
            entropy: commit.entropy,
            kind: commit.kind,
            was: (commit.was).map(|token| (token.0, shown(vocabulary, token))),
            top: top
                .map(|&(token, p)| CandidateLine(token.0, p, shown(vocabulary, token)))
                .collect(),
        }
    }

    /// The commit without the texts.
    #[must_use]
    pub fn commit(&self) -> Commit {
        let top = self.top.iter();
        Commit {
            at: Position(self.position),
            token: TokenId(self.token),
            was: self.was.as_ref().map(|&(token, _)| TokenId(token)),
            confidence: self.confidence,
            entropy: self.entropy,
            kind: self.kind,
            top: top.map(|it| (TokenId(it.0), it.1)).collect(),
        }
    }
}
