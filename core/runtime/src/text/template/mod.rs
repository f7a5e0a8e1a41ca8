//! Chat templates: from messages to a prompt, as Hugging Face renders them with Python's Jinja.
//!
//! A template comes from anywhere and is a program. It is read and run on a thread of its own with a stack of known size; fuel
//! bounds what it computes and what it allocates, and whoever waits stops waiting when they are asked to, or after a while.

mod arguments;
mod arithmetic;
mod bounds;
mod checks;
mod filters;
mod json;
mod methods;
mod operators;
mod printf;
mod rewrite;
mod text;
mod text_methods;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{Environment, Error, ErrorKind, State};

use super::{TemplateProblem, TextError};
use crate::message::Message;

const NAME: &str = "chat_template";
/// Instructions and, by 64, bytes that a rendering may use: a thousand messages of two kilobytes need a third.
const FUEL: u64 = 1_000_000;

/// A checkpoint's chat template: from messages to the prompt's text, as transformers' `apply_chat_template` with
/// `add_generation_prompt=True`.
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    name: Arc<str>,
    environment: Arc<Environment<'static>>,
    tokens: Arc<BTreeMap<String, String>>,
}

impl ChatTemplate {
    /// Compiles a template. `name` is where it is from, for whoever has to correct it; `tokens` are the variables it may use,
    /// such as `bos_token`.
    ///
    /// # Errors
    /// [`TextError::Template`] with the line.
    pub fn new(
        name: &str,
        source: &str,
        tokens: BTreeMap<String, String>,
    ) -> Result<Self, TextError> {
        let source = source.to_owned();
        let compiled = bounds::within(move || compiled(&source), &AtomicBool::new(false));
        let environment =
            compiled
                .and_then(|compiled| compiled)
                .map_err(|problem| TextError::Template {
                    name: name.to_owned(),
                    problem,
                })?;
        Ok(Self {
            name: name.into(),
            environment: Arc::new(environment),
            tokens: Arc::new(tokens),
        })
    }

    /// The prompt of a conversation. `now` is what `strftime_now` tells, in UTC.
    ///
    /// # Errors
    /// [`TextError::Template`] with the template's own words if it refuses the conversation, and what it did wrong.
    pub fn render(&self, messages: &[Message], now: SystemTime) -> Result<String, TextError> {
        self.render_unless(messages, now, &AtomicBool::new(false))
    }

    /// The same; ends soon after `stop` is set.
    ///
    /// # Errors
    /// Those of [`Self::render`], and [`TemplateProblem::Stopped`].
    pub fn render_unless(
        &self,
        messages: &[Message],
        now: SystemTime,
        stop: &AtomicBool,
    ) -> Result<String, TextError> {
        self.render_with(Value::from(Serde(messages)), BTreeMap::new(), now, stop)
    }

    /// The prompt of messages of any form, with variables that go before the usual ones.
    ///
    /// # Errors
    /// Those of [`Self::render_unless`].
    pub fn render_json(
        &self,
        messages: &serde_json::Value,
        variables: BTreeMap<String, serde_json::Value>,
        now: SystemTime,
    ) -> Result<String, TextError> {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name, Value::from(Serde(value))))
            .collect();
        let messages = Value::from(Serde(messages));
        self.render_with(messages, variables, now, &AtomicBool::new(false))
    }

    fn render_with(
        &self,
        messages: Value,
        variables: BTreeMap<String, Value>,
        now: SystemTime,
        stop: &AtomicBool,
    ) -> Result<String, TextError> {
        let mut context: BTreeMap<String, Value> = BTreeMap::from([
            ("messages".to_owned(), messages),
            ("add_generation_prompt".to_owned(), Value::from(true)),
            ("tools".to_owned(), Value::from(())),
            ("documents".to_owned(), Value::from(())),
            ("strftime_now".to_owned(), strftime_now(now)),
        ]);
        for (name, token) in self.tokens.iter() {
            context.insert(name.clone(), Value::from(token.as_str()));
        }
        context.extend(variables);
        let environment = Arc::clone(&self.environment);
        let rendered = move || {
            let rendered = environment
                .get_template(NAME)
                .and_then(|template| template.render(context));
            rendered.map_err(|error| failure(&error))
        };
        let rendered = bounds::within(rendered, stop).and_then(|rendered| rendered);
        rendered.map_err(|problem| TextError::Template {
            name: self.name.to_string(),
            problem,
        })
    }
}

fn compiled(source: &str) -> Result<Environment<'static>, TemplateProblem> {
    let source = rewrite::rewritten(source).map_err(|fault| TemplateProblem::Syntax {
        line: fault.line,
        what: fault.what,
    })?;
    let not_understood = |error: Error| TemplateProblem::Syntax {
        line: error.line().unwrap_or(1),
        what: what(&error),
    };
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .map_err(not_understood)?;
    environment.set_syntax(syntax);
    environment.set_fuel(Some(FUEL));
    environment.set_debug(false);
    environment.set_formatter(|out, state, value| {
        let printed = text::str(state, value)?;
        out.write_str(&printed).map_err(Error::from)
    });
    environment.add_function("raise_exception", raise_exception);
    operators::add_to(&mut environment);
    methods::add_to(&mut environment);
    filters::add_to(&mut environment);
    checks::add_to(&mut environment);
    environment
        .add_template_owned(NAME, source)
        .map_err(not_understood)?;
    Ok(environment)
}

fn strftime_now(now: SystemTime) -> Value {
    let seconds = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs_f64();
    // Differs from the reference: the time of day is UTC, not local.
    Value::from_function(move |state: &State<'_, '_>, format: &str| {
        let format = Kwargs::from_iter([("format", Value::from(format))]);
        minijinja_contrib::filters::datetimeformat(state, Value::from(seconds), format)
    })
}

/// A template's own refusal, apart from whatever else may fail.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refusal(String);

fn raise_exception(state: &State<'_, '_>, message: Value) -> Result<String, Error> {
    let message = text::str(state, &message)?;
    Err(Error::new(ErrorKind::InvalidOperation, message.clone()).with_source(Refusal(message)))
}

fn failure(error: &Error) -> TemplateProblem {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if let Some(Refusal(words)) = error.downcast_ref() {
            return TemplateProblem::Refusal(words.clone());
        }
        if error
            .downcast_ref()
            .is_some_and(|error: &Error| error.kind() == ErrorKind::OutOfFuel)
        {
            return TemplateProblem::TooMuch;
        }
        cause = error.source();
    }
    TemplateProblem::Fault {
        line: error.line().unwrap_or(1),
        what: what(error),
    }
}

fn what(error: &Error) -> String {
    error
        .detail()
        .map_or_else(|| error.kind().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
