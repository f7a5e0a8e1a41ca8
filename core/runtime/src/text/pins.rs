//! Words fixed in an answer, read strictly: what cannot be done is told, with the place to put a caret under, and nothing
//! is applied.

use std::ops::Range;

use unmask_api::{Position, TokenId};

use super::constraints::encode_word;
use super::{TextError, Tokenizer};
use crate::pin::Pin;

/// A pin and where it stands in the text it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinText {
    /// What it says.
    pub pin: Pin,
    /// Its bytes in the text.
    pub span: Range<usize>,
}

/// Why a text is no list of pins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct PinSyntaxError {
    /// What is wrong, and what to write.
    pub what: String,
    /// The bytes of the text that are wrong; empty where something is missing.
    pub span: Range<usize>,
}

/// Why a pin cannot be put into an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinPlaceError {
    /// It reaches beyond the answer.
    #[error(
        "`{word}` needs positions {start} to {last}, but the answer has {length}; pin it earlier or make the answer longer"
    )]
    Beyond {
        /// Which of the pins.
        pin: usize,
        /// Its word.
        word: String,
        /// Its first position.
        start: u32,
        /// Its last position.
        last: u64,
        /// The answer's length.
        length: usize,
    },
    /// It lies over another one.
    #[error("`{word}` and `{other}` both need position {at}; move one of them")]
    Overlap {
        /// Which of the pins.
        pin: usize,
        /// Its word.
        word: String,
        /// The word that was there before.
        other: String,
        /// The first position that both need.
        at: u32,
    },
    /// Its word cannot be encoded.
    #[error("`{word}` cannot be pinned")]
    Word {
        /// Which of the pins.
        pin: usize,
        /// Its word.
        word: String,
        /// The tokenizer's reason.
        source: TextError,
    },
}

impl PinPlaceError {
    /// Which of the pins is refused, counted from 0.
    #[must_use]
    pub fn pin(&self) -> usize {
        match self {
            Self::Beyond { pin, .. } | Self::Overlap { pin, .. } | Self::Word { pin, .. } => *pin,
        }
    }
}

/// Reads `POSITION:WORD, POSITION:WORD, …`; a word has no comma in it.
///
/// # Errors
/// The first part that is wrong.
pub fn parse_pins(text: &str) -> Result<Vec<PinText>, PinSyntaxError> {
    let mut start = 0;
    let mut pins = Vec::new();
    for part in text.split(',') {
        pins.push(parse_part(part, start)?);
        start += part.len() + 1;
    }
    Ok(pins)
}

/// Reads one `POSITION:WORD`, whose word may have commas in it.
///
/// # Errors
/// What is wrong.
pub fn parse_pin(text: &str) -> Result<PinText, PinSyntaxError> {
    parse_part(text, 0)
}

/// The tokens of each pin, which lie at its position and behind it in an answer of `length` positions; each word is encoded
/// as `" " + word`.
///
/// # Errors
/// The first pin that does not fit: nothing of it is left out, and no two may overlap.
pub fn place_pins(
    pins: &[Pin],
    tokenizer: &Tokenizer,
    length: usize,
) -> Result<Vec<Vec<TokenId>>, PinPlaceError> {
    place_tokens(pins, |word| encode_word(word, tokenizer), length)
}

/// The same, by whoever encodes a word.
///
/// # Errors
/// As [`place_pins`].
pub fn place_tokens(
    pins: &[Pin],
    encode: impl Fn(&str) -> Result<Vec<TokenId>, TextError>,
    length: usize,
) -> Result<Vec<Vec<TokenId>>, PinPlaceError> {
    let mut owners: Vec<Option<usize>> = vec![None; length];
    let mut placed = Vec::new();
    for (index, Pin { at, word }) in pins.iter().enumerate() {
        let tokens = encode(word).map_err(|source| PinPlaceError::Word {
            pin: index,
            word: word.clone(),
            source,
        })?;
        for (position, _) in (at.0..).zip(&tokens) {
            let Some(owner) = owners.get_mut(position as usize) else {
                return Err(PinPlaceError::Beyond {
                    pin: index,
                    word: word.clone(),
                    start: at.0,
                    last: u64::from(at.0) + tokens.len() as u64 - 1,
                    length,
                });
            };
            if let Some(other) = owner.replace(index) {
                return Err(PinPlaceError::Overlap {
                    pin: index,
                    word: word.clone(),
                    other: pins[other].word.clone(),
                    at: position,
                });
            }
        }
        placed.push(tokens);
    }
    Ok(placed)
}

/// `text` with carets under `span`, on two lines.
#[must_use]
pub fn with_caret(text: &str, span: &Range<usize>) -> String {
    let before = text.get(..span.start).unwrap_or(text).chars().count();
    let under = text
        .get(span.clone())
        .map_or(0, |part| part.chars().count());
    format!("{text}\n{}{}", " ".repeat(before), "^".repeat(under.max(1)))
}

fn parse_part(part: &str, start: usize) -> Result<PinText, PinSyntaxError> {
    let inner = part.trim();
    let start = start + (part.len() - part.trim_start().len());
    let span = start..start + inner.len();
    let wrong = |what: String, span: Range<usize>| Err(PinSyntaxError { what, span });
    let Some((at, word)) = inner.split_once(':') else {
        return wrong("a pin is POSITION:WORD, such as 5:upon".to_owned(), span);
    };
    let number = at.trim();
    let Ok(position) = number.parse() else {
        let what = format!("`{number}` is no position; write a whole number, 0 or more");
        return wrong(what, start..start + at.len());
    };
    if word.trim().is_empty() {
        let what = "the word after the colon is missing".to_owned();
        return wrong(what, span.end..span.end);
    }
    let pin = Pin {
        at: Position(position),
        word: word.trim().to_owned(),
    };
    Ok(PinText { pin, span })
}
