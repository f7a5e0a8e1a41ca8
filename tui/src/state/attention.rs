use std::time::Duration;

use unmask_core::engine::TurnId;

/// Whether anybody looks, and what is to happen when an answer is ready and nobody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attention {
    /// Where the user is.
    pub gaze: Gaze,
    /// How to be called.
    pub call: Call,
    /// The running turn, and when it began by [`Moment::since_start`](crate::action::Moment::since_start).
    pub turn: Option<(TurnId, Duration)>,
}

/// Where the user is, as far as the terminal tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gaze {
    /// Here; also while the terminal has told nothing.
    #[default]
    Here,
    /// At another window.
    Elsewhere,
}

/// How to be called when a long turn ends unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Call {
    /// Not at all.
    Off,
    /// By the terminal's bell.
    #[default]
    Bell,
    /// By a message of the desktop, where the terminal knows OSC 9.
    Osc9,
}

/// What stays on the terminal once the screen is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExitPrint {
    /// How to come back.
    #[default]
    Resume,
    /// The last answer as well.
    Last,
}
