use regex::{Regex, RegexBuilder};

use super::{Entry, Transcript};

/// Words that are looked for in the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Find {
    /// What.
    pub words: String,
    /// Where they are, oldest first.
    pub hits: Vec<FindHit>,
    /// Which of them is shown.
    pub chosen: usize,
}

/// A place where words were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindHit {
    /// The entry.
    pub part: usize,
    /// The byte of its text.
    pub byte: usize,
}

impl Find {
    /// Every place of `words` in what was said, whatever the case of letters; the last is shown. `None` if there is none.
    #[must_use]
    pub fn of(words: String, transcript: &Transcript) -> Option<Self> {
        let pattern = pattern(&words)?;
        let mut hits = Vec::new();
        for (part, item) in transcript.entries.iter().enumerate() {
            let text = match &item.entry {
                Entry::You { text, .. } => text,
                Entry::Answer(answer) => &answer.text,
                Entry::Failure(_) | Entry::Note(_) => continue,
            };
            hits.extend(pattern.find_iter(text).map(|found| FindHit {
                part,
                byte: found.start(),
            }));
        }
        let chosen = hits.len().checked_sub(1)?;
        Some(Self {
            words,
            hits,
            chosen,
        })
    }

    /// What is shown.
    #[must_use]
    pub fn hit(&self) -> Option<FindHit> {
        self.hits.get(self.chosen).copied()
    }

    /// What matches these words.
    #[must_use]
    pub fn pattern(&self) -> Option<Regex> {
        pattern(&self.words)
    }
}

fn pattern(words: &str) -> Option<Regex> {
    let mut builder = RegexBuilder::new(&regex::escape(words));
    // Words too long for an expression are found nowhere.
    builder.case_insensitive(true).build().ok()
}
