use arrayvec::ArrayVec;
use unmask_api::{Position, TokenId};

use crate::event::TOP;

/// A guess for one position.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Where.
    pub at: Position,
    /// What.
    pub token: TokenId,
    /// What positions are ranked by under [`Params::remasking`](crate::Params::remasking), the higher the sooner.
    pub score: f64,
    /// Softmax probability of `token`, 0 to 1, without noise.
    pub confidence: f64,
    /// Entropy of the row, in nat.
    pub entropy: f64,
    /// Probability of the best token above that of the second, 0 to 1, without noise.
    pub margin: f64,
    /// The best tokens with their probabilities, best first.
    pub top: ArrayVec<(TokenId, f32), TOP>,
}

impl Candidate {
    /// One that nothing is known of but where it is.
    pub(super) fn unjudged(at: Position) -> Self {
        Self {
            at,
            token: TokenId(0),
            score: 0.0,
            confidence: 0.0,
            entropy: 0.0,
            margin: 0.0,
            top: ArrayVec::new(),
        }
    }
}
