//! Words fixed in an answer, read as leniently as the reference's web demo does; [`pins`](super::pins) is the strict
//! reading.

use std::collections::BTreeMap;

use unmask_api::{Position, TokenId};

use super::{TextError, Tokenizer, python_int, whitespace};

/// `"pos:word, …"` as the reference's `parse_constraints` in `app.py` reads it: offsets in the answer with their words, in
/// the order of their first mention.
///
/// Parts without a colon, with a bad or negative number or without a word are dropped silently; a later word wins.
#[must_use]
pub fn parse_constraints(text: &str) -> Vec<(u64, String)> {
    let mut constraints: Vec<(u64, String)> = Vec::new();
    for part in text.split(',') {
        let Some((at, word)) = part.split_once(':') else {
            continue;
        };
        let word = whitespace::strip(word);
        let Some(at) = python_int::not_negative(at).filter(|_| !word.is_empty()) else {
            continue;
        };
        match constraints.iter_mut().find(|(known, _)| *known == at) {
            Some((_, known)) => word.clone_into(known),
            None => constraints.push((at, word.to_owned())),
        }
    }
    constraints
}

/// The tokens of the constraints at their offsets in an answer of `length` positions, as `app.py` puts them: each word is
/// encoded as `" " + word`, later ones overwrite, what is beyond the end is left out.
///
/// # Errors
/// If a word cannot be encoded.
pub fn place_constraints(
    constraints: &[(u64, String)],
    tokenizer: &Tokenizer,
    length: usize,
) -> Result<BTreeMap<Position, TokenId>, TextError> {
    let mut placed = BTreeMap::new();
    for (at, word) in constraints {
        for (offset, token) in encode_word(word, tokenizer)?.into_iter().enumerate() {
            let position = at.saturating_add(offset as u64);
            if position < length as u64 {
                placed.insert(Position(position as u32), token);
            }
        }
    }
    Ok(placed)
}

/// `" " + word`, as a word in the middle of a text is encoded.
pub(super) fn encode_word(word: &str, tokenizer: &Tokenizer) -> Result<Vec<TokenId>, TextError> {
    tokenizer.encode(&format!(" {word}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(u64, &str)]) {
        let got = parse_constraints(text);
        let got: Vec<(u64, &str)> = got.iter().map(|(at, word)| (*at, word.as_str())).collect();
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn constraints_are_read_as_the_web_demo_reads_them() {
        check("", &[]);
        check(
            "0:Once, 5:upon, 10:time",
            &[(0, "Once"), (5, "upon"), (10, "time")],
        );
        check("abc", &[]);
        check("1:a:b, 2 : spaced , x:y", &[(1, "a:b"), (2, "spaced")]);
        check("-1:neg, 4:", &[]);
        check("7:two words,3:x,7:last", &[(7, "last"), (3, "x")]);
        check("1.5:no, 6:yes", &[(6, "yes")]);
    }
}
