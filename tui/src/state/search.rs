use super::{History, Pick};

/// The search through earlier prompts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// Every prompt, the latest first.
    prompts: Vec<String>,
    /// The prompts that hold every word typed, the latest first.
    found: Vec<usize>,
}

impl Search {
    /// A search in which nothing was typed yet.
    #[must_use]
    pub fn of(history: &History) -> Self {
        let prompts: Vec<String> = history.latest_first().map(str::to_owned).collect();
        Self {
            found: (0..prompts.len()).collect(),
            prompts,
        }
    }

    /// The prompts found, the latest first.
    pub fn found(&self) -> impl ExactSizeIterator<Item = &str> {
        self.found.iter().map(|&index| self.prompts[index].as_str())
    }

    /// The chosen prompt.
    #[must_use]
    pub fn chosen(&self, pick: &Pick) -> Option<&str> {
        let last = self.found.len().checked_sub(1)?;
        let index = self.found[pick.chosen.min(last)];
        Some(&self.prompts[index])
    }

    /// Looks again, since something else was typed.
    pub fn look(&mut self, query: &str) {
        let words: Vec<String> = (query.split_whitespace()).map(str::to_lowercase).collect();
        let holds = |prompt: &String| {
            let prompt = prompt.to_lowercase();
            words.iter().all(|word| prompt.contains(word))
        };
        let prompts = self.prompts.iter().enumerate();
        self.found = (prompts.filter(|(_, prompt)| holds(prompt)))
            .map(|(index, _)| index)
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_that_hold_every_word_are_found_the_latest_first() {
        let mut history = History::default();
        for prompt in ["What is a prime?", "hello", "Is 7 prime?"] {
            history.add(prompt);
        }
        let mut search = Search::of(&history);
        search.look("PRIME is");
        let found: Vec<&str> = search.found().collect();
        assert_eq!(found, ["Is 7 prime?", "What is a prime?"]);
        let mut pick = Pick::default();
        pick.step(9, found.len());
        assert_eq!(search.chosen(&pick), Some("What is a prime?"));
    }
}
