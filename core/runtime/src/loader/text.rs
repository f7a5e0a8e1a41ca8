//! The text half of a loaded model.

use std::fmt;
use std::time::SystemTime;

use unmask_api::TokenId;

use super::failures::failure;
use crate::checkpoint::CheckpointText;
use crate::engine::{Failure, FailureKind, LONGEST_TEXT, Message, ModelText, Pin, SpecialTokens};
use crate::likelihood::Pair;
use crate::text::answer::{finished_text, stopped_text};
use crate::text::pins::{PinPlaceError, place_pins};
use crate::text::{TextError, conversation_tokens, encode_pair, until_text};

/// The text half of a checkpoint, as the engine asks for it.
pub(super) struct LoadedText {
    pub(super) text: CheckpointText,
    /// Positions of the model's context.
    pub(super) limit: usize,
    /// Bytes of the longest token.
    pub(super) longest: usize,
}

impl LoadedText {
    /// Refuses text of so many bytes if the context cannot hold it in whatever tokens: making them takes hundreds of times
    /// its memory, and cannot be broken off.
    fn check(&self, bytes: usize) -> Result<(), Failure> {
        let tokens = bytes.div_ceil(self.longest);
        if tokens <= self.limit {
            return Ok(());
        }
        let limit = self.limit;
        Err(Failure {
            kind: FailureKind::Context {
                tokens,
                limit,
                room: 0,
            },
            text: format!(
                "the text of {bytes} bytes has at least {tokens} tokens, the limit is {limit}"
            ),
            hint: "shorten it, or begin a new conversation".to_owned(),
        })
    }

    /// The tokens of `text`, which is not longer than the context.
    fn tokens(&self, text: &str) -> Result<Vec<TokenId>, Failure> {
        self.check(text.len())?;
        let tokens = self.text.tokenizer.encode(text);
        tokens.map_err(|error| failure(FailureKind::Model, &error))
    }
}

impl fmt::Debug for LoadedText {
    /// A tokenizer would fill pages.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LoadedText").finish_non_exhaustive()
    }
}

impl ModelText for LoadedText {
    fn encode(&self, text: &str) -> Result<Vec<TokenId>, Failure> {
        self.tokens(text)
    }

    fn encode_names_as_text(&self, text: &str) -> Result<Vec<TokenId>, Failure> {
        self.check(text.len())?;
        let tokens = self.text.tokenizer.encode_names_as_text(text);
        tokens.map_err(|error| failure(FailureKind::Model, &error))
    }

    fn encode_long(&self, text: &str) -> Result<Vec<TokenId>, Failure> {
        if text.len() > LONGEST_TEXT {
            return Err(Failure {
                kind: FailureKind::Usage,
                text: format!(
                    "the text of {} bytes is longer than {LONGEST_TEXT} bytes",
                    text.len()
                ),
                hint: "cut it, as at the end of a paragraph".to_owned(),
            });
        }
        let tokens = self.text.tokenizer.encode(text);
        tokens.map_err(|error| failure(FailureKind::Model, &error))
    }

    fn pair(&self, context: &str, continuation: &str) -> Result<Pair, Failure> {
        self.check(context.len().saturating_add(continuation.len()))?;
        let (context, continuation) = encode_pair(context, continuation, &self.text.tokenizer)
            .map_err(|error| failure(FailureKind::Model, &error))?;
        Ok(Pair {
            context,
            continuation,
        })
    }

    fn prompt(&self, messages: &[Message]) -> Result<Vec<TokenId>, Failure> {
        self.check(messages.iter().map(|it| it.content.len()).sum())?;
        let now = SystemTime::now();
        let render = |messages: &[Message]| self.text.template.render(messages, now);
        let of_text = |error: TextError| failure(FailureKind::Model, &error);
        let rendered = render(messages).map_err(of_text)?;
        self.check(rendered.len())?;
        let special = &self.text.special;
        let known: Vec<TokenId> =
            (special.ends().chain([special.mask]).chain(special.bos)).collect();
        conversation_tokens(&rendered, messages, &known, &self.text.tokenizer, render)
            .map_err(of_text)
    }

    fn render(&self, messages: &[Message]) -> Result<String, Failure> {
        self.check(messages.iter().map(|it| it.content.len()).sum())?;
        let rendered = self.text.template.render(messages, SystemTime::now());
        rendered.map_err(|error| failure(FailureKind::Model, &error))
    }

    fn decode(&self, tokens: &[TokenId], special: SpecialTokens) -> Result<String, Failure> {
        let tokenizer = &self.text.tokenizer;
        let text = match special {
            SpecialTokens::Named => tokenizer.decode(tokens),
            SpecialTokens::LeftOut => tokenizer.decode_plain(tokens),
        };
        text.map_err(|error| failure(FailureKind::Model, &error))
    }

    fn until(&self, answer: &[TokenId], stops: &[String]) -> Result<String, Failure> {
        until_text(answer, stops, &self.text.tokenizer)
            .map_err(|error| failure(FailureKind::Model, &error))
    }

    fn place(&self, pins: &[Pin], length: usize) -> Result<Vec<Vec<TokenId>>, PinPlaceError> {
        place_pins(pins, &self.text.tokenizer, length)
    }

    fn finished(&self, answer: &[TokenId]) -> Result<String, Failure> {
        finished_text(answer, &self.text.special, &self.text.tokenizer)
            .map_err(|error| failure(FailureKind::Model, &error))
    }

    fn stopped(&self, answer: &[TokenId]) -> Result<String, Failure> {
        stopped_text(answer, &self.text.special, &self.text.tokenizer)
            .map_err(|error| failure(FailureKind::Model, &error))
    }
}
