//! What the world hears while a canvas is denoised.

use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use unmask_api::{Position, TokenId};

/// How many of a committed position's best candidates are kept for inspection.
pub const TOP: usize = 5;

/// How a position came to hold its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommitKind {
    /// It was masked.
    New,
    /// It held another token (editing samplers).
    Changed,
    /// It is masked again (remasking samplers).
    Remasked,
    /// It is new on the canvas, before what stood there (growing samplers); its token may be the mask.
    Inserted,
    /// It is no longer on the canvas; the token is the one that it held.
    Deleted,
    /// It was pinned by the user.
    Pinned,
}

/// One change of the canvas. Those of a step apply in order, each position counted on the canvas that the one before left.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// Where.
    pub at: Position,
    /// What.
    pub token: TokenId,
    /// What stood there, if that was a token: of kinds `Changed`, `Remasked` and `Deleted`.
    pub was: Option<TokenId>,
    /// Softmax probability of `token`, 0 to 1, whatever score chose the position; 0 if the model was not asked for it.
    pub confidence: f32,
    /// Entropy of the position's distribution, in nat; 0 if the model was not asked.
    pub entropy: f32,
    /// How it came about.
    pub kind: CommitKind,
    /// The best candidates with their probabilities, best first; fewer if the vocabulary is smaller, none if the model was
    /// not asked.
    pub top: Vec<(TokenId, f32)>,
}

/// What the model would put in the place of a mask now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guess {
    /// Where.
    pub at: Position,
    /// What.
    pub token: TokenId,
    /// Its softmax probability, 0 to 1.
    pub confidence: f32,
}

/// One step: a forward and what it fixed.
#[derive(Debug, Clone, PartialEq)]
pub struct StepEvent {
    /// Counted from 1.
    pub step: usize,
    /// Steps of the whole plan; fewer may be needed.
    pub steps: usize,
    /// Planned steps before this one, those included that had nothing to do and were skipped: it names the random draws.
    pub call: usize,
    /// The block being denoised, counted from 0.
    pub block: usize,
    /// Blocks in all.
    pub blocks: usize,
    /// Positions that were to be recomputed; all others came from the K/V cache, and so may some of these where attention is
    /// causal, which `nfe_saved` does not count.
    pub fed: Range<usize>,
    /// What this step changed; empty if the model predicted only masks.
    pub commits: Vec<Commit>,
    /// Guesses for the masks that were judged and still stand, if [they are told](crate::engine::TurnHandle::tell_guesses).
    pub guesses: Vec<Guess>,
    /// Positions of the canvas after the step.
    pub length: usize,
    /// Masks left on the canvas.
    pub masked: usize,
    /// Wall time of the step.
    pub elapsed: Duration,
    /// The part of it that the session took, its rows read included; the rest is sampling. Zero where nobody measured.
    pub forward: Duration,
    /// Forwards so far, guidance's two rows counting as one (NFE).
    pub nfe: usize,
    /// Whole-canvas forwards not needed so far: planned steps that were skipped, plus the share of each forward that caches
    /// left out.
    pub nfe_saved: f32,
}

/// Why a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The plan was carried out, and no mask stands.
    Complete,
    /// The plan was carried out, and masks stand: the model predicted the mask itself, or the reference's schedule left them.
    MasksLeft,
    /// An end token was final, so that the remaining steps could not change the visible text.
    EndToken,
    /// The user stopped it.
    Stopped,
}

/// Totals of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Stats {
    /// Steps made.
    pub steps: usize,
    /// Forwards made (NFE).
    pub nfe: usize,
    /// See [`StepEvent::nfe_saved`].
    pub nfe_saved: f32,
    /// Tokens that steps wrote, over masks or over other tokens.
    pub committed: usize,
    /// Tokens of the visible answer, before the first end token.
    pub text_tokens: usize,
    /// Wall time of the steps.
    #[serde(rename = "ms", with = "milliseconds")]
    pub elapsed: Duration,
    /// See [`Loaded::text_alone`](crate::engine::Loaded::text_alone): the time is all that was counted then, and the tokens of
    /// the text if they are not 0.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub text_alone: bool,
}

impl Stats {
    /// A count; `None` where [text alone](Self::text_alone) was told.
    #[must_use]
    pub fn told<T>(&self, count: T) -> Option<T> {
        (!self.text_alone).then_some(count)
    }
}

/// A time as milliseconds with three decimals, as events are written.
pub(crate) mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(time: &Duration, out: S) -> Result<S::Ok, S::Error> {
        let micros = time.as_secs_f64() * 1e6;
        out.serialize_f64(micros.round() / 1e3)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let milliseconds = f64::deserialize(from)?;
        // By whole microseconds, so that what is read is written again.
        let micros = (milliseconds * 1e3).round();
        Duration::try_from_secs_f64(micros / 1e6).map_err(D::Error::custom)
    }
}
