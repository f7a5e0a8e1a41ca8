//! What a request asks about: a conversation, a text, tokens, or text on both sides of a hole.

use axum::http::StatusCode;
use serde::Deserialize;
use unmask_core::TokenId;
use unmask_core::engine::{Message, Role};

use super::error::ApiError;
use super::fields::Fields;

const MOST_PROMPTS: usize = 16;

/// What stands before an answer, and behind it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Prompt {
    /// A conversation whose next message is the answer.
    Chat(Vec<Message>),
    /// A conversation and the beginning of its next message.
    Begun(Vec<Message>, String),
    Text(String),
    Tokens(Vec<TokenId>),
    /// Text with a hole in it: what stands before it, and behind it.
    Around(Box<Prompt>, String),
    /// A canvas has its prompt in itself.
    Canvas,
}

#[derive(Deserialize)]
struct MessageField {
    role: String,
    content: Option<ContentField>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text, null or a list of text parts")]
enum ContentField {
    Text(String),
    Parts(Vec<PartField>),
}

#[derive(Deserialize)]
struct PartField {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a text, a list of token ids, or a list of either"
)]
enum PromptField {
    Text(String),
    Tokens(Vec<u32>),
    Texts(Vec<String>),
    TokenLists(Vec<Vec<u32>>),
}

impl Prompt {
    /// Takes the messages of a chat.
    pub(crate) fn of_chat(fields: &mut Fields) -> Result<Self, ApiError> {
        let said: Vec<MessageField> = fields.need("messages")?;
        let mut messages = said.into_iter().enumerate().map(|(at, it)| message(at, it));
        let mut messages: Vec<Message> = messages.by_ref().collect::<Result<_, _>>()?;
        match messages.pop() {
            None => Err(ApiError::invalid(
                "messages",
                "`messages` is empty; write one at least",
            )),
            Some(last) if last.role == Role::Assistant => Ok(Self::Begun(messages, last.content)),
            Some(last) => {
                messages.push(last);
                Ok(Self::Chat(messages))
            }
        }
    }

    /// Takes the prompts of a completion, with the text behind each.
    pub(crate) fn of_completion(fields: &mut Fields) -> Result<Vec<Self>, ApiError> {
        let prompts = match fields.need("prompt")? {
            PromptField::Text(text) => vec![Self::Text(text)],
            PromptField::Tokens(tokens) if !tokens.is_empty() => vec![Self::tokens(tokens)],
            PromptField::Tokens(_) => Vec::new(),
            PromptField::Texts(texts) => texts.into_iter().map(Self::Text).collect(),
            PromptField::TokenLists(lists) => lists.into_iter().map(Self::tokens).collect(),
        };
        if !(1..=MOST_PROMPTS).contains(&prompts.len()) {
            let message = format!(
                "`prompt` has {} texts; 1 to {MOST_PROMPTS} may be",
                prompts.len()
            );
            return Err(ApiError::invalid("prompt", message));
        }
        let suffix: Option<String> = fields.take("suffix")?;
        Ok(match suffix.filter(|it| !it.is_empty()) {
            None => prompts,
            Some(suffix) => {
                let around = |prompt| Self::Around(Box::new(prompt), suffix.clone());
                prompts.into_iter().map(around).collect()
            }
        })
    }

    /// What was said, for those who keep the run.
    pub(crate) fn messages(&self) -> &[Message] {
        match self {
            Self::Chat(messages) | Self::Begun(messages, _) => messages,
            Self::Text(_) | Self::Tokens(_) | Self::Around(..) | Self::Canvas => &[],
        }
    }

    fn tokens(ids: Vec<u32>) -> Self {
        Self::Tokens(ids.into_iter().map(TokenId).collect())
    }
}

fn message(at: usize, said: MessageField) -> Result<Message, ApiError> {
    let role = match &*said.role {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        other => {
            let message = format!(
                "the role `{other}` is not supported; known are system, developer, user and assistant"
            );
            return Err(ApiError::unsupported(
                format!("messages.{at}.role"),
                message,
            ));
        }
    };
    let content = match said.content {
        None => String::new(),
        Some(ContentField::Text(text)) => text,
        Some(ContentField::Parts(parts)) => {
            let texts = parts.into_iter().map(|part| text(at, part));
            texts.collect::<Result<String, _>>()?
        }
    };
    Ok(Message { role, content })
}

