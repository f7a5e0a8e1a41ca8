/// What a family's checkpoints ask of every sampler. Which tokens end an answer is in
/// [`SpecialIds`](super::SpecialIds), by the names that the family knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FamilyRules {
    /// Where blocks are counted from.
    pub block_origin: BlockOrigin,
    /// Which row of logits predicts a position.
    pub predictor: Predictor,
}

/// Where blocks are counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BlockOrigin {
    /// The answer's first position, so that every block is of one length.
    #[default]
    Answer,
    /// Position 0, as attention in blocks needs it: the answer's first block may be shorter.
    Canvas,
}

/// Which row of logits predicts a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Predictor {
    /// Its own.
    #[default]
    SamePosition,
    /// The one before it; position 0 is predicted by its own.
    PositionBefore,
}

impl Predictor {
    /// The row that predicts position `at`.
    #[must_use]
    pub fn row_of(self, at: usize) -> usize {
        match self {
            Self::SamePosition => at,
            Self::PositionBefore => at.saturating_sub(1),
        }
    }
}
