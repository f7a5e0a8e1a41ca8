//! The commands that fit what is typed.

use super::Slash;
use crate::state::{Focus, State};

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
