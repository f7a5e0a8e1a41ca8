use std::collections::HashSet;

use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize};
use unmask_api::{Position, TokenId};

use super::id::SessionId;
use super::settings_record::SettingsRecord;
use crate::Canvas;
use crate::event::{FinishReason, Stats};
use crate::message::Role;

/// The format that this version writes, and the newest that it reads.
pub(super) const VERSION: u32 = 1;

/// Names a message within its file.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
pub struct MessageId(pub u64);

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordLine {
    /// What it tells.
    #[serde(flatten)]
    pub record: Record,
    /// When it was written, RFC 3339.
    #[serde(default)]
    pub at: String,
}

/// What a line tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Record {
    /// The first line.
    Head(Head),
    /// What the user said.
    Msg(MessageRecord),
    /// What a model answered.
    Gen(Box<GenerationRecord>),
    /// The name that the user gave.
    Title {
        /// The name.
        text: String,
    },
    /// How messages are seen from now on.
    #[serde(rename = "sight")]
    Visibility {
        /// Which.
        ids: Vec<MessageId>,
        /// How.
        #[serde(rename = "sight")]
        visibility: Visibility,
    },
    /// Messages that were taken back.
    Del {
        /// Which.
        ids: Vec<MessageId>,
    },
}

/// Whose file it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// The format.
    pub v: u32,
    /// The conversation's name.
    pub id: SessionId,
    /// Who wrote it: `unmask 0.1.0`.
    #[serde(default)]
    pub program: String,
    /// The conversation that this one goes on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<SessionId>,
}

/// Something said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageRecord {
    /// Its name.
    pub id: MessageId,
    /// What it follows; `None` for the first.
    pub parent: Option<MessageId>,
    /// By whom.
    pub role: Role,
    /// What.
    pub text: String,
    /// True for a text whose blanks were to be filled.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_blanks: bool,
}

/// An answer, and how it came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenerationRecord {
    /// Its name.
    pub id: MessageId,
    /// What it answers.
    pub parent: Option<MessageId>,
    /// The visible text.
    pub text: String,
    /// Who answers, as the screen names it.
    #[serde(default)]
    pub name: String,
    /// Who computed it.
    #[serde(default)]
    pub model: ModelRecord,
    /// How.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<SettingsRecord>,
    /// The seed of temperature and random remasking.
    #[serde(default)]
    pub seed: u64,
    /// Why it ended.
    #[serde(default)]
    pub stop: Stop,
    /// Totals.
    #[serde(default)]
    pub stats: StatsRecord,
    /// Whether a trace of it was written beside the conversation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub traced: bool,
    /// What was on the canvas of an answer that can go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canvas: Option<CanvasRecord>,
}

/// Who computed an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelRecord {
    /// Its key in the configuration.
    pub key: String,
    /// Its name for people.
    pub name: String,
    /// The backend.
    pub backend: String,
    /// The backend's version.
    pub backend_version: String,
    /// The device's id.
    pub device: String,
    /// The precision of the weights.
    pub precision: String,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The plan was carried out.
    #[default]
    Complete,
    /// The plan was carried out, and masks stand.
    MasksLeft,
    /// An end token was settled.
    EndToken,
    /// The user stopped it.
    Stopped,
}

/// How a message is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// By the user and the model.
    #[default]
    Seen,
    /// By the user: another answer stands in its place.
    Replaced,
    /// By the user, who took its turn back.
    Undone,
}

/// Totals of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StatsRecord {
    /// Steps made.
    pub steps: usize,
    /// Forwards made.
    pub nfe: usize,
    /// Forwards not needed.
    pub nfe_saved: f32,
    /// Tokens committed.
    pub committed: usize,
    /// Tokens of the visible text.
    pub text_tokens: usize,
    /// See [`Stats::text_alone`].
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub text_alone: bool,
    /// Wall time, in milliseconds.
    pub ms: u64,
}

/// A canvas that can be denoised on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanvasRecord {
    /// The mask.
    pub mask: TokenNumber,
    /// Prompt and answer, masks included.
    pub tokens: Vec<TokenNumber>,
    /// Where the answer begins.
    pub answer_start: usize,
    /// Positions of the answer that the user fixed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pinned: Vec<u32>,
}

/// A token by its number in the vocabulary.
type TokenNumber = u32;

impl RecordLine {
    /// The record as written now, with its line end.
    pub(super) fn written(record: &Record, now: Timestamp) -> String {
        let line = Self {
            record: record.clone(),
            at: now.round(Unit::Millisecond).unwrap_or(now).to_string(),
        };
        // Every field is a number, a text or a list of them.
        let mut text = serde_json::to_string(&line).expect("records have only plain values");
        text.push('\n');
        text
    }
}

impl From<FinishReason> for Stop {
    fn from(reason: FinishReason) -> Self {
        match reason {
            FinishReason::Complete => Self::Complete,
            FinishReason::MasksLeft => Self::MasksLeft,
            FinishReason::EndToken => Self::EndToken,
            FinishReason::Stopped => Self::Stopped,
        }
    }
}

impl From<Stop> for FinishReason {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Complete => Self::Complete,
            Stop::MasksLeft => Self::MasksLeft,
            Stop::EndToken => Self::EndToken,
            Stop::Stopped => Self::Stopped,
        }
    }
}

impl From<Stats> for StatsRecord {
    fn from(stats: Stats) -> Self {
        Self {
            steps: stats.steps,
            nfe: stats.nfe,
            nfe_saved: stats.nfe_saved,
            committed: stats.committed,
            text_tokens: stats.text_tokens,
            text_alone: stats.text_alone,
            ms: u64::try_from(stats.elapsed.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl From<StatsRecord> for Stats {
    fn from(record: StatsRecord) -> Self {
        Self {
            steps: record.steps,
            nfe: record.nfe,
            nfe_saved: record.nfe_saved,
            committed: record.committed,
            text_tokens: record.text_tokens,
            text_alone: record.text_alone,
            elapsed: std::time::Duration::from_millis(record.ms),
        }
    }
}

impl CanvasRecord {
    /// What is on a canvas.
    #[must_use]
    pub fn of(canvas: &Canvas) -> Self {
        let answer = canvas.answer_start()..canvas.len();
        Self {
            mask: canvas.mask().0,
            tokens: canvas.tokens().iter().map(|token| token.0).collect(),
            answer_start: canvas.answer_start(),
            pinned: (answer.map(|index| index as u32))
                .filter(|&at| canvas.is_given(Position(at)))
                .collect(),
        }
    }

    /// The canvas; `None` if the numbers do not fit together.
    #[must_use]
    pub fn canvas(&self) -> Option<Canvas> {
        let tokens: Vec<TokenId> = self.tokens.iter().copied().map(TokenId).collect();
        let (prompt, answer) = tokens.split_at_checked(self.answer_start)?;
        let mut canvas = Canvas::new(prompt, answer.len(), TokenId(self.mask));
        let pinned: HashSet<u32> = self.pinned.iter().copied().collect();
        for (index, &token) in tokens.iter().enumerate().skip(self.answer_start) {
            let at = Position(u32::try_from(index).ok()?);
            match pinned.contains(&at.0) {
                true => canvas.pin(at, token),
                false => canvas.commit(at, token),
            }
        }
        Some(canvas)
    }
}
