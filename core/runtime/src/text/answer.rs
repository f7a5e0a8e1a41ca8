//! What a person sees of an answer.

use unmask_api::TokenId;

use super::{TextError, Tokenizer};
use crate::family::SpecialIds;

/// The tokens before the first end token.
#[must_use]
pub fn before_end<'a>(answer: &'a [TokenId], special: &SpecialIds) -> &'a [TokenId] {
    let end = answer.iter().position(|&token| special.is_end(token));
    &answer[..end.unwrap_or(answer.len())]
}

/// The text of an answer that is finished: before the first end token, masks and special tokens left out.
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
    tokenizer.decode_plain(&tokens)
}

/// The text of an answer that was stopped: before the first mask or end token, special tokens left out; a character that
/// the mask cuts in two is left out as well.
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
        return tokenizer.decode_plain(tokens);
    };
    let mut text = tokenizer.decode_plain(&tokens[..mask])?;
    text.truncate(text.trim_end_matches(char::REPLACEMENT_CHARACTER).len());
    Ok(text)
}
