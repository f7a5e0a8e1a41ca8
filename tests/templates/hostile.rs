//! Templates that are written to abort, hang or fill the memory.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Renderer;

/// A template may end in an error, but soon, small, and never with the process.
const LONGEST: Duration = Duration::from_secs(5);
pub(super) const MOST_KIB: u64 = 1 << 20;

fn nothing_said() -> Value {
    json!({"messages": [], "x": "X"})
}

#[track_caller]
fn check(templates: &[String]) {
    for template in templates {
        // A new process for each: its memory is the template's.
        let mut ours = Renderer::unmask();
        let begun = Instant::now();
        let start: String = template.chars().take(120).collect();
        let answer =
            (ours.render(template, &nothing_said())).unwrap_or_else(|how| panic!("{how}: {start}"));
        let (time, peak) = (begun.elapsed(), answer["peak_kib"].as_u64().unwrap_or(0));
        assert!(time < LONGEST, "{time:?}: {start}");
        assert!(peak < MOST_KIB, "{peak} KiB: {start}");
        let after = ours.render("{{ x }}", &nothing_said());
        let after = after.unwrap_or_else(|how| panic!("{how} after {start}"));
        assert_eq!(after["text"], "X", "after {start}");
    }
}

fn owned(templates: &[&str]) -> Vec<String> {
    templates
        .iter()
        .map(|template| (*template).to_owned())
        .collect()
}

/// `body` as often as there is fuel, with `ns.s` between.
fn looped(start: &str, body: &str) -> String {
    format!(
        "{{% set ns = namespace(s={start}) %}}{{% for i in range(99999) %}}{{% for j in range(99) %}}{body}{{% endfor %}}{{% endfor %}}"
    )
}

#[test]
fn a_loop_without_end_ends() {
    let loops = "{% for i in range(99999) %}";
    let ends = "{% endfor %}";
    check(&[
        format!("{0}{0}{0}{1}{1}{1}", loops, ends),
        format!("{0}{0}{0}x{1}{1}{1}", loops, ends),
        format!("{loops}{loops}{{{{ range(99999) | unique | list | length }}}}{ends}{ends}"),
        format!("{loops}{{{{ range(99999) | sort | join }}}}{ends}"),
        "{% for x in [[1]] recursive %}{{ loop([[x]]) }}{% endfor %}".to_owned(),
        "{% macro m(x) %}{{ m(x) }}{{ m(x) }}{% endmacro %}{{ m(1) }}".to_owned(),
        "{% block a %}{{ self.a() }}{% endblock %}".to_owned(),
    ]);
}

#[test]
fn what_grows_is_bounded() {
    let mut templates = owned(&[
        "{{ 'x' * 9999999999 }}{{ [0] * 9999999999 }}",
        "{% set x = [0] * 99999 %}{% set y = [x] * 9999 %}{{ y }}",
        "{% set s = 'x' * 99999 %}{{ s | replace('x', s) }}",
        "{% set s = 'x' * 99999 %}{{ s.replace('', s) }}",
        "{{ '%999999999s' | format('x') }}",
        "{{ '%*s' % (999999999, 'x') }}",
        "{{ '%.999999999f' % 1.5 }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ '{:{}}'.format(1, 999999999) }}",
        "{{ ('{0}' * 99999).format('x' * 99999) }}",
        "{{ ('%99999s' * 9999) % (('x',) * 9999) }}",
        "{{ ('x\n' * 99999) | indent(99999) }}{{ 'x' | indent(9999999999999, true) }}",
        "{{ [1] | slice(999999999) | list }}",
        "{{ [1] | batch(999999999, 'x') | list }}",
        "{{ 'x' | center(999999999999) }}",
        "{{ 'x'.ljust(999999999999) }}{{ 'x'.zfill(999999999999) }}",
        "{{ range(99999) | join('x' * 99999) }}",
        "{{ ('x' * 99999).join(['a'] * 99999) }}",
        "{{ range(99999) | list | tojson(indent=99999999) }}",
        "{{ ([[1] * 1000] * 1000) | sum(start=[]) }}",
        "{{ range(999999999999) }}{{ 2 ** 99999999999 }}",
        "{{ ('x ' * 4999999).split() | length }}",
        "{{ ('\n' * 4999999).splitlines() | length }}",
        "{{ ('x' * 9999999) | list | length }}",
        "{% macro m(a) %}{{ m(a + a) }}{% endmacro %}{{ m('xxxxxxxx') }}",
        "{{ strftime_now('%999999999Y') }}{{ strftime_now('%c' * 999999) }}",
    ]);
    for growth in [
        "ns.s ~ ns.s",
        "ns.s + ns.s",
        "ns.s * 2",
        "ns.s | replace('x', 'xx')",
        "ns.s | e",
        "'%s%s' % (ns.s, ns.s)",
        "'{0}{0}'.format(ns.s)",
        "[ns.s, ns.s] | join",
        "[ns.s] | string",
        "[ns.s, ns.s] | tojson",
        "ns.s | indent(99)",
        "ns.s | center(99999)",
        "ns.s.replace('', 'x')",
    ] {
        templates.push(looped("'x&' * 99", &format!("{{% set ns.s = {growth} %}}")));
    }
    for growth in [
        "ns.s + ns.s",
        "ns.s * 2",
        "[ns.s] * 99",
        "(ns.s, ns.s)",
        "dict(a=ns.s, b=ns.s)",
    ] {
        templates.push(looped("[1]", &format!("{{% set ns.s = {growth} %}}")));
    }
    let captured = looped("1", &"x".repeat(999));
    templates.push(format!("{{% set x %}}{captured}{{% endset %}}{{{{ x }}}}"));
    check(&templates);
}

