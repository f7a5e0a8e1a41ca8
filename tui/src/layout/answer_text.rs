//! The text that the tokens of an answer make.

use unmask_core::TokenId;
use unmask_core::text::Piece;

use crate::state::Turn;

/// The text before the first mask and the first end token behind the pins, special tokens left out: what an abandoned turn
/// keeps.
#[must_use]
pub fn answer_so_far(turn: &Turn) -> String {
    joined(turn, turn.text_tokens())
}

/// The text of every token before the first end token behind the pins, masks and special tokens left out.
#[must_use]
pub fn answer_found(turn: &Turn) -> String {
    joined(turn, turn.found_tokens())
}

fn joined(turn: &Turn, tokens: impl Iterator<Item = TokenId>) -> String {
    let mut bytes = Vec::new();
    for token in tokens {
        if let Piece::Bytes(piece) = turn.loaded.vocabulary.piece(token) {
            bytes.extend_from_slice(piece);
        }
    }
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        let is_whole = chunk.invalid().is_empty();
        if !is_whole && text.len() + chunk.invalid().len() < bytes.len() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text.trim().to_owned()
}
