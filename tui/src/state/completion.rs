use super::{Focus, State};
use crate::slash::Slash;

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

impl State {
    /// The commands that fit the slash command being typed, the best first; `None` if none is being typed, none fits, or
    /// the list was closed.
    #[must_use]
    pub fn completions(&self) -> Option<Vec<&'static Slash>> {
        let [line] = self.composer.lines() else {
            return None;
        };
        let name = line.strip_prefix('/')?;
        let is_typed = self.focus == Focus::Composer
            && self.overlays.is_empty()
            && !self.history.is_walking()
            && !name.contains(|it: char| it.is_whitespace() || it == '/')
            && self.completion.closed_for.as_ref() != Some(line);
        let found = is_typed.then(|| Slash::like(name))?;
        (!found.is_empty()).then_some(found)
    }
}
