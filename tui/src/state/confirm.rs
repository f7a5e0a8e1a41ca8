use crate::action::Order;

/// A question before something that should not happen by accident.
#[derive(Debug, Clone, PartialEq)]
pub struct Confirm {
    /// What it is about.
    pub title: String,
    /// The question, a paragraph a line.
    pub lines: Vec<String>,
    /// What Enter does, in a few words.
    pub yes: String,
    /// The letter that does it too.
    pub letter: char,
    /// What is carried out then.
    pub order: Order,
}
