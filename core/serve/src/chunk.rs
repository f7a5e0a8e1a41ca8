//! The objects of OpenAI's API that answers are written as.

use serde_json::{Map, Value, json};
use unmask_core::engine::{Loaded, Passes};

use super::answer::{TokenUsage, TurnAnswer};
use super::app::now;
use super::prefix::{SureToken, TextDelta};
use super::prepare::{AnswerKind, AskedAnswers};

/// What all objects of one answer have in common.
#[derive(Debug, Clone)]
pub(crate) struct AnswerHead {
    kind: AnswerKind,
    id: String,
    created: i64,
    model: String,
    /// Program, backend and precision.
    computer: Option<String>,
    ran_in: Passes,
    logprobs: Option<usize>,
}

impl AnswerHead {
    pub(crate) fn new(asked: &AskedAnswers, id: &str, model: &str) -> Self {
        Self {
            kind: asked.kind,
            id: id.to_owned(),
            created: now(),
            model: model.to_owned(),
            computer: None,
            ran_in: Passes::Alone,
            logprobs: asked.generation.logprobs,
        }
    }

    /// Who computes is known from now on.
    pub(crate) fn on(&mut self, loaded: &Loaded) {
        self.computer = Some(format!(
            concat!("unmask-", env!("CARGO_PKG_VERSION"), "/{}-{}/{}"),
            loaded.backend, loaded.backend_version, loaded.facts.precision
        ));
    }

    /// Which passes have computed a turn so far: one that computed others too counts for the whole answer.
    pub(crate) fn note_passes(&mut self, passes: Passes) {
        if passes == Passes::Together {
            self.ran_in = passes;
        }
    }

    fn fingerprint(&self) -> Option<String> {
        let computer = self.computer.as_ref()?;
        let shared = match self.ran_in {
            Passes::Together => "batch",
            Passes::Alone => "alone",
        };
        Some(format!("{computer}/{shared}"))
    }

    /// A chunk of these choices.
    pub(crate) fn chunk(&self, choices: Vec<Value>) -> Value {
        let object = match self.kind {
            AnswerKind::Chat => "chat.completion.chunk",
            AnswerKind::Completion | AnswerKind::FillIn => "text_completion",
        };
        self.object(object, choices)
    }

    /// The whole answer.
    pub(crate) fn answer(&self, choices: Vec<Value>, usage: TokenUsage) -> Value {
        let object = match self.kind {
            AnswerKind::Chat => "chat.completion",
            AnswerKind::Completion | AnswerKind::FillIn => "text_completion",
        };
        let mut answer = self.object(object, choices);
        answer["usage"] = usage.json();
        answer
    }

    fn object(&self, object: &str, choices: Vec<Value>) -> Value {
        json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint(),
            "choices": choices,
        })
    }

    /// The first chunk of an answer: who speaks.
    pub(crate) fn role(&self, index: usize) -> Value {
        let delta = json!({"role": "assistant", "content": ""});
        self.choice(index, ("delta", delta), "", Value::Null, None)
    }

    /// More text, which may be none.
    pub(crate) fn more(&self, index: usize, text: &str, logprobs: Value) -> Value {
        let delta = match text {
            "" => json!({}),
            text => json!({"content": text}),
        };
        self.choice(index, ("delta", delta), text, logprobs, None)
    }

    /// The end of an answer.
    pub(crate) fn end(&self, index: usize, reason: &str) -> Value {
        let none = ("delta", json!({}));
        self.choice(index, none, "", Value::Null, Some(reason))
    }

    /// A whole answer.
    pub(crate) fn whole(&self, index: usize, text: &str, logprobs: Value, reason: &str) -> Value {
        let message = json!({"role": "assistant", "content": text, "refusal": null});
        self.choice(index, ("message", message), text, logprobs, Some(reason))
    }

    fn choice(
        &self,
        index: usize,
        (name, said): (&str, Value),
        text: &str,
        logprobs: Value,
        reason: Option<&str>,
    ) -> Value {
        let mut choice = Map::new();
        choice.insert("index".to_owned(), index.into());
        if self.kind != AnswerKind::Completion {
            choice.insert(name.to_owned(), said);
        }
        if self.kind != AnswerKind::Chat {
            choice.insert("text".to_owned(), text.into());
        }
        choice.insert("logprobs".to_owned(), logprobs);
        choice.insert("finish_reason".to_owned(), reason.into());
        Value::Object(choice)
    }

    /// The logarithms that were asked for; `offset` is where the text of these tokens begins.
    pub(crate) fn logprobs(
        &self,
        answer: &TurnAnswer,
        tokens: &[SureToken],
        offset: usize,
    ) -> Value {
        match (self.logprobs, self.kind) {
            (None, _) => Value::Null,
            (Some(top), AnswerKind::Chat) => answer.chat_logprobs(tokens, top),
            (Some(top), AnswerKind::Completion | AnswerKind::FillIn) => {
                answer.completion_logprobs(tokens, top, offset)
            }
        }
    }

    /// Whether there is something to be told.
    pub(crate) fn is_worth(&self, delta: &TextDelta) -> bool {
        !delta.text.is_empty() || (self.logprobs.is_some() && !delta.tokens.is_empty())
    }
}
