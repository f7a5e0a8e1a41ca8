//! Everything the screen asks of the world.

use unmask_core::engine::TurnRequest;

/// One request, carried out by the loop in [`run`](crate::run), never by an update.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Begin a turn.
    Start(TurnRequest),
    /// Rest after the running step.
    Pause,
    /// Go on.
    Resume,
    /// End after the running step and keep the text.
    Stop,
    /// Give up on the running forward; its late news is dropped.
    Abandon,
    /// Stop loading.
    CancelLoad,
    /// Capture the mouse, or release it.
    Mouse(Mouse),
    /// Hand the terminal to the shell until continued.
    Suspend,
    /// Forget what is on the screen and draw it anew.
    Repaint,
    /// Leave.
    Quit,
}

/// Who gets the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mouse {
    /// The screen: the wheel scrolls.
    Captured,
    /// The terminal: dragging selects.
    Released,
}
