use std::collections::BTreeMap;

use serde::Deserialize;
use tokenizers::AddedToken;
use unmask_api::TokenId;

use super::token_bytes::TokenBytes;
use super::{TextError, Vocabulary};

/// Text to tokens and back, as the Hugging Face fast tokenizers do it.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    clean_up: bool,
}

/// What `tokenizer_config.json` says about tokens.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct TokenizerConfig {
    added_tokens_decoder: BTreeMap<u32, AddedToken>,
    clean_up_tokenization_spaces: Option<bool>,
}

impl Tokenizer {
    /// Reads the text of `tokenizer.json`, and of `tokenizer_config.json`, whose added tokens are added if the former lacks
    /// them; `{}` if there is none.
    ///
    /// # Errors
    /// [`TextError::Tokenizer`] if either is damaged.
    pub fn new(tokenizer_json: &[u8], config_json: &str) -> Result<Self, TextError> {
        let damaged = |error: tokenizers::Error| TextError::Tokenizer(error.to_string());
        let mut inner = tokenizers::Tokenizer::from_bytes(tokenizer_json).map_err(damaged)?;
        let config: TokenizerConfig = serde_json::from_str(config_json)
            .map_err(|error| TextError::Tokenizer(format!("tokenizer_config.json: {error}")))?;
        let known = inner.get_added_tokens_decoder();
        let lacking = config
            .added_tokens_decoder
            .into_iter()
            .filter(|(id, _)| !known.contains_key(id));
        inner
            .add_tokens(lacking.map(|(_, token)| token))
            .map_err(damaged)?;
        // As the fast tokenizers when they are called without asking for either.
        inner
            .with_padding(None)
            .with_truncation(None)
            .map_err(damaged)?;
        Ok(Self {
            inner,
            clean_up: config.clean_up_tokenization_spaces == Some(true),
        })
    }

    /// The tokens of `text`; names of special tokens in it become those tokens, and none are added around it.
    ///
    /// # Errors
    /// [`TextError::Encode`] if the tokenizer has no token for a part of it.
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>, TextError> {
        let encoding = self
            .inner
            .encode_fast(text, false)
            .map_err(|error| TextError::Encode(error.to_string()))?;
        Ok(encoding.get_ids().iter().copied().map(TokenId).collect())
    }

    /// The text of `tokens`, special tokens by their names.
    ///
    /// # Errors
    /// [`TextError::Decode`] if the decoder gives up.
    pub fn decode(&self, tokens: &[TokenId]) -> Result<String, TextError> {
        self.text(tokens, false)
    }

    /// The text of `tokens`, special tokens left out.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_plain(&self, tokens: &[TokenId]) -> Result<String, TextError> {
        self.text(tokens, true)
    }

    /// The id of a token by its name, such as `<|eot_id|>`.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<TokenId> {
        self.inner.token_to_id(name).map(TokenId)
    }

    /// One more than the highest id.
    #[must_use]
    pub fn rows(&self) -> usize {
        let ids = self.inner.get_vocab(true).into_values();
        ids.max().map_or(0, |id| id as usize + 1)
    }

    /// The text of each of the first `rows` ids, or of all the tokenizer's if it has more; ids that it does not know are
    /// [`Piece::Unknown`](super::Piece::Unknown).
    #[must_use]
    pub fn vocabulary(&self, rows: usize) -> Vocabulary {
        let bytes = TokenBytes::of(self.inner.get_decoder());
        let added = self.inner.get_added_tokens_decoder();
        let mut tokens = vec![(Vec::new(), false); rows];
        for (name, id) in self.inner.get_vocab(true) {
            let special = added.get(&id).is_some_and(|token| token.special);
            let piece = if special {
                name.into_bytes()
            } else {
                bytes.bytes(&name)
            };
            if id as usize >= tokens.len() {
                tokens.resize(id as usize + 1, (Vec::new(), false));
            }
            tokens[id as usize] = (piece, special);
        }
        Vocabulary::new(
            tokens
                .iter()
                .map(|(bytes, special)| (bytes.as_slice(), *special)),
        )
    }

    fn text(&self, tokens: &[TokenId], skip_special: bool) -> Result<String, TextError> {
        let ids: Vec<u32> = tokens.iter().map(|token| token.0).collect();
        let text = self
            .inner
            .decode(&ids, skip_special)
            .map_err(|error| TextError::Decode(error.to_string()))?;
        Ok(if self.clean_up { clean_up(&text) } else { text })
    }
}

/// Removes blanks before punctuation, as `clean_up_tokenization` does for checkpoints that ask for it.
fn clean_up(text: &str) -> String {
    const PAIRS: [(&str, &str); 10] = [
        (" .", "."),
        (" ?", "?"),
        (" !", "!"),
        (" ,", ","),
        (" ' ", "'"),
        (" n't", "n't"),
        (" 'm", "'m"),
        (" 's", "'s"),
        (" 've", "'ve"),
        (" 're", "'re"),
    ];
    PAIRS
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
