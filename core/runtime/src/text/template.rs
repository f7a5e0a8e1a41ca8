use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State};

use super::python_json::tojson;
use super::{TextError, whitespace};
use crate::message::Message;

const NAME: &str = "chat_template";

/// A checkpoint's chat template: from messages to the prompt's text, as transformers' `apply_chat_template` with
/// `add_generation_prompt=True`.
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    tokens: BTreeMap<String, String>,
}

impl ChatTemplate {
    /// Compiles a template. `tokens` are the variables it may use, such as `bos_token`.
    ///
    /// # Errors
    /// [`TextError::TemplateSyntax`] with the line.
    pub fn new(source: &str, tokens: BTreeMap<String, String>) -> Result<Self, TextError> {
        let not_understood = |error: Error| TextError::TemplateSyntax {
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
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.set_formatter(|out, state, value| {
            minijinja::escape_formatter(out, state, &as_python_prints(value))
        });
        environment.add_function("raise_exception", raise_exception);
        environment.add_filter("tojson", tojson);
        environment.add_filter("trim", trim);
        environment
            .add_template_owned(NAME, source.to_owned())
            .map_err(not_understood)?;
        Ok(Self {
            environment,
            tokens,
        })
    }

    /// The prompt of a conversation. `now` is what `strftime_now` tells, in UTC.
    ///
    /// # Errors
    /// [`TextError::Template`] with the template's own words, if it refuses the conversation.
    pub fn render(&self, messages: &[Message], now: SystemTime) -> Result<String, TextError> {
        let seconds = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO)
            .as_secs_f64();
        // Differs from the reference: the time of day is UTC, not local.
        let strftime_now = Value::from_function(move |state: &State<'_, '_>, format: String| {
            let format = Kwargs::from_iter([("format", Value::from(format))]);
            minijinja_contrib::filters::datetimeformat(state, Value::from(seconds), format)
        });
        let mut context: BTreeMap<&str, Value> = BTreeMap::from([
            ("messages", Value::from(Serde(messages))),
            ("add_generation_prompt", Value::from(true)),
            ("tools", Value::from(())),
            ("documents", Value::from(())),
            ("strftime_now", strftime_now),
        ]);
        for (name, token) in &self.tokens {
            context.insert(name, Value::from(token.as_str()));
        }
        self.environment
            .get_template(NAME)
            .and_then(|template| template.render(context))
            .map_err(|error| TextError::Template(what(&error)))
    }
}

fn raise_exception(message: String) -> Result<String, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// Strips as Python does; `chars` are the characters to strip instead of whitespace.
fn trim(text: String, chars: Option<String>) -> String {
    match chars {
        Some(chars) => text.trim_matches(|c| chars.contains(c)).to_owned(),
        None => whitespace::strip(&text).to_owned(),
    }
}

fn as_python_prints(value: &Value) -> Value {
    match value.kind() {
        ValueKind::None => Value::from("None"),
        ValueKind::Bool if value.is_true() => Value::from("True"),
        ValueKind::Bool => Value::from("False"),
        _ => value.clone(),
    }
}

fn what(error: &Error) -> String {
    error
        .detail()
        .map_or_else(|| error.kind().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Role;

    const ORIGIN: SystemTime = SystemTime::UNIX_EPOCH;

    fn render(source: &str) -> Result<String, TextError> {
        let tokens = BTreeMap::from([("bos_token".to_owned(), "<s>".to_owned())]);
        let messages =
            [(Role::System, "Be kind."), (Role::User, " hi \u{1f}\n")].map(|(role, content)| {
                Message {
                    role,
                    content: content.to_owned(),
                }
            });
        ChatTemplate::new(source, tokens)?.render(&messages, ORIGIN)
    }

    #[track_caller]
    fn check(source: &str, expected: &str) {
        assert_eq!(render(source).as_deref(), Ok(expected), "{source}");
    }

    #[test]
    fn a_template_sees_messages_and_tokens_and_python_methods() {
        check(
            "{{ bos_token }}{% for m in messages %}\n[{{ m['role'] }}]{{ m.content | trim }}\n{% endfor %}\n",
            "<s>[system]Be kind.\n[user]hi\n",
        );
        check(
            "{{ messages[0].content.startswith('Be') }} {{ tools }} {{ nothing }}",
            "True None ",
        );
        check(
            "{% set x = namespace(n=0) %}{% for m in messages %}{% set x.n = x.n + 1 %}{% endfor %}{{ x.n }}",
            "2",
        );
        check(
            "{{ messages[0].content.split(' ')[-1].rstrip('.') }}{{ 'xxaxx' | trim('x') }}",
            "kinda",
        );
        check("{% if add_generation_prompt %}go{% endif %}", "go");
        check(
            "{% if tools is none and not documents %}plain{% endif %}",
            "plain",
        );
    }

    #[test]
    fn tojson_writes_as_python_does() {
        check(
            "{{ {'b': '<é\"\n', 'a': [1, 2.0, true, none, {}]} | tojson }}",
            "{\"b\": \"<é\\\"\\n\", \"a\": [1, 2.0, true, null, {}]}",
        );
        check(
            "{{ {'b': [1], 'a': 'é😀'} | tojson(ensure_ascii=true, sort_keys=true) }}",
            "{\"a\": \"\\u00e9\\ud83d\\ude00\", \"b\": [1]}",
        );
        check(
            "{{ {'b': [1, []]} | tojson(indent=2) }}",
            "{\n  \"b\": [\n    1,\n    []\n  ]\n}",
        );
        check(
            "{{ [1, {'a': 2}] | tojson(separators=[',', ':']) }}",
            "[1,{\"a\":2}]",
        );
    }

    #[test]
    fn the_time_is_the_one_that_is_passed_in() {
        check("{{ strftime_now('%d %b %Y') }}", "01 Jan 1970");
    }

    #[test]
    fn a_refusal_is_told_in_the_templates_own_words() {
        let refused = render("{{ raise_exception('roles must alternate') }}");
        assert_eq!(
            refused,
            Err(TextError::Template("roles must alternate".to_owned()))
        );
    }

    #[test]
    fn a_damaged_template_is_told_with_its_line() {
        let error = render("fine\n{% if %}")
            .expect_err("it is damaged")
            .to_string();
        assert!(error.starts_with("line 2 of the chat template"), "{error}");
    }
}
