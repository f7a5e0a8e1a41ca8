use serde::{Deserialize, Serialize};
use unmask_api::TokenId;

use crate::text::{Piece, Vocabulary};

/// What a token stands for: one member, named after its kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenText {
    /// Whole characters.
    Text(String),
    /// Bytes that are not: a character may be split over several tokens.
    Bytes(Vec<u8>),
    /// The name of a token that is no text.
    Special(String),
}

impl TokenText {
    /// What `token` stands for; `None` for an id that the tokenizer does not know.
    #[must_use]
    pub fn of(vocabulary: &Vocabulary, token: TokenId) -> Option<Self> {
        match vocabulary.piece(token) {
            Piece::Special(name) => Some(Self::Special(name.to_owned())),
            Piece::Bytes(bytes) => Some(match std::str::from_utf8(bytes) {
                Ok(text) => Self::Text(text.to_owned()),
                Err(_) => Self::Bytes(bytes.to_vec()),
            }),
            Piece::Unknown => None,
        }
    }

    /// As text, whatever it is; what is no character is replaced.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) | Self::Special(text) => text.clone(),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

/// The text of `token` for those who only look at it.
pub(super) fn shown(vocabulary: &Vocabulary, token: TokenId) -> String {
    TokenText::of(vocabulary, token).map_or_else(String::new, |it| it.shown())
}
