use std::ops::RangeInclusive;
use std::sync::Arc;

use unmask_core::engine::Loaded;

/// Text that is typed to stand in the place of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenEdit {
    /// Whose place, as offsets in the answer.
    pub span: RangeInclusive<usize>,
    /// What was typed.
    pub text: String,
}

/// Text that is to be made tokens.
#[derive(Debug, Clone)]
pub struct TextQuestion {
    /// Whose tokenizer.
    pub loaded: Arc<Loaded>,
    /// The text.
    pub text: String,
    /// Where it is to stand, as offsets in the answer.
    pub span: RangeInclusive<usize>,
}

impl PartialEq for TextQuestion {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.loaded, &other.loaded)
            && (&self.text, &self.span) == (&other.text, &other.span)
    }
}
