use crate::cells::Emoji;
use crate::theme::Theme;
use crate::themes::Colours;

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// What is drawn in.
    pub theme: Theme,
    /// What there is to draw in.
    pub colours: Colours,
    /// Signs.
    pub glyphs: Glyphs,
    /// Which keys it can tell apart.
    pub keyboard: Keyboard,
    /// Cells of a mask, with the space before it: 1 to 8.
    pub mask_width: u8,
    /// How emoji by variation are drawn.
    pub emoji: Emoji,
}

/// Cells of a mask by default: near the mean width of a token, so that text moves little when it is lifted.
pub const MASK_WIDTH: u8 = 4;

/// The signs that may be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// All.
    Unicode,
    /// Only ASCII for our own signs: no UTF-8, the Linux console, or shades two cells wide.
    Ascii,
}

/// Which keys the terminal tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyboard {
    /// As terminals always did: Shift+Enter is Enter.
    Legacy,
    /// With the Kitty protocol.
    Kitty,
}

/// Whether the model's guesses are written on the masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ghosts {
    /// Masks are shades.
    #[default]
    Hidden,
    /// They are.
    Shown,
}
