use std::ops::Range;

use super::{Composer, Field};

/// The panel of the settings.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingsPanel {
    /// Where the cursor is.
    pub chosen: Field,
    /// What is being typed as its value.
    pub input: Option<Composer>,
    /// What stands below the fields.
    pub below: Below,
    /// The first row that was seen in the last frame.
    pub top: usize,
}

/// What stands below the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Below {
    /// What the next turn costs.
    Plan,
    /// What the chosen field does.
    About,
    /// Why the chosen field keeps its value.
    Refused(Refusal),
}

/// Why a value is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong, and what may be.
    pub what: String,
    /// What was typed, and the bytes of it that are wrong, if only a part is.
    pub part: Option<(String, Range<usize>)>,
}

impl Default for SettingsPanel {
    fn default() -> Self {
        Self {
            chosen: Field::ALL[0],
            input: None,
            below: Below::Plan,
            top: 0,
        }
    }
}

impl From<String> for Refusal {
    fn from(what: String) -> Self {
        Self { what, part: None }
    }
}
