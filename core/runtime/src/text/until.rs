use unmask_api::TokenId;

use super::{TextError, Tokenizer};

/// The text of a generated answer up to the stop strings, as the reference's `generate_until` in `eval_llada.py`.
///
/// Decoded with special tokens, cut at each stop string in turn, encoded again, decoded without special tokens. An empty
/// stop string is skipped.
///
/// # Errors
/// If the tokenizer cannot encode or decode.
pub fn until_text(
    generated: &[TokenId],
    stops: &[String],
    tokenizer: &Tokenizer,
) -> Result<String, TextError> {
    let mut text = tokenizer.decode(generated)?;
    for stop in stops.iter().filter(|stop| !stop.is_empty()) {
        if let Some(at) = text.find(stop.as_str()) {
            text.truncate(at);
        }
    }
    tokenizer.decode_plain(&tokenizer.encode(&text)?)
}
