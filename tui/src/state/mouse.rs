/// Who gets the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mouse {
    /// The screen: the wheel scrolls.
    Captured,
    /// The terminal: dragging selects.
    Released,
}
