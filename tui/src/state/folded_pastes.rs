use crate::clean::REPLACEMENT;

/// Long pastes in a draft. Each stands in it as one character that nobody types, so that it moves, is deleted and comes back
/// as one; what it stands for is kept here, also for undo.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct FoldedPastes {
    texts: Vec<String>,
}

/// The first of the characters: the end of the last private plane.
const FIRST: u32 = 0x0010_F000;
/// How many there are.
const MOST: usize = 4096;
/// Longer pastes are folded.
const LINES: usize = 10;
const BYTES: usize = 2048;

impl FoldedPastes {
    /// True for a paste that is folded.
    pub(super) fn is_long(text: &str) -> bool {
        text.len() > BYTES || text.lines().count() > LINES
    }

    /// Keeps a paste; returns the character that stands for it, or `None` if all of them do already.
    pub(super) fn fold(&mut self, text: &str) -> Option<char> {
        let offset = u32::try_from(self.texts.len()).ok()?;
        let character = char::from_u32(FIRST + offset).filter(|_| self.texts.len() < MOST)?;
        self.texts.push(text.to_owned());
        Some(character)
    }

    fn index(&self, character: char) -> Option<usize> {
        let offset = u32::from(character).checked_sub(FIRST)?;
        usize::try_from(offset)
            .ok()
            .filter(|at| *at < self.texts.len())
    }

    /// Adds to a paste that is still coming; false if the character stands for none.
    pub(super) fn extend(&mut self, character: char, text: &str) -> bool {
        let Some(at) = self.index(character) else {
            return false;
        };
        self.texts[at].push_str(text);
        true
    }

    /// `[pasted 214 lines]`, for a character that stands for a paste.
    pub(super) fn label(&self, character: char) -> Option<String> {
        let text = &self.texts[self.index(character)?];
        Some(match text.lines().count() {
            0 | 1 => format!("[pasted {} kB]", text.len().div_ceil(1000)),
            lines => format!("[pasted {lines} lines]"),
        })
    }

    /// True if a paste is folded in `text`.
    pub(super) fn are_in(&self, text: &str) -> bool {
        text.chars()
            .any(|character| self.index(character).is_some())
    }

    /// A draft with the pastes whole.
    pub(super) fn unfold(&self, text: &str) -> String {
        self.written(text, |character| {
            self.index(character).map(|at| self.texts[at].clone())
        })
    }

    /// A draft as it is drawn.
    pub(super) fn shown(&self, text: &str) -> String {
        self.written(text, |character| self.label(character))
    }

    fn written(&self, text: &str, of: impl Fn(char) -> Option<String>) -> String {
        let mut written = String::with_capacity(text.len());
        for character in text.chars() {
            match of(character) {
                Some(text) => written.push_str(&text),
                None => written.push(character),
            }
        }
        written
    }

    /// Foreign text without the characters that stand for pastes.
    pub(super) fn clean(text: &str) -> String {
        let is_one = |character: char| u32::from(character) >= FIRST;
        text.replace(is_one, &REPLACEMENT.to_string())
    }
}
