//! Cells of the terminal.

/// Cells between the edge and header, bars and panels.
pub const MARGIN: u16 = 1;
/// Cells between the edge and what is said: the margin and a bar.
pub const INDENT: u16 = 2;
/// Text wider than this is hard to read.
const WIDEST_TEXT: u16 = 100;

/// The terminal's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Across.
    pub columns: u16,
    /// Down.
    pub rows: u16,
}

/// Cells of a row of text.
#[must_use]
pub fn text_width(size: Size) -> u16 {
    size.columns
        .saturating_sub(2 * INDENT)
        .clamp(1, WIDEST_TEXT)
}
