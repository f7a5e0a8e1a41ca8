//! Two whole answers by their words: what one has and the other has not.

use std::collections::HashSet;
use std::ops::Range;

use similar::{Algorithm, DiffTag, capture_diff_slices};
use unicode_segmentation::UnicodeSegmentation;
use unmask_core::text::Piece;
use unmask_core::text::answer::pinned_kept;

use super::{AnswerMoment, TokenDifference, names};

/// Two whole answers by their words.
#[derive(Debug, Clone, PartialEq)]
pub struct WordComparison {
    /// Where they have other words, in order.
    pub changes: Vec<WordChange>,
    /// Words that both have there or elsewhere in the same order.
    pub same: usize,
    /// Words of the longer one.
    pub longer: usize,
    /// Whether they differ in nothing, not in spaces either.
    pub same_text: bool,
}

/// What stands in each of them between words that both have.
#[derive(Debug, Clone, PartialEq)]
pub struct WordChange {
    /// Its text; empty where the other one alone has words.
    pub texts: [String; 2],
    /// The tokens of it, as offsets in the answer.
    pub tokens: [Range<usize>; 2],
}

impl WordComparison {
    /// Compares them; `None` while one of them has a mask before its end: it has no words there yet.
    #[must_use]
    pub fn of(both: [AnswerMoment<'_>; 2]) -> Option<Self> {
        let [first, second] = both.map(WrittenText::of);
        let texts = [first?, second?];
        let pieces = [texts[0].pieces(), texts[1].pieces()];
        let words = [0, 1].map(|at| pieces[at].iter().map(|(_, text)| *text).collect::<Vec<_>>());
        let common = in_common(&words);
        let ends = [0, 1].map(|at| words[at].len());
        // What lies between words that both have, and behind the last of them.
        let mut from = [0, 0];
        let places = common.iter().chain([&ends]).map(|to| {
            let place = [from[0]..to[0], from[1]..to[1]];
            from = to.map(|at| at + 1);
            place
        });
        let places = places.filter(|place| !place.iter().all(Range::is_empty));
        Some(Self {
            changes: places.map(|it| change(&texts, &pieces, &it)).collect(),
            same: common.iter().filter(|at| is_word(words[0][at[0]])).count(),
            longer: words
                .iter()
                .map(|it| it.iter().filter(|it| is_word(it)).count())
                .max()
                .unwrap_or(0),
            same_text: texts[0].text.trim() == texts[1].text.trim(),
        })
    }

    /// The change that was written first, by the steps of the first answer where it has something there; what was given was
    /// there before.
    pub(super) fn first(&self, both: [AnswerMoment<'_>; 2]) -> Option<TokenDifference> {
        let places = self.changes.iter().map(|change| {
            let has = usize::from(change.texts[0].is_empty());
            let (turn, moment) = both[has];
            let tokens = change.tokens[has].clone();
            let stories = tokens.clone().filter_map(|at| turn.story(moment, at)?.step);
            TokenDifference {
                of: has,
                names: names(turn),
                step: stories.min(),
                offset: tokens.start,
                texts: change.texts.clone(),
            }
        });
        places.min_by_key(|it| it.step)
    }
}

/// True for a piece that is no sign.
fn is_word(piece: &str) -> bool {
    piece.chars().any(char::is_alphanumeric)
}

/// Where both have the same words in the same order, as pairs of places.
fn in_common(words: &[Vec<&str>; 2]) -> Vec<[usize; 2]> {
    // What the other one lacks is no part of it: two that are wholly unlike would take the longest, and for nothing.
    let known = [0, 1].map(|at| words[at].iter().copied().collect::<HashSet<_>>());
    let kept = [0, 1].map(|at| {
        let places = words[at].iter().enumerate();
        let shared = places.filter(|(_, word)| known[1 - at].contains(*word));
        shared.map(|(place, _)| place).collect::<Vec<_>>()
    });
    let shared = [0, 1].map(|at| kept[at].iter().map(|&it| words[at][it]).collect::<Vec<_>>());
    // It sets out from words that are there once: what lies between them reads as one change.
    let parts = capture_diff_slices(Algorithm::Patience, &shared[0], &shared[1]);
    let same = parts.iter().filter(|part| part.tag() == DiffTag::Equal);
    let pairs = same.flat_map(|part| part.old_range().zip(part.new_range()));
    pairs
        .map(|(old, new)| [kept[0][old], kept[1][new]])
        .collect()
}

fn change(
    texts: &[WrittenText; 2],
    pieces: &[Vec<(usize, &str)>; 2],
    ranges: &[Range<usize>; 2],
) -> WordChange {
    let bytes = [0, 1].map(|at| {
        let of = &pieces[at][ranges[at].clone()];
        let start = of.first().map_or(0, |(start, _)| *start);
        start..of.last().map_or(start, |(last, text)| last + text.len())
    });
    WordChange {
        texts: [0, 1].map(|at| texts[at].text[bytes[at].clone()].to_owned()),
        tokens: [0, 1].map(|at| texts[at].tokens_of(&bytes[at])),
    }
}

/// The text of an answer, and whose each byte of it is.
struct WrittenText {
    text: String,
    /// The token of each byte, as an offset in the answer.
    tokens: Vec<usize>,
}

impl WrittenText {
    /// Before the first end token behind the pins; `None` if a mask stands there.
    fn of((turn, moment): AnswerMoment<'_>) -> Option<Self> {
        let (mut bytes, mut owners) = (Vec::new(), Vec::new());
        let answer = pinned_kept(moment.fold.canvas(), &turn.loaded.special);
        for (offset, token) in answer.take_while(|&(_, token)| !turn.loaded.is_end(token)) {
            if token == turn.mask() {
                return None;
            }
            if let Piece::Bytes(piece) = turn.loaded.vocabulary.piece(token) {
                bytes.extend_from_slice(piece);
                owners.resize(bytes.len(), offset);
            }
        }
        let (mut text, mut tokens) = (String::new(), Vec::new());
        let mut at = 0;
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            tokens.extend(&owners[at..at + chunk.valid().len()]);
            at += chunk.valid().len();
            if !chunk.invalid().is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
                tokens.resize(text.len(), owners[at]);
                at += chunk.invalid().len();
            }
        }
        Some(Self { text, tokens })
    }

