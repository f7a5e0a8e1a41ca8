use std::num::NonZeroU32;

use unmask_api::Attention;

/// What a family's checkpoints ask of every sampler. Which tokens end an answer is in
/// [`SpecialIds`](super::SpecialIds), by the names that the family knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FamilyRules {
    /// Where blocks are counted from.
    pub block_origin: BlockOrigin,
    /// Which row of logits predicts a position.
    pub predictor: Predictor,
    /// Positions of a block of block-causal attention, whose blocks keep their K/V for good once they are final; `None` where
    /// every position sees all.
    pub attention_block: Option<NonZeroU32>,
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
    /// The one before it; the first of a block of so many positions before all others of that block, once the block before is
    /// final (Fast-dLLM v2).
    PositionBeforeInBlock(NonZeroU32),
}

impl Predictor {
    /// The row that predicts position `at`.
    #[must_use]
    pub fn row_of(self, at: usize) -> usize {
        match self {
            Self::SamePosition => at,
            Self::PositionBefore | Self::PositionBeforeInBlock(_) => at.saturating_sub(1),
        }
    }
}

/// Which positions see which, as a family has it.
#[derive(Debug, Clone, Copy)]
pub enum AttentionRule {
    /// All see all.
    Full,
    /// Blocks see themselves and those before.
    Blocks {
        /// Keys of `config.json` that may say a block's length.
        keys: &'static [&'static str],
        /// The length where none does.
        usual: NonZeroU32,
    },
}

/// Which row predicts a position, as a family has it.
#[derive(Debug, Clone, Copy)]
pub enum Shift {
    /// Its own.
    None,
    /// The one before.
    One,
    /// The one before in its block.
    OneInBlock,
}

impl FamilyRules {
    /// Of a checkpoint of `attention`.
    #[must_use]
    pub fn of(attention: Attention, shift: Shift) -> Self {
        let block = match attention {
            Attention::BlockCausal(block) => Some(block),
            Attention::Bidirectional | Attention::Causal => None,
        };
        Self {
            block_origin: match block {
                Some(_) => BlockOrigin::Canvas,
                None => BlockOrigin::Answer,
            },
            predictor: match (shift, block) {
                (Shift::None, _) => Predictor::SamePosition,
                (Shift::OneInBlock, Some(block)) => Predictor::PositionBeforeInBlock(block),
                (Shift::One | Shift::OneInBlock, _) => Predictor::PositionBefore,
            },
            attention_block: block,
        }
    }
}
