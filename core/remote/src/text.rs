//! Text as tokens for servers that tell none: each byte is one. A prompt is its conversation as JSON.

use unmask_core::TokenId;
use unmask_core::engine::{Failure, LONGEST_TEXT, Message, ModelText, Pin, Role, SpecialTokens};
use unmask_core::family::SpecialIds;
use unmask_core::likelihood::Pair;
use unmask_core::text::Vocabulary;
use unmask_core::text::answer::before_end;
use unmask_core::text::pins::{PinPlaceError, place_tokens};

/// Stands where more text may come.
pub(crate) const MASK: TokenId = TokenId(256);
/// Stands behind the text.
pub(crate) const END: TokenId = TokenId(257);
/// Bytes and both.
pub(crate) const COUNT: usize = 258;

/// The tokens of bytes.
pub(crate) fn vocabulary() -> Vocabulary {
    let bytes: Vec<[u8; 1]> = (0..=u8::MAX).map(|byte| [byte]).collect();
    let names = [(&b"<mask>"[..], true), (b"<end>", true)];
    Vocabulary::new(bytes.iter().map(|byte| (&byte[..], false)).chain(names))
}

/// The ids that steer them.
pub(crate) fn special() -> SpecialIds {
    SpecialIds {
        mask: MASK,
        eos: END,
        eot: None,
        other_ends: Vec::new(),
        bos: None,
    }
}

pub(crate) fn tokens(text: &str) -> Vec<TokenId> {
    text.bytes().map(|byte| TokenId(byte.into())).collect()
}

/// The text of the bytes among these tokens.
pub(crate) fn text(tokens: &[TokenId]) -> String {
    let bytes: Vec<u8> = tokens
        .iter()
        .filter_map(|token| u8::try_from(token.0).ok())
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a prompt says: a conversation, or else a question.
pub(crate) fn messages(prompt: &[TokenId]) -> Vec<Message> {
    let text = text(prompt);
    serde_json::from_str(&text).unwrap_or_else(|_| {
        vec![Message {
            role: Role::User,
            content: text,
        }]
    })
}

/// Text as bytes.
#[derive(Debug)]
pub(crate) struct ByteText;

impl ModelText for ByteText {
    fn encode(&self, text: &str) -> Result<Vec<TokenId>, Failure> {
        self.encode_long(text)
    }

    fn encode_long(&self, text: &str) -> Result<Vec<TokenId>, Failure> {
        if text.len() > LONGEST_TEXT {
            let text = format!(
                "the text of {} bytes is longer than {LONGEST_TEXT} bytes",
                text.len()
            );
            return Err(Failure::usage(text, "shorten it"));
        }
        Ok(tokens(text))
    }

    fn pair(&self, context: &str, continuation: &str) -> Result<Pair, Failure> {
        Ok(Pair {
            context: self.encode_long(context)?,
            continuation: self.encode_long(continuation)?,
        })
    }

    fn prompt(&self, messages: &[Message]) -> Result<Vec<TokenId>, Failure> {
        self.encode_long(&self.render(messages)?)
    }

    fn render(&self, messages: &[Message]) -> Result<String, Failure> {
        serde_json::to_string(messages).map_err(|error| Failure::usage(error.to_string(), ""))
    }

    fn decode(&self, tokens: &[TokenId], _: SpecialTokens) -> Result<String, Failure> {
        Ok(text(tokens))
    }

    fn until(&self, answer: &[TokenId], stops: &[String]) -> Result<String, Failure> {
        let mut text = text(answer);
        for stop in stops.iter().filter(|stop| !stop.is_empty()) {
            if let Some(at) = text.find(stop.as_str()) {
                text.truncate(at);
            }
        }
        Ok(text)
    }

    fn place(&self, pins: &[Pin], length: usize) -> Result<Vec<Vec<TokenId>>, PinPlaceError> {
        place_tokens(pins, |word| Ok(tokens(&format!(" {word}"))), length)
    }

    fn finished(&self, answer: &[TokenId]) -> Result<String, Failure> {
        Ok(text(before_end(answer, &special())))
    }

    fn stopped(&self, answer: &[TokenId]) -> Result<String, Failure> {
        let mask = answer.iter().position(|&token| token == MASK);
        self.finished(&answer[..mask.unwrap_or(answer.len())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_its_prompt_and_back() {
        let said = vec![Message {
            role: Role::User,
            content: "ä \"quoted\"".to_owned(),
        }];
        let prompt = ByteText.prompt(&said).expect("it is short");
        assert_eq!(messages(&prompt), said);
        assert_eq!(
            messages(&tokens("no JSON")),
            [Message {
                role: Role::User,
                content: "no JSON".to_owned()
            }]
        );
        let answer = [tokens("ab"), vec![END, MASK]].concat();
        assert_eq!(ByteText.finished(&answer).as_deref(), Ok("ab"));
        assert_eq!(vocabulary().len(), COUNT);
    }
}
