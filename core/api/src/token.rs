/// One entry of a model's vocabulary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct TokenId(pub u32);

/// Where a token stands in its sequence: the position that RoPE turns by and that attention kinds compare.
///
/// In a canvas it is the index, counted from the first prompt token (left padding included).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Position(pub u32);

/// A place in a slot's K/V cache, or [`Cell::NONE`]. It is independent of the position whose K/V it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Cell(pub u32);

impl Position {
    /// The position as an index.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl TokenId {
    /// The id as an index.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Cell {
    /// No place: the token's K/V are used in its pass and kept nowhere.
    pub const NONE: Self = Self(u32::MAX);

    /// The cell's index, unless it is [`NONE`](Self::NONE).
    #[must_use]
    pub fn index(self) -> Option<usize> {
        (self != Self::NONE).then_some(self.0 as usize)
    }
}
