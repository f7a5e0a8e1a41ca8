use std::collections::BTreeMap;

use serde::Deserialize;
use tokenizers::AddedToken;
use unmask_api::TokenId;

use super::contained::contained;
use super::token_bytes::TokenBytes;
use super::{TextError, Vocabulary, tokenizer_check};

/// Tokens that a vocabulary may have: a table has as many rows as the highest id says.
const MOST_TOKENS: u32 = 1 << 22;

/// Text to tokens and back, as the Hugging Face fast tokenizers do it. Their panics are errors here: a file decides what
/// they do.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    pub(super) inner: tokenizers::Tokenizer,
    clean_up: bool,
}

/// What `tokenizer_config.json` says about tokens.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct TokenizerConfig {
    added_tokens_decoder: BTreeMap<u32, ConfigToken>,
    clean_up_tokenization_spaces: Option<bool>,
}

/// A token there. What is not said is as in Python's `AddedToken`.
#[derive(Debug, Clone, Deserialize)]
struct ConfigToken {
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    normalized: Option<bool>,
    #[serde(default)]
    special: bool,
}

impl From<ConfigToken> for AddedToken {
    fn from(token: ConfigToken) -> Self {
        Self::from(token.content, token.special)
            .single_word(token.single_word)
            .lstrip(token.lstrip)
            .rstrip(token.rstrip)
            .normalized(token.normalized.unwrap_or(!token.special))
    }
}

impl Tokenizer {
    /// Reads the text of `tokenizer.json`, and of `tokenizer_config.json`, whose added tokens are added if the former lacks
    /// them; `{}` if there is none.
    ///
    /// # Errors
    /// [`TextError::Tokenizer`] or [`TextError::TokenizerConfig`] if one is damaged.
    pub fn new(tokenizer_json: &[u8], config_json: &str) -> Result<Self, TextError> {
        let config: TokenizerConfig = serde_json::from_str(config_json)
            .map_err(|error| TextError::TokenizerConfig(error.to_string()))?;
        tokenizer_check::check(tokenizer_json).map_err(TextError::Tokenizer)?;
        contained(|| Self::read(tokenizer_json, config)).unwrap_or_else(|panic| {
            let what = format!("reading it fails with `{panic}`");
            Err(TextError::Tokenizer(what))
        })
    }

    fn read(tokenizer_json: &[u8], config: TokenizerConfig) -> Result<Self, TextError> {
        let damaged = |error: tokenizers::Error| TextError::Tokenizer(error.to_string());
        let mut inner = tokenizers::Tokenizer::from_bytes(tokenizer_json).map_err(damaged)?;
        let known = inner.get_added_tokens_decoder();
        let lacking = config
            .added_tokens_decoder
            .into_iter()
            .filter(|(id, _)| !known.contains_key(id));
        inner
            .add_tokens(lacking.map(|(_, token)| token.into()))
            .map_err(damaged)?;
        // As the fast tokenizers when they are called without asking for either.
        inner
            .with_padding(None)
            .with_truncation(None)
            .map_err(damaged)?;
        let mut tokens = inner.get_vocab(true).into_iter();
        if let Some((name, id)) = tokens.find(|(_, id)| *id >= MOST_TOKENS) {
            return Err(TextError::Tokenizer(format!(
                "token `{name}` has the id {id}, and no vocabulary has more than {MOST_TOKENS} tokens"
            )));
        }
        // Some faults show at the first text alone; that it has no tokens for this one is none.
        drop(inner.encode_fast("A text, as 1 ▁ 日.", false));
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
        let encoding = contained(|| self.inner.encode_fast(text, false))
            .map_err(TextError::Encode)?
            .map_err(|error| TextError::Encode(error.to_string()))?;
        Ok(encoding.get_ids().iter().copied().map(TokenId).collect())
    }

    /// The same, but names of special tokens are text as any other. A copy of the tokenizer is made for it.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_names_as_text(&self, text: &str) -> Result<Vec<TokenId>, TextError> {
        let mut plain = self.clone();
        plain.inner.set_encode_special_tokens(true);
        plain.encode(text)
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

    /// The text of each id; one that it does not know is [`Piece::Unknown`](super::Piece::Unknown).
    #[must_use]
    pub fn vocabulary(&self) -> Vocabulary {
        let bytes = TokenBytes::of(self.inner.get_decoder());
        let added = self.inner.get_added_tokens_decoder();
        let mut tokens = vec![(Vec::new(), false); self.rows()];
        for (name, id) in self.inner.get_vocab(true) {
            let special = added.get(&id).is_some_and(|token| token.special);
            let piece = if special {
                name.into_bytes()
            } else {
                bytes.bytes(&name)
            };
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
        let text = contained(|| self.inner.decode(&ids, skip_special))
            .map_err(TextError::Decode)?
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
