use super::*;
use crate::engine::Role;

const ORIGIN: SystemTime = SystemTime::UNIX_EPOCH;

fn render(source: &str) -> Result<String, TextError> {
    let tokens = BTreeMap::from([("bos_token".to_owned(), "<s>".to_owned())]);
    let messages =
        [(Role::System, "Be kind."), (Role::User, " hi \u{1f}\n")].map(|(role, content)| Message {
            role,
            content: content.to_owned(),
        });
    ChatTemplate::new("chat_template.jinja", source, tokens)?.render(&messages, ORIGIN)
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
    let name = "chat_template.jinja".to_owned();
    let problem = TemplateProblem::Refusal("roles must alternate".to_owned());
    assert_eq!(refused, Err(TextError::Template { name, problem }));
}

#[test]
fn a_damaged_template_is_told_with_its_line() {
    let error = render("fine\n{% if %}")
        .expect_err("it is damaged")
        .to_string();
    assert!(
        error.starts_with("line 2 of chat_template.jinja"),
        "{error}"
    );
}