fn text(at: usize, part: PartField) -> Result<String, ApiError> {
    match (&*part.kind, part.text) {
        ("text", Some(text)) => Ok(text),
        (kind, _) => {
            let message = format!("a part of the type `{kind}` is not supported; text alone is");
            Err(ApiError::unsupported(
                format!("messages.{at}.content"),
                message,
            ))
        }
    }
}

/// Refuses `echo` beside `logprobs`, by which harnesses measure likelihoods: an order of commits gives none.
pub(crate) fn echo(fields: &mut Fields, has_logprobs: bool) -> Result<bool, ApiError> {
    let echo: bool = fields.take("echo")?.unwrap_or(false);
    if echo && has_logprobs {
        let message = "`echo` with `logprobs` asks for likelihoods, which confidences at commit are not; \
                       POST /unmask/v1/loglikelihood measures them";
        return Err(ApiError::unsupported("echo", message));
    }
    Ok(echo)
}

pub(crate) fn no_such_route(path: &str) -> ApiError {
    let message = format!("there is no {path} here; README lists the routes");
    ApiError::new(StatusCode::NOT_FOUND, "not_found", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat(messages: &serde_json::Value) -> Result<Prompt, ApiError> {
        let body = serde_json::json!({ "messages": messages }).to_string();
        Prompt::of_chat(&mut Fields::parse(body.as_bytes())?)
    }

    fn said(role: Role, content: &str) -> Message {
        Message {
            role,
            content: content.to_owned(),
        }
    }

    #[test]
    fn contents_are_texts_null_or_parts() {
        let messages = serde_json::json!([
            {"role": "developer", "content": "be brief"},
            {"role": "assistant", "content": null, "refusal": null},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "name": "ann"},
        ]);
        let expected = [
            said(Role::System, "be brief"),
            said(Role::Assistant, ""),
            said(Role::User, "ab"),
        ];
        assert_eq!(chat(&messages), Ok(Prompt::Chat(expected.to_vec())));
    }

    #[test]
    fn a_last_message_of_the_assistant_is_a_beginning() {
        let messages = serde_json::json!([
            {"role": "user", "content": "hi"}, {"role": "assistant", "content": "Once"}
        ]);
        let expected = Prompt::Begun(vec![said(Role::User, "hi")], "Once".to_owned());
        assert_eq!(chat(&messages), Ok(expected));
    }

    #[test]
    fn tools_images_and_nothing_are_refused() {
        for (messages, param) in [
            (
                serde_json::json!([{"role": "tool", "content": "1"}]),
                "messages.0.role",
            ),
            (
                serde_json::json!([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]),
                "messages.0.content",
            ),
            (serde_json::json!([]), "messages"),
            (serde_json::json!(null), "messages"),
            (serde_json::json!([{"content": "x"}]), "messages"),
        ] {
            let error = chat(&messages).expect_err("it is refused");
            assert_eq!(error.param.as_deref(), Some(param), "{error:?}");
        }
    }

    #[test]
    fn prompts_are_texts_or_tokens() {
        let read = |body: &str| {
            Prompt::of_completion(&mut Fields::parse(body.as_bytes()).expect("it is an object"))
        };
        let text = |text: &str| Prompt::Text(text.to_owned());
        assert_eq!(read(r#"{"prompt":"a"}"#), Ok(vec![text("a")]));
        assert_eq!(
            read(r#"{"prompt":["a","b"]}"#),
            Ok(vec![text("a"), text("b")])
        );
        let tokens = |ids: &[u32]| Prompt::Tokens(ids.iter().copied().map(TokenId).collect());
        assert_eq!(read(r#"{"prompt":[1,2]}"#), Ok(vec![tokens(&[1, 2])]));
        assert_eq!(
            read(r#"{"prompt":[[1],[2]]}"#),
            Ok(vec![tokens(&[1]), tokens(&[2])])
        );
        let around = Prompt::Around(Box::new(text("a")), "z".to_owned());
        assert_eq!(read(r#"{"prompt":"a","suffix":"z"}"#), Ok(vec![around]));
        assert_eq!(read(r#"{"prompt":"a","suffix":""}"#), Ok(vec![text("a")]));
        for body in [
            r#"{}"#,
            r#"{"prompt":[]}"#,
            r#"{"prompt":[-1]}"#,
            r#"{"prompt":{}}"#,
        ] {
            let error = read(body).expect_err("it is no prompt");
            assert_eq!(error.param.as_deref(), Some("prompt"), "{body}");
        }
    }
}