    /// Words and signs with where they begin; what lies between them is no matter in prose.
    fn pieces(&self) -> Vec<(usize, &str)> {
        let pieces = self.text.split_word_bound_indices();
        pieces.filter(|(_, it)| !it.trim().is_empty()).collect()
    }

    fn tokens_of(&self, bytes: &Range<usize>) -> Range<usize> {
        match &self.tokens[bytes.clone()] {
            [] => 0..0,
            [first, rest @ ..] => *first..rest.last().unwrap_or(first) + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, FixtureCell};
    use crate::state::Turn;

    const CELLS: &[FixtureCell] = &[
        FixtureCell::Text(b"The"),
        FixtureCell::Text(b" red"),
        FixtureCell::Text(b" do"),
        FixtureCell::Text(b"g"),
        FixtureCell::Text(b" sleeps"),
        FixtureCell::Text(b"."),
        FixtureCell::Text(b" in"),
        FixtureCell::Text(b"  sleeps"),
        FixtureCell::Text(b"\xc3"),
        FixtureCell::End,
        FixtureCell::Mask,
    ];

    /// An answer of these cells.
    fn answer(cells: &[usize]) -> Turn {
        let id = unmask_core::engine::TurnId(1);
        let mut turn = Turn::new(id, fixture::loaded(CELLS), "?".to_owned());
        let canvas = unmask_core::Canvas::new(&[], cells.len(), fixture::MASK);
        turn.lay_out(canvas, &unmask_core::Params::default());
        let written = cells.iter().enumerate();
        let written = written.filter(|(_, cell)| !matches!(CELLS[**cell], FixtureCell::Mask));
        let commit = |(at, &cell)| fixture::new(at, fixture::token(CELLS, cell), 0.5);
        turn.replay_step(fixture::step(1, 1, written.map(commit).collect()));
        turn
    }

    fn compared(first: &[usize], second: &[usize]) -> Option<WordComparison> {
        let turns = [answer(first), answer(second)];
        let moments = [0, 1].map(|at| turns[at].log().moment(1));
        WordComparison::of([(&turns[0], &moments[0]), (&turns[1], &moments[1])])
    }

    /// Texts and tokens of the changes.
    type Changes = Vec<([&'static str; 2], [Range<usize>; 2])>;

    #[track_caller]
    fn check(first: &[usize], second: &[usize], changes: Changes, same: usize) {
        let compared = compared(first, second).expect("both are whole");
        let said = compared.changes.iter();
        let said: Vec<_> = said
            .map(|it| (it.texts.clone(), it.tokens.clone()))
            .collect();
        let changes = changes.into_iter();
        let changes: Vec<_> = changes
            .map(|(texts, tokens)| (texts.map(str::to_owned), tokens))
            .collect();
        assert_eq!((said, compared.same), (changes, same));
    }

    #[test]
    fn what_one_has_more_is_a_change_and_what_follows_is_the_same() {
        let (short, long) = ([0, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]);
        check(&short, &long, vec![(["", "red"], [0..0, 1..2])], 3);
        check(&long, &short, vec![(["red", ""], [1..2, 0..0])], 3);
        check(&long, &long, vec![], 4);
    }

    #[test]
    fn a_word_changes_whole_whatever_its_tokens_are() {
        let changes = vec![(["dog", "do"], [1..3, 1..2])];
        check(&[0, 2, 3, 4], &[0, 2, 4], changes, 2);
        let several = vec![(["dog sleeps", "red in"], [1..4, 1..3])];
        check(&[0, 2, 3, 4, 5], &[0, 1, 6, 5], several, 1);
    }

    #[test]
    fn signs_change_and_are_no_words() {
        check(&[0, 5], &[0, 5, 5], vec![(["", "."], [0..0, 2..3])], 1);
    }

    #[test]
    fn words_are_compared_once_they_are_there_and_up_to_the_end() {
        const END: usize = 9;
        const MASK: usize = 10;
        assert_eq!(compared(&[0, MASK], &[0, 1]), None);
        assert_eq!(compared(&[0, 1], &[MASK, 1]), None);
        check(&[0, END, MASK], &[0, END, 1], vec![], 1);
    }

    #[test]
    fn texts_may_differ_in_spaces_alone() {
        let spaced = compared(&[0, 4], &[0, 7]).expect("both are whole");
        assert!(spaced.changes.is_empty() && !spaced.same_text);
        let same = compared(&[0, 4], &[0, 4]).expect("both are whole");
        assert!(same.changes.is_empty() && same.same_text);
    }

    #[test]
    fn bytes_that_are_no_text_have_their_place() {
        let changes = vec![(["\u{fffd}", "red"], [1..2, 1..2])];
        check(&[0, 8, 4], &[0, 1, 4], changes, 2);
    }

    #[test]
    fn what_one_of_them_lacks_keeps_its_place_among_what_both_have() {
        // `red` and `in` are in the first alone, `do` in the second, `.` in both.
        let changes = vec![(["red", "do"], [1..2, 1..2]), (["in", ""], [3..4, 0..0])];
        check(&[0, 1, 5, 6, 4], &[0, 2, 5, 4], changes, 2);
        let changes = vec![(["red. in", "do sleeps"], [0..3, 0..2])];
        check(&[1, 5, 6], &[2, 4], changes, 0);
    }
}
