/// How far the completion of a slash command has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completion {
    /// Which of the commands that fit was chosen with a key; `None` while none was.
    pub chosen: Option<usize>,
    /// The draft for which the list was closed.
    pub closed_for: Option<String>,
    /// The first row that was seen in the last frame.
    pub top: usize,
}
