/// Text to be read, over the chat.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Info {
    /// What it is about.
    pub title: String,
    /// What it says, a paragraph a line; wrapped when it is drawn.
    pub lines: Vec<String>,
    /// Rows scrolled away.
    pub top: usize,
}
