use std::time::Duration;

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
