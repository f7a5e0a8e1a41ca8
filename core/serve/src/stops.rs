//! Texts that end an answer.

use std::ops::Range;

/// Texts of which the first to be complete ends the answer before it. Empty ones are none.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Stops(Vec<String>);

impl Stops {
    pub(crate) fn new(texts: impl IntoIterator<Item = String>) -> Self {
        Self(texts.into_iter().filter(|it| !it.is_empty()).collect())
    }

    /// The stop that is complete first; of several that end at once the longest. However the text comes in parts, it is the
    /// same one.
    pub(crate) fn first(&self, text: &str) -> Option<Range<usize>> {
        let found = self.0.iter().filter_map(|stop| {
            let start = text.find(stop.as_str())?;
            Some(start..start + stop.len())
        });
        found.min_by_key(|at| (at.end, at.start))
    }

    /// Bytes of the text without what may begin a stop at its end.
    pub(crate) fn certain(&self, text: &str) -> usize {
        let begins = |stop: &String| {
            let longest = stop.len().saturating_sub(1).min(text.len());
            let mut lengths = (1..=longest).rev();
            lengths.find(|&n| text.as_bytes().ends_with(&stop.as_bytes()[..n]))
        };
        // Both are whole characters, so that no part of one is ever held.
        text.len() - self.0.iter().filter_map(begins).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops(texts: &[&str]) -> Stops {
        Stops::new(texts.iter().map(|&it| it.to_owned()))
    }

    #[track_caller]
    fn check(texts: &[&str], text: &str, first: Option<&str>, certain: &str) {
        let stops = stops(texts);
        assert_eq!(stops.first(text).map(|at| &text[..at.start]), first);
        assert_eq!(&text[..stops.certain(text)], certain);
    }

    #[test]
    fn the_stop_that_is_complete_first_ends_the_text() {
        check(&["abcd", "bc"], "xabcd", Some("xa"), "xabcd");
        check(&["d", "bcd"], "xabcd", Some("xa"), "xabcd");
        check(&["b"], "xaxbxb", Some("xax"), "xaxbxb");
        check(&[], "text", None, "text");
        check(&[""], "text", None, "text");
    }

    #[test]
    fn what_may_begin_a_stop_is_held_back() {
        check(&["\n\n"], "line\n", None, "line");
        check(&["abab"], "xaba", None, "x");
        check(&["</code>", "<|end|>"], "a <", None, "a ");
        check(&["é"], "caf", None, "caf");
        check(&["text longer than it"], "text", None, "");
    }
}
