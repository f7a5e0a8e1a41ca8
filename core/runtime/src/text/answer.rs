//! What a person sees of an answer.

use unmask_api::TokenId;

use super::{TextError, Tokenizer};
use crate::Canvas;
use crate::family::SpecialIds;

/// The tokens of the answer with their offsets in it, without the end tokens that stand before a pin: those end nothing,
/// so that the visible text holds every pin.
pub fn pinned_kept<'a>(
    canvas: &'a Canvas,
    special: &'a SpecialIds,
) -> impl Iterator<Item = (usize, TokenId)> + 'a {
    let pinned = canvas.pinned_until() - canvas.answer_start();
    let answer = canvas.answer().iter().copied().enumerate();
    answer.filter(move |&(offset, token)| offset >= pinned || !special.is_end(token))
}

/// The tokens before the first end token.
#[must_use]
pub fn before_end<'a>(answer: &'a [TokenId], special: &SpecialIds) -> &'a [TokenId] {
    let end = answer.iter().position(|&token| special.is_end(token));
    &answer[..end.unwrap_or(answer.len())]
}

/// Tags around what a model thinks before it answers: some tokenizers have them as text, some as special tokens.
const THOUGHTS: [&str; 2] = ["<think>", "</think>"];

/// The text of tokens, special ones left out but for the tags around thoughts: without these nobody could tell thoughts from
/// the answer, nor a template leave them out of the next prompt.
fn said_text(tokens: &[TokenId], tokenizer: &Tokenizer) -> Result<String, TextError> {
    let tags = THOUGHTS.map(|name| tokenizer.id(name));
    let is_tag = |token: &TokenId| tags.contains(&Some(*token));
    let mut text = String::new();
    for part in tokens.chunk_by(|one, next| !is_tag(one) && !is_tag(next)) {
        text += &match part {
            [tag] if is_tag(tag) => tokenizer.decode(part)?,
            _ => tokenizer.decode_plain(part)?,
        };
    }
    Ok(text)
}

/// The text of an answer that is finished: before the first end token, masks and special tokens left out, but for the tags
/// around thoughts.
///
/// # Errors
/// If the tokenizer cannot decode.
pub fn finished_text(
    answer: &[TokenId],
    special: &SpecialIds,
    tokenizer: &Tokenizer,
) -> Result<String, TextError> {
    let tokens = before_end(answer, special).iter().copied();
    let tokens: Vec<TokenId> = tokens.filter(|&token| token != special.mask).collect();
    said_text(&tokens, tokenizer)
}

/// The text of an answer that was stopped: before the first mask or end token, special tokens left out as above; a character
/// that the mask cuts in two is left out as well.
///
/// # Errors
/// If the tokenizer cannot decode.
pub fn stopped_text(
    answer: &[TokenId],
    special: &SpecialIds,
    tokenizer: &Tokenizer,
) -> Result<String, TextError> {
    let tokens = before_end(answer, special);
    let Some(mask) = tokens.iter().position(|&token| token == special.mask) else {
        return said_text(tokens, tokenizer);
    };
    let mut text = said_text(&tokens[..mask], tokenizer)?;
    text.truncate(text.trim_end_matches(char::REPLACEMENT_CHARACTER).len());
    Ok(text)
}