/// Few bytes that stand for very many items.
#[test]
fn what_shares_its_parts_is_not_looked_through_for_ever() {
    let made = "{% set ns = namespace(s=[1], t=[1], u=(1,)) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% set ns.t = [ns.t, ns.t] %}{% set ns.u = (ns.u, ns.u) %}{% endfor %}";
    let uses = [
        "ns.s",
        "ns.s ~ ''",
        "ns.s == ns.t",
        "ns.s < ns.t",
        "ns.s in [ns.t]",
        "[ns.s, ns.t] | sort",
        "[ns.s, ns.t] | unique",
        "[ns.s, ns.t] | min",
        "[ns.s, ns.t].index(ns.t)",
        "ns.s | tojson",
        "ns.s | upper",
        "[ns.s] | join",
        "'%s' % [ns.s]",
        "'{}'.format(ns.s)",
        "{ns.u: 1}",
        "{}[ns.u]",
        "ns.u in {}",
        "{'a': ns.s} | dictsort(by='value')",
        "[{'a': ns.s}, {'a': ns.t}] | groupby('a')",
        "raise_exception(ns.s)",
        "ns.s is eq ns.t",
        "[ns.s] | map('string')",
    ];
    let mut templates: Vec<String> = uses.map(|used| format!("{made}{{{{ {used} }}}}")).to_vec();
    templates.push(format!(
        "{made}{{% for x in [ns.s, ns.t] %}}{{{{ loop.changed(x) }}}}{{% endfor %}}"
    ));
    check(&templates);
}

#[test]
fn what_holds_itself_is_not_followed_for_ever() {
    let made = "{% set ns = namespace() %}{% set ns.s = ns %}{% set ns.l = [ns] %}";
    let uses = [
        "ns",
        "ns ~ ns",
        "ns == ns.s",
        "ns.l == [ns]",
        "ns in ns.l",
        "[ns, ns] | sort",
        "[ns, ns] | min",
        "{ns: 1}",
        "{}[ns]",
        "[1][ns]",
        "'x'[ns]",
        "ns.nope()",
        "ns - 1",
        "ns | abs",
        "ns | round",
        "ns | int",
        "raise_exception(ns)",
        "strftime_now(ns)",
        "range(ns)",
        "dict(ns)",
        "namespace(ns).s",
        "ns is lower",
        "ns | tojson",
        "'%s' % ns",
        "'{}'.format(ns)",
        "ns | attr(ns)",
        "ns is divisibleby(ns)",
        "ns | default(ns)",
        "ns is odd",
        "ns | map(ns) | list",
        "[1] | map(ns) | list",
        "[1] | select(ns) | list",
        "joiner(ns)()",
        "ns | length",
        "ns | last",
        "ns | first",
        "[ns] | groupby(ns)",
        "ns is filter",
        "ns is sameas ns",
        "[ns] | batch(ns)",
        "ns(1)",
        "1 if ns else 2",
        "cycler(ns).next()",
        "[ns] | sum",
        "ns[ns]",
    ];
    check(&uses.map(|used| format!("{made}{{{{ {used} }}}}")));
    check(&[format!(
        "{made}{{% for x in [ns, ns] %}}{{{{ loop.changed(x) }}}}{{% endfor %}}"
    )]);
}

