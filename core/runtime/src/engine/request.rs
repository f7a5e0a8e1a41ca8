use std::num::NonZeroUsize;
use std::ops::Range;

use unmask_api::{Position, TokenId};

use crate::event::Commit;
use crate::likelihood::{Masking, Pair, Samples};
use crate::message::Message;
use crate::pin::Pin;
use crate::{Canvas, Params};

/// Names one turn, so that late events of a cancelled one can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct TurnId(pub u64);

impl TurnId {
    /// The turn after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
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
    /// Text with holes in it.
    Fill(Fill),
    /// A canvas as it is: a stopped one that goes on.
    Canvas(Canvas),
    /// A canvas of which only the masks are denoised, in one block, whatever stands around them: it is no run that was begun.
    Infill(Canvas),
    /// What [`TurnRequest::laid_out`] made of any of these.
    LaidOut(LaidOut),
}

/// One turn.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnRequest<Input = TurnInput> {
    /// Its name.
    pub turn: TurnId,
    /// What is denoised.
    pub input: Input,
    /// How.
    pub params: Params,
}

impl From<TurnRequest<LaidOut>> for TurnRequest {
    fn from(laid_out: TurnRequest<LaidOut>) -> Self {
        Self {
            turn: laid_out.turn,
            input: TurnInput::LaidOut(laid_out.input),
            params: laid_out.params,
        }
    }
}

/// How work runs where several clients have some.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sharing {
    /// Whose it is: the next step is of the client who has had the least of the engine's time.
    pub client: String,
    /// Which passes may compute a turn.
    pub passes: Passes,
}

/// Which passes may compute a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Passes {
    /// Those of other turns too: near ties may then fall another way than alone.
    #[default]
    Together,
    /// Its own alone: nobody else's turns change a bit of it.
    Alone,
}

/// Text with holes in it, on one canvas: only the holes are denoised, from both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Fill {
    /// What stands before the answer.
    pub before: FillBefore,
    /// The answer, in order; at least one of them is a hole.
    pub parts: Vec<FillPart>,
    /// What is done if a chat before it does not fit; plain text and tokens are never shortened.
    pub overflow: Overflow,
    /// Which blocks the answer is cut into.
    pub blocks: FillBlocks,
    /// Whether holes may hold the end token.
    pub ends: FillEnds,
}

/// What stands before an answer with holes.
#[derive(Debug, Clone, PartialEq)]
pub enum FillBefore {
    /// A conversation, rendered by the checkpoint's chat template.
    Chat(Vec<Message>),
    /// Plain text; may be empty.
    Text(String),
    /// Tokens as they are.
    Tokens(Vec<TokenId>),
}

/// A part of an answer with holes.
#[derive(Debug, Clone, PartialEq)]
pub enum FillPart {
    /// Given as text, encoded on its own.
    Text(String),
    /// Given as tokens.
    Tokens(Vec<TokenId>),
    /// So many positions to be denoised.
    Hole(NonZeroUsize),
}

/// Which blocks an answer with holes is cut into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FillBlocks {
    /// One for all holes, with the settings' steps or a step for each mask, whichever is less; where attention is in blocks
    /// those, with the settings' steps.
    #[default]
    One,
    /// As the settings say; the parts' lengths have to divide.
    AsSet,
}

/// Whether holes may hold the end token, which pads short answers in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FillEnds {
    /// Never: they run with `logits_eos_inf`.
    #[default]
    Never,
    /// As the settings say.
    AsSet,
}

/// What a turn begins with.
#[derive(Debug, Clone, PartialEq)]
pub struct LaidOut {
    /// Prompt, pins and masks.
    pub canvas: Canvas,
    /// Messages that the context had no room for, counted from the oldest; a system message is not counted.
    pub left_out: usize,
    /// The holes of a [`Fill`], in order: offsets in the answer.
    pub holes: Vec<Range<usize>>,
    /// What the plan is laid over.
    pub planned: Planned,
    /// What a recorded run changed, a step each: the canvas follows it, while steps tell what would be changed now.
    pub recorded: Vec<Vec<Commit>>,
}

/// What a plan is laid over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Planned {
    /// The answer: tokens that were not given are steps that were made.
    #[default]
    Answer,
    /// The masks alone: all else counts as given to the plan, though guidance hides no more of it than before.
    Masks,
}

impl Planned {
    /// The canvas that the plan of a run on `canvas` is laid over.
    #[must_use]
    pub fn over(self, canvas: &Canvas) -> Canvas {
        let mut plan = canvas.clone();
        match self {
            Self::Answer => (),
            Self::Masks => {
                for at in canvas.answer_start()..canvas.len() {
                    plan.pin(Position(at as u32), canvas.tokens()[at]);
                }
            }
        }
        plan
    }
}

/// Names one measurement, so that late events of a stopped one can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct MeasureId(pub u64);

/// Log-likelihoods to be measured.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasureRequest {
    /// Its name.
    pub measure: MeasureId,
    /// Contexts with their continuations, measured in this order.
    pub pairs: Vec<Pair>,
    /// From which masks.
    pub samples: Samples,
    /// Classifier-free guidance, 0 and up; above 0 doubles the work.
    pub cfg_scale: f32,
    /// What the masks of a pair follow from, besides the pair.
    pub masking: Masking,
    /// Draws in one forward at most, guidance's rows counting twice; `None` leaves the choice to the engine.
    pub rows: Option<NonZeroUsize>,
    /// Whether it is asked too if the model would give the continuation greedily: a forward a token, at most.
    pub greedy: bool,
}
