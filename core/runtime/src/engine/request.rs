use unmask_api::{Position, TokenId};

use crate::{Canvas, Params};

/// Names one turn, so that late news of a cancelled one can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct TurnId(pub u64);

impl TurnId {
    /// The turn after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// Which model to load: a key of the configuration, with what the user chose differently for now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadRequest {
    /// A key of `[available_models]`.
    pub key: String,
    /// Another backend than the entry's.
    pub framework: Option<String>,
    /// Another device than the entry's.
    pub device: Option<String>,
    /// Another precision than the entry's.
    pub precision: Option<String>,
    /// What becomes of the model before.
    pub old: OldModel,
}

/// What becomes of the model that answers while another is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OldModel {
    /// It stays until the new one is ready.
    #[default]
    KeptBeside,
    /// It makes room first; if the new one fails or is stopped, it is loaded again.
    UnloadedFirst,
}

/// What becomes of a conversation that the model's context has no room for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// The turn is refused.
    Refuse,
    /// The oldest questions with their answers are left out of the prompt; a leading system message stays.
    #[default]
    DropOldest,
}

/// What a turn denoises.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnInput {
    /// A conversation, rendered by the checkpoint's chat template, then `length` masks with tokens pinned among them.
    Chat {
        /// Oldest first; the last is the user's.
        messages: Vec<Message>,
        /// Words fixed at offsets of the answer, as the reference's web demo has them.
        pins: Vec<Pin>,
        /// Positions of the answer.
        length: usize,
        /// What is done if all of it does not fit.
        overflow: Overflow,
    },
    /// The next message of a conversation kept as tokens, then `length` masks: the rule of the reference's `chat.py`.
    FollowUp {
        /// Prompt and answer of the turn before; empty for the first. End-of-text tokens are dropped from it, and masks,
        /// which stand for them where an early stop left them.
        previous: Vec<TokenId>,
        /// What the user says.
        message: String,
        /// Positions of the answer.
        length: usize,
    },
    /// Tokens as they are, then `length` masks.
    Tokens {
        /// The prompt.
        prompt: Vec<TokenId>,
        /// Positions of the answer.
        length: usize,
    },
    /// A canvas as it is: a stopped one that goes on, or one with holes.
    Canvas(Canvas),
}

/// A word that the answer must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Offset of its first token in the answer.
    pub at: Position,
    /// Encoded as `" " + word`, as the reference does.
    pub word: String,
}

/// One turn.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnRequest {
    /// Its name.
    pub turn: TurnId,
    /// What is denoised.
    pub input: TurnInput,
    /// How.
    pub params: Params,
}
