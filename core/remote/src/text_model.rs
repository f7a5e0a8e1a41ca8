//! Text to tokens and back, by asking the server that has the tokenizer.

use serde_json::{Value, json};
use unmask_core::TokenId;
use unmask_core::engine::{
    Failure, FailureKind, LONGEST_TEXT, Message, ModelText, Pin, SpecialTokens,
};
use unmask_core::family::SpecialIds;
use unmask_core::likelihood::Pair;
use unmask_core::text::TextError;
use unmask_core::text::answer::before_end;
use unmask_core::text::pins::{PinPlaceError, place_tokens};

use super::client::RemoteClient;

/// The text half of a model of `unmask serve`.
#[derive(Debug)]
pub(crate) struct ServedText {
    pub(crate) client: RemoteClient,
    /// What the server calls the model.
    pub(crate) model: String,
    pub(crate) special: SpecialIds,
}

impl ServedText {
    fn tokens(&self, mut said: Value) -> Result<Vec<TokenId>, Failure> {
        said["model"] = self.model.as_str().into();
        let answer = self.client.post("/unmask/v1/tokenize", &said)?;
        let tokens: Vec<u32> = serde_json::from_value(answer["tokens"].clone())
            .map_err(|error| self.strange(&error.to_string()))?;
        Ok(tokens.into_iter().map(TokenId).collect())
    }

    fn strange(&self, what: &str) -> Failure {
        Failure {
            kind: FailureKind::Backend,
            text: format!(
                "{} answers something that is not understood: {what}",
                self.client.root()
            ),
            hint: "use the same version of unmask on both sides".to_owned(),
        }
    }

    /// Visible text of tokens without end.
    fn plain(&self, tokens: &[TokenId]) -> Result<String, Failure> {
        let kept: Vec<TokenId> = tokens
            .iter()
            .copied()
            .filter(|&token| token != self.special.mask)
            .collect();
        self.decode(&kept, SpecialTokens::LeftOut)
    }
}

impl ModelText for ServedText {
    fn encode(&self, text: &str) -> Result<Vec<TokenId>, Failure> {
        self.tokens(json!({"text": text}))
    }

    fn encode_long(&self, text: &str) -> Result<Vec<TokenId>, Failure> {
        if text.len() > LONGEST_TEXT {
            let text = format!(
                "the text of {} bytes is longer than {LONGEST_TEXT} bytes",
                text.len()
            );
            return Err(Failure::usage(text, "cut it, as at the end of a paragraph"));
        }
        self.encode(text)
    }

    fn pair(&self, context: &str, continuation: &str) -> Result<Pair, Failure> {
        let whole = self.encode(&format!("{context}{continuation}"))?;
        let context = self.encode(context.trim_end())?;
        let continuation = whole.get(context.len()..).unwrap_or_default().to_vec();
        Ok(Pair {
            context,
            continuation,
        })
    }

    fn prompt(&self, messages: &[Message]) -> Result<Vec<TokenId>, Failure> {
        self.tokens(json!({"messages": messages}))
    }

    fn render(&self, messages: &[Message]) -> Result<String, Failure> {
        self.decode(&self.prompt(messages)?, SpecialTokens::Named)
    }

    fn decode(&self, tokens: &[TokenId], special: SpecialTokens) -> Result<String, Failure> {
        if tokens.is_empty() {
            return Ok(String::new());
        }
        let ids: Vec<u32> = tokens.iter().map(|token| token.0).collect();
        let said = json!({"model": self.model, "tokens": ids, "skip_special": special == SpecialTokens::LeftOut});
        let answer = self.client.post("/unmask/v1/detokenize", &said)?;
        let text = answer["text"].as_str();
        text.map(str::to_owned)
            .ok_or_else(|| self.strange("there is no text"))
    }

    fn until(&self, answer: &[TokenId], stops: &[String]) -> Result<String, Failure> {
        let mut text = self.decode(answer, SpecialTokens::Named)?;
        for stop in stops.iter().filter(|stop| !stop.is_empty()) {
            if let Some(at) = text.find(stop.as_str()) {
                text.truncate(at);
            }
        }
        self.decode(&self.encode(&text)?, SpecialTokens::LeftOut)
    }

    fn place(&self, pins: &[Pin], length: usize) -> Result<Vec<Vec<TokenId>>, PinPlaceError> {
        let encode = |word: &str| {
            let tokens = self.encode(&format!(" {word}"));
            tokens.map_err(|failure| TextError::Encode(failure.to_string()))
        };
        place_tokens(pins, encode, length)
    }

    fn finished(&self, answer: &[TokenId]) -> Result<String, Failure> {
        self.plain(before_end(answer, &self.special))
    }

    fn stopped(&self, answer: &[TokenId]) -> Result<String, Failure> {
        let tokens = before_end(answer, &self.special);
        let mask = tokens.iter().position(|&token| token == self.special.mask);
        let mut text = self.plain(&tokens[..mask.unwrap_or(tokens.len())])?;
        if mask.is_some() {
            text.truncate(text.trim_end_matches(char::REPLACEMENT_CHARACTER).len());
        }
        Ok(text)
    }
}
