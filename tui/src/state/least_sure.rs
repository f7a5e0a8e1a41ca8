use std::ops::Range;

use unmask_core::text::Piece;

use super::{CanvasMoment, Turn};

/// How many words are told of.
const WORDS: usize = 3;

/// A word of an answer, as sure as its least sure token.
#[derive(Debug, Clone, PartialEq)]
pub struct UnsureWord {
    /// Its tokens, as offsets in the answer.
    pub tokens: Range<usize>,
    /// What it says.
    pub text: String,
    /// How sure the model was, 0 to 1.
    pub confidence: f32,
}

/// The three words of the visible answer that the model was least sure of, the least sure first; given tokens and masks
/// are none.
#[must_use]
pub fn least_sure_words(turn: &Turn, moment: &CanvasMoment) -> Vec<UnsureWord> {
    let answer = moment.fold.canvas().answer();
    let end = answer.iter().position(|&token| turn.loaded.is_end(token));
    // In bytes: a character may be of several tokens.
    let mut words: Vec<(Range<usize>, Vec<u8>, f32)> = Vec::new();
    let mut is_open = false;
    for (at, &token) in answer[..end.unwrap_or(answer.len())].iter().enumerate() {
        let story = turn.story(moment, at);
        let confidence = story.and_then(|it| it.step.map(|_| it.commit.confidence));
        let Piece::Bytes(bytes) = turn.loaded.vocabulary.piece(token) else {
            is_open = false;
            continue;
        };
        let (Some(confidence), false) = (confidence, token == turn.mask()) else {
            is_open = false;
            continue;
        };
        match words.last_mut() {
            Some((tokens, text, least)) if is_open && !begins(bytes) => {
                tokens.end = at + 1;
                text.extend_from_slice(bytes);
                *least = least.min(confidence);
            }
            _ => words.push((at..at + 1, bytes.to_vec(), confidence)),
        }
        is_open = true;
    }
    let words = words
        .into_iter()
        .map(|(tokens, text, confidence)| UnsureWord {
            tokens,
            text: String::from_utf8_lossy(&text).trim_start().to_owned(),
            confidence,
        });
    let mut words: Vec<UnsureWord> = words.collect();
    words.retain(|word| word.text.chars().any(char::is_alphanumeric) && word.confidence < 1.0);
    words.sort_by(|a, b| a.confidence.total_cmp(&b.confidence));
    words.truncate(WORDS);
    words
}

/// True for the first token of a word: one with a space before it, or what is no letter.
fn begins(bytes: &[u8]) -> bool {
    let first = bytes.first().copied().unwrap_or(b' ');
    first.is_ascii() && !first.is_ascii_alphanumeric() && first != b'\''
}

impl Turn {
    /// True if a word begins with the token at this offset, or it is a mask.
    #[must_use]
    pub fn begins_word(&self, offset: usize) -> bool {
        match self.answer().get(offset) {
            None => false,
            Some(&token) if token == self.mask() => true,
            Some(&token) => match self.loaded.vocabulary.piece(token) {
                Piece::Bytes(bytes) => begins(bytes),
                Piece::Special(_) | Piece::Unknown => true,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, FixtureCell};

    #[test]
    fn words_are_as_sure_as_their_least_sure_token() {
        use FixtureCell::{End, Mask, Text};
        let cells = [
            Text(b"One"),
            Text(b" uns\xc3"),
            Text(b"\xbcre"),
            Text(b" word"),
            Text(b"."),
            Mask,
            Text(b" last"),
            End,
            Text(b" behind"),
        ];
        let mut turn = fixture::turn_of(&cells);
        let commits = [0.8, 0.9, 0.2, 0.5, 0.1, 0.0, 0.95, 0.3, 0.1];
        let commit = |(at, confidence): (usize, f32)| {
            let mut commit = fixture::new(at, fixture::token(&cells, at), confidence);
            commit.kind = unmask_core::event::CommitKind::Changed;
            commit
        };
        let all = commits.into_iter().enumerate().filter(|&(at, _)| at != 5);
        turn.apply(&fixture::step(2, 4, all.map(commit).collect()));
        let moment = turn.log().moment(2);
        let words = least_sure_words(&turn, &moment);
        let told: Vec<_> = (words.iter())
            .map(|word| (word.text.as_str(), word.tokens.clone()))
            .collect();
        assert_eq!(told, [("unsüre", 1..3), ("word", 3..4), ("One", 0..1)]);
    }
}
