use super::Pick;

/// The keys, over the chat.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Help {
    /// Rows scrolled away.
    pub top: usize,
    /// What was typed to see fewer keys; `None` shows them all in their order.
    pub filter: Option<Pick>,
}
