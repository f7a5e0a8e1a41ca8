use std::cell::RefCell;

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// A list that is filtered by typing: what was typed, and which of the rows that match is chosen.
///
/// It knows rows by their index alone; whoever owns them gives their text to [`Pick::matches`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pick {
    /// What was typed.
    pub query: String,
    /// Which of the matching rows is chosen, counted from 0.
    pub chosen: usize,
    /// The first row that was seen in the last frame.
    pub top: usize,
}

impl Pick {
    /// The rows that match, the best first; all in their order if nothing was typed.
    #[must_use]
    pub fn matches<T: AsRef<str>>(&self, rows: &[T]) -> Vec<usize> {
        thread_local! {
            // Its tables are large, and lists are filtered in every frame.
            static MATCHER: RefCell<Matcher> = RefCell::new(Matcher::new(Config::DEFAULT));
        }
        if self.query.trim().is_empty() {
            return (0..rows.len()).collect();
        }
        let pattern = Pattern::parse(&self.query, CaseMatching::Ignore, Normalization::Smart);
        let mut scored: Vec<(u32, usize)> = MATCHER.with_borrow_mut(|matcher| {
            let mut characters = Vec::new();
            let score = |(index, row): (usize, &T)| {
                let row = Utf32Str::new(row.as_ref(), &mut characters);
                Some((pattern.score(row, matcher)?, index))
            };
            rows.iter().enumerate().filter_map(score).collect()
        });
        scored.sort_by_key(|&(score, index)| (std::cmp::Reverse(score), index));
        scored.into_iter().map(|(_, index)| index).collect()
    }

    /// The chosen row.
    #[must_use]
    pub fn choice<T: AsRef<str>>(&self, rows: &[T]) -> Option<usize> {
        let matches = self.matches(rows);
        let last = matches.len().checked_sub(1)?;
        matches.get(self.chosen.min(last)).copied()
    }

    /// Adds what was typed and begins at the best match.
    pub fn write(&mut self, text: &str) {
        self.query.push_str(text);
        self.chosen = 0;
    }

    /// Takes the last character back.
    pub fn backspace(&mut self) {
        self.query.pop();
        self.chosen = 0;
    }

    /// Moves among `n` matching rows; negative is up. It stops at the ends.
    pub fn step(&mut self, rows: isize, n: usize) {
        let last = n.saturating_sub(1);
        self.chosen = self.chosen.min(last).saturating_add_signed(rows).min(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [&str; 3] = ["LLaDA-8B-Base candle", "demo candle", "LLaDA-1.5 onnx"];

    fn typed(query: &str) -> Pick {
        Pick {
            query: query.to_owned(),
            ..Pick::default()
        }
    }

    #[test]
    fn nothing_typed_keeps_the_order() {
        assert_eq!(typed(" ").matches(&ROWS), [0, 1, 2]);
    }

    #[test]
    fn words_match_in_any_order_and_letters_with_gaps() {
        assert_eq!(typed("candle ll8").matches(&ROWS), [0]);
        assert_eq!(typed("zzz").matches(&ROWS), [] as [usize; 0]);
        assert_eq!(typed("zzz").choice(&ROWS), None);
    }

    #[test]
    fn the_choice_stops_at_the_ends() {
        let mut pick = typed("");
        pick.step(7, 3);
        assert_eq!(pick.choice(&ROWS), Some(2));
        pick.step(-9, 3);
        assert_eq!(pick.choice(&ROWS), Some(0));
    }
}
