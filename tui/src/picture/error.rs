/// Why there is no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// What cannot stand still, or move.
    #[error("{0}")]
    Span(&'static str),
    /// More pixels than is sensible.
    #[error("{width}×{height} pixels are too many; use a smaller --scale or --size")]
    TooLarge {
        /// Across.
        width: u32,
        /// Down.
        height: u32,
    },
    /// It could not be drawn.
    #[error("it cannot be drawn: {0}")]
    Drawing(String),
}
