use super::Pick;

/// The list of themes; the chosen one is tried at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemePick {
    /// What was typed, and the row.
    pub pick: Pick,
    /// The theme that Esc brings back.
    pub before: String,
}
