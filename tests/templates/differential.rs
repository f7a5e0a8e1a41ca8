//! Ours against Python's Jinja.

use std::cell::RefCell;
use std::fs;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use unmask_tests::root;

use super::{Renderer, constructs};

/// Both, if both are there.
struct Both {
    ours: Renderer,
    theirs: Renderer,
}

impl Both {
    fn start() -> Option<Self> {
        Some(Self {
            theirs: Renderer::jinja()?,
            ours: Renderer::unmask(),
        })
    }

    /// What differs: the text, or that there is one. Why one fails is told in different words.
    fn difference(&mut self, template: &str, context: &Value) -> Option<String> {
        let ours = self.ours.render(template, context).expect("ours answers");
        let theirs = (self.theirs.render(template, context)).expect("Python answers");
        (ours["text"] != theirs["text"])
            .then(|| format!("{template}\nwith {context}\n  ours: {ours}\n  theirs: {theirs}"))
    }
}

fn context(messages: Value, tools: Value) -> Value {
    json!({
        "messages": messages,
        "tools": tools,
        "documents": null,
        "add_generation_prompt": true,
        "bos_token": "<s>",
        "x": "X",
    })
}

fn conversation() -> Value {
    json!([
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": " hi \n"},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHello \"you\""},
        {"role": "user", "content": "how é?\n\nso"},
    ])
}

fn tools() -> Value {
    json!([{"type": "function", "function": {
        "name": "look_up",
        "description": "It's a \"search\" <b>",
        "parameters": {
            "type": "object",
            "properties": {
                "query": {"type": "string", "description": "what", "enum": ["a", "b"]},
                "items": {"type": "integer", "default": 1e20},
            },
            "required": ["query"],
        },
    }}])
}

#[test]
fn each_construct_renders_as_in_jinja() {
    let Some(mut both) = Both::start() else {
        return;
    };
    let mut differences = Vec::new();
    for template in constructs() {
        for tools in [Value::Null, tools()] {
            differences.extend(both.difference(template, &context(conversation(), tools)));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

#[test]
fn line_ends_of_windows_are_those_of_jinja() {
    let Some(mut both) = Both::start() else {
        return;
    };
    let said = json!([{"role": "user", "content": "a\r\nb\rc"}]);
    for template in constructs() {
        for ends in ["\r\n", "\r"] {
            let template = template.replace('\n', ends);
            let context = context(said.clone(), Value::Null);
            assert_eq!(both.difference(&template, &context), None);
        }
    }
}

#[test]
fn what_people_found_renders_as_in_jinja() {
    let said = json!([
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello\r\n"},
    ]);
    let expected = [
        ("crlf-template", "a\nhi\nb"),
        ("generation-tag", "hihello\r\n"),
        ("none-is-iterable", "hi"),
    ];
    let mut both = Both::start();
    let mut ours = Renderer::unmask();
    for (name, expected) in expected {
        let path = root().join(format!("tests/cases/{name}/chat_template.jinja"));
        let template = fs::read_to_string(path).expect("the case has a template");
        let context = context(said.clone(), Value::Null);
        let answer = ours.render(&template, &context).expect("it answers");
        assert_eq!(answer["text"], expected, "{name}: {answer}");
        if let Some(both) = &mut both {
            assert_eq!(both.difference(&template, &context), None);
        }
    }
}

/// Words that templates look for, and any others.
fn content() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("</think>".to_owned()),
        Just("<think>\n".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just(" ".to_owned()),
        Just("'\"\\".to_owned()),
        Just("{{ x }}{% if %}".to_owned()),
        Just("<|im_end|>".to_owned()),
        "[a-zA-Z ]{0,8}",
        "[\\x20-\\x7e\\t\\n]{0,12}",
        "[äßéИ中\u{1f600}\u{a0}\u{2028}]{0,4}",
    ];
    prop::collection::vec(word, 0..6).prop_map(|words| words.concat())
}

fn message() -> impl Strategy<Value = Value> {
    let role = prop::sample::select(vec!["system", "user", "assistant", "tool", "User"]);
    let parts = prop::collection::vec(content(), 0..3);
    let parts = parts.prop_map(|parts| {
        json!(
            parts
                .iter()
                .map(|text| json!({"type": "text", "text": text}))
                .collect::<Vec<_>>()
        )
    });
    let content =
        prop_oneof![8 => content().prop_map(Value::from), 1 => parts, 1 => Just(Value::Null)];
    (role, content).prop_map(|(role, content)| json!({"role": role, "content": content}))
}

#[test]
fn constructs_together_render_any_conversation_as_in_jinja() {
    let Some(both) = Both::start() else {
        return;
    };
    let both = RefCell::new(both);
    // Of those that fail, nothing would be left together with others.
    let known = context(conversation(), Value::Null);
    let renders = |template: &&str| {
        let answer = both.borrow_mut().ours.render(template, &known);
        !answer.expect("it answers")["text"].is_null()
    };
    let templates: Vec<&str> = constructs().into_iter().filter(renders).collect();
    let strategy = (
        prop::collection::vec(prop::sample::select(templates), 1..4),
        prop::collection::vec(message(), 0..6),
        prop::option::of(Just(tools())),
    );
    let cases = std::env::var("UNMASK_TEMPLATE_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    let config = Config {
        cases: cases.unwrap_or(400),
        failure_persistence: None,
        ..Config::default()
    };
    let run = TestRunner::new(config).run(&strategy, |(templates, messages, tools)| {
        let context = context(json!(messages), json!(tools));
        let difference = both
            .borrow_mut()
            .difference(&templates.join("\n"), &context);
        prop_assert!(difference.is_none(), "{}", difference.unwrap_or_default());
        Ok(())
    });
    run.unwrap_or_else(|error| panic!("{error}"));
}
