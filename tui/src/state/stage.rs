use std::time::Duration;

use unmask_core::TokenId;

use super::BranchName;

/// What a running turn is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Steps are made.
    Denoising,
    /// The running step is its last before a rest.
    Pausing {
        /// When this was asked for.
        since: Duration,
    },
    /// It rests.
    Paused,
    /// The running step is its last.
    Stopping {
        /// When this was asked for.
        since: Duration,
    },
}

/// Why a turn was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnOrigin {
    /// A message was sent.
    Asked,
    /// The answer at this index of the transcript is to be replaced by another one.
    Retried(usize),
    /// The stopped answer at this index of the transcript goes on.
    Continued(usize),
    /// It is another answer beside the one at this index of the transcript, of which something was changed.
    Branched(usize),
    /// It is compared with the answer at this index of the transcript, and set aside.
    Compared(usize),
}

/// What an answer is a branch of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// The number of its turn and a letter: `1b`.
    pub name: BranchName,
    /// The tokens of the answer before it.
    pub before: Vec<TokenId>,
    /// True if only the masks between fixed tokens were written, see [`Planned`](unmask_core::engine::Planned).
    pub is_infill: bool,
}

/// What is kept of a stopped answer as its text; its canvas is kept whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StopKeep {
    /// The text up to the first mask.
    #[default]
    Prefix,
    /// Every token that is there, joined over the masks between.
    All,
}

/// How blocks that have not begun are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pending {
    /// As one row that counts them.
    Folded,
    /// As masks.
    Unfolded,
}
