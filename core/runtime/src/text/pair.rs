use unmask_api::TokenId;

use super::{TextError, Tokenizer, whitespace};

/// The tokens of a context and of its continuation, as the reference's `_encode_pair` in `eval_llada.py`.
///
/// Whitespace at the end of the context moves to the continuation. The continuation's tokens are those of both texts
/// together behind as many as the context alone has; that the context's are a prefix is not tested, as there.
///
/// # Errors
/// If the tokenizer cannot encode a text.
pub fn encode_pair(
    context: &str,
    continuation: &str,
    tokenizer: &Tokenizer,
) -> Result<(Vec<TokenId>, Vec<TokenId>), TextError> {
    let kept = whitespace::strip_end(context);
    let whole = tokenizer.encode(&format!("{context}{continuation}"))?;
    let context = tokenizer.encode(kept)?;
    let continuation = whole.get(context.len()..).unwrap_or_default().to_vec();
    Ok((context, continuation))
}
