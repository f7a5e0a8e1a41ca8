use std::time::Duration;

use unmask_core::engine::TurnId;

/// Whether the terminal has the focus, and how the user is alerted when a long turn ends while it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Alerts {
    /// Whether the terminal has the focus.
    pub focus: TerminalFocus,
    /// How to alert.
    pub method: AlertMethod,
    /// The running turn, and when it began by [`ScreenTime::since_start`](crate::action::ScreenTime::since_start).
    pub turn: Option<(TurnId, Duration)>,
}

/// Whether the terminal has the focus, as far as it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TerminalFocus {
    /// It has; also while the terminal has told nothing.
    #[default]
    Focused,
    /// Another window has.
    Unfocused,
}

/// How the user is alerted when a long turn ends unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AlertMethod {
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