#[test]
fn what_stands_deep_in_one_another_is_let_go_of() {
    let nested = |open: &str, close: &str| format!("{}ns.s{}", open.repeat(48), close.repeat(48));
    let mut templates = Vec::new();
    for deeper in [
        "[ns.s]".to_owned(),
        nested("[", "]"),
        "(ns.s,)".to_owned(),
        "{1: ns.s}".to_owned(),
        nested("{1: ", "}"),
        "dict(a=ns.s)".to_owned(),
        "namespace(a=ns.s)".to_owned(),
        "joiner(ns.s)".to_owned(),
        "cycler(ns.s)".to_owned(),
        "{'a': ns.s}.items".to_owned(),
        "[ns.s] | select | list".to_owned(),
        "[ns.s][0:]".to_owned(),
        "[ns.s] | reverse".to_owned(),
    ] {
        templates.push(looped("[1]", &format!("{{% set ns.s = {deeper} %}}")));
    }
    templates.push(looped(
        "[1]",
        "{% set ns.s = ns.s | select | map('string') | reverse | unique %}",
    ));
    check(&templates);
}

#[test]
fn a_source_may_be_nested_and_long() {
    let mut templates = Vec::new();
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{1:", "}"),
        ("f(", ")"),
        ("x[", "]"),
        ("not ", ""),
        ("-", ""),
        ("1 if 0 else ", ""),
        ("x.y(", ")"),
        ("(1 or ", ")"),
        ("'' ~ (", ")"),
        ("1 + -(", ")"),
        ("x is odd(", ")"),
        ("x | f(", ")"),
    ] {
        for count in [30, 49, 60, 1000, 30_000] {
            templates.push(format!(
                "{{{{ {}1{} }}}}",
                open.repeat(count),
                close.repeat(count)
            ));
        }
    }
    for link in [
        " | upper", ".a", "[0]", "()", " + 1", " ~ 1", " or 1", " and 1", " < 1", " ** 2",
        " is odd", " if 1", ", 1", "[:]", ".upper()", " 'a'", " in x", " - 1", " // 1",
    ] {
        for count in [400, 999, 20_000] {
            templates.push(format!("{{{{ x{} }}}}", link.repeat(count)));
        }
    }
    for block in [
        "{% if x %}",
        "{% for x in y %}",
        "{% set a %}",
        "{% macro m() %}",
        "{% call f() %}",
        "{% filter upper %}",
        "{% generation %}",
        "{% with a = 1 %}",
        "{% raw %}",
        "{#",
        "{{",
        "{%",
        "{% block b %}",
        "{% else %}",
        "{{ x }}",
        "{{ '",
        "{% endif %}",
        "{{ (",
        "{{ x }",
        "{% set (",
        "{% for (",
    ] {
        for count in [59, 10_000] {
            templates.push(block.repeat(count));
        }
    }
    templates.push(format!(
        "{{% if x %}}{}{{% endif %}}",
        "{% elif x %}".repeat(499)
    ));
    templates.push(format!(
        "{{% if x %}}{}{{% endif %}}",
        "{% elif x %}".repeat(9999)
    ));
    templates.push("x".repeat(10_000_000));
    // One process for all: none of them runs.
    let mut ours = Renderer::unmask();
    for template in templates {
        let start: String = template.chars().take(60).collect();
        let begun = Instant::now();
        let answer = ours
            .render(&template, &nothing_said())
            .unwrap_or_else(|how| panic!("{how}: {start}"));
        assert!(begun.elapsed() < LONGEST, "{start}");
        assert!(
            answer["peak_kib"].as_u64().unwrap_or(0) < MOST_KIB,
            "{start}"
        );
    }
}

/// What a long conversation needs is not too much.
#[test]
fn a_thousand_long_messages_are_rendered() {
    let message = json!({"role": "user", "content": "word ".repeat(400)});
    let messages: Vec<Value> = std::iter::repeat_n(message, 1000).collect();
    let template = "{% for m in messages %}{% if m.role in ['user', 'system'] and m.content is string %}{{ '<' + m.role + '>\n' ~ m.content | trim | replace('a', 'b') + '\n' }}{% endif %}{% endfor %}";
    let answer = Renderer::unmask().render(template, &json!({ "messages": messages }));
    let answer = answer.expect("it answers");
    let length = answer["text"].as_str().map(str::len);
    assert_eq!(length, Some(1000 * (1999 + 8)), "{}", answer["error"]);
}
