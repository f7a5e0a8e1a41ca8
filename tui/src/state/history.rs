/// Messages sent before, and a walk through them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// Oldest first.
    entries: Vec<String>,
    /// Those that were added and not told yet.
    fresh: Vec<String>,
    walk: Option<Walk>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Walk {
    /// The draft as it was before the walk; entries that begin with it are shown.
    draft: String,
    /// The entry shown.
    at: usize,
}

/// How many messages are kept.
const KEPT: usize = 10_000;

impl History {
    /// Remembers a message; an older copy of it goes.
    pub fn add(&mut self, text: &str) {
        self.walk = None;
        if self.entries.last().is_some_and(|last| last == text) {
            return;
        }
        self.entries.retain(|entry| entry != text);
        self.entries.push(text.to_owned());
        self.fresh.push(text.to_owned());
        if self.entries.len() > KEPT {
            self.entries.remove(0);
        }
    }

    /// Puts the messages of earlier runs, oldest first, before those of this one.
    pub fn put_before(&mut self, mut earlier: Vec<String>) {
        earlier.retain(|text| !self.entries.contains(text));
        if let Some(walk) = &mut self.walk {
            walk.at += earlier.len();
        }
        earlier.append(&mut self.entries);
        self.entries = earlier;
    }

    /// The messages added since this was asked last.
    pub fn take_fresh(&mut self) -> Vec<String> {
        std::mem::take(&mut self.fresh)
    }

    /// Every message, the latest first.
    pub fn latest_first(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().rev().map(String::as_str)
    }

    /// The message before the one shown, of those that begin with the draft.
    pub fn older(&mut self, draft: &str) -> Option<String> {
        let (prefix, end) = match &self.walk {
            Some(walk) => (walk.draft.clone(), walk.at),
            None => (draft.to_owned(), self.entries.len()),
        };
        let at = self.entries[..end]
            .iter()
            .rposition(|entry| entry.starts_with(&prefix) && *entry != prefix)?;
        self.walk = Some(Walk { draft: prefix, at });
        Some(self.entries[at].clone())
    }

    /// The message after the one shown; after the last one, the draft. `None` if no walk has begun.
    pub fn newer(&mut self) -> Option<String> {
        let mut walk = self.walk.take()?;
        let next = self.entries[walk.at + 1..]
            .iter()
            .position(|entry| entry.starts_with(&walk.draft) && *entry != walk.draft);
        let Some(offset) = next else {
            return Some(walk.draft);
        };
        walk.at += 1 + offset;
        let entry = self.entries[walk.at].clone();
        self.walk = Some(walk);
        Some(entry)
    }

    /// True while the draft is one of the messages sent before.
    #[must_use]
    pub fn is_walking(&self) -> bool {
        self.walk.is_some()
    }

    /// The draft was changed: the walk is over.
    pub fn touch(&mut self) {
        self.walk = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(entries: &[&str]) -> History {
        let mut history = History::default();
        for entry in entries {
            history.add(entry);
        }
        history
    }

    #[test]
    fn the_walk_goes_back_and_returns_to_the_draft() {
        let mut history = of(&["one", "two"]);
        assert_eq!(history.older("").as_deref(), Some("two"));
        assert_eq!(history.older("two").as_deref(), Some("one"));
        assert_eq!(history.older("one"), None);
        assert_eq!(history.newer().as_deref(), Some("two"));
        assert_eq!(history.newer().as_deref(), Some(""));
        assert_eq!(history.newer(), None);
    }

    #[test]
    fn only_messages_that_begin_with_the_draft_are_shown() {
        let mut history = of(&["what is a prime", "hello", "what is two"]);
        assert_eq!(history.older("what").as_deref(), Some("what is two"));
        assert_eq!(
            history.older("what is two").as_deref(),
            Some("what is a prime")
        );
        assert_eq!(history.newer().as_deref(), Some("what is two"));
        assert_eq!(history.newer().as_deref(), Some("what"));
    }

    #[test]
    fn messages_of_earlier_runs_come_before() {
        let mut history = of(&["two", "three"]);
        assert_eq!(history.take_fresh(), ["two", "three"]);
        assert_eq!(history.older("").as_deref(), Some("three"));
        history.put_before(vec!["one".to_owned(), "two".to_owned()]);
        assert_eq!(history.older("three").as_deref(), Some("two"));
        assert_eq!(history.older("two").as_deref(), Some("one"));
        assert_eq!(history.take_fresh(), [] as [&str; 0]);
    }

    #[test]
    fn a_message_sent_again_is_kept_once() {
        let mut history = of(&["one", "two", "one"]);
        assert_eq!(history.older("").as_deref(), Some("one"));
        assert_eq!(history.older("one").as_deref(), Some("two"));
        assert_eq!(history.older("two"), None);
    }
}
