use crate::commands::Command;

/// A question before something that should not happen by accident.
#[derive(Debug, Clone, PartialEq)]
pub struct Confirm {
    /// What it is about.
    pub title: String,
    /// The question, a paragraph a line.
    pub lines: Vec<String>,
    /// What yes does, in a few words.
    pub yes: String,
    /// The letter that does it too.
    pub letter: char,
    /// What is carried out then.
    pub command: Command,
}

impl Confirm {
    /// Whether Enter is yes. Not where an Enter too many would let a stranger's code run.
    #[must_use]
    pub fn takes_enter(&self) -> bool {
        !matches!(self.command, Command::Approve(_))
    }
}
