//! Words that an answer must hold.

use unmask_api::Position;

/// A word that the answer must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Offset of its first token in the answer.
    pub at: Position,
    /// Encoded as `" " + word`, as the reference does.
    pub word: String,
}
