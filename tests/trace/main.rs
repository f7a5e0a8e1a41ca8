//! The JSON Schema of traces against examples and live runs, and what it refuses.

use jsonschema::Validator;
use serde_json::Value;
use unmask_core::wire;
use unmask_tests::chat::QUESTION;
use unmask_tests::program::Home;

/// A whole exact run; one that was steered at a pause and gave up; one of an editing sampler, with guesses, that was cut off.
const EXAMPLES: [&str; 3] = [
    include_str!("exact.trace.jsonl"),
    include_str!("steered.trace.jsonl"),
    include_str!("cut.trace.jsonl"),
];

fn schema() -> Validator {
    let schema = serde_json::from_str(include_str!("trace.schema.json")).expect("it is JSON");
    jsonschema::draft202012::meta::validate(&schema).expect("it is a schema");
    jsonschema::draft202012::new(&schema).expect("it is a schema")
}

fn lines(trace: &str) -> Vec<Value> {
    let lines = trace.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().expect("they are JSON")
}

#[track_caller]
fn check(schema: &Validator, trace: &str) {
    for line in lines(trace) {
        if let Err(error) = schema.validate(&line) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn examples_are_read_and_written_as_the_schema_says() {
    let schema = schema();
    let mut kinds = Vec::new();
    for example in EXAMPLES {
        check(&schema, example);
        let recording = wire::read(example.as_bytes()).expect("it is a trace");
        let again: Vec<String> = recording.events.iter().map(wire::Event::line).collect();
        assert_eq!(lines(&again.join("\n")), lines(example));
        kinds.extend(lines(example).iter().map(|line| line["event"].clone()));
    }
    for kind in [
        "start", "step", "edit", "settings", "paused", "resumed", "trimmed", "done", "failed",
    ] {
        assert!(kinds.iter().any(|it| it == kind), "an example of {kind}");
    }
}

#[test]
fn live_runs_are_as_the_schema_says() {
    let (schema, home) = (schema(), Home::default());
    for settings in [
        &[][..],
        &["--wino", "0.6", "--trace-guesses"],
        &["--cache", "dual", "--temperature", "0.5"],
    ] {
        let run = [&["generate", "-q", "--trace", "-"], settings, &[QUESTION]].concat();
        let said = home.run(&run, "");
        assert_eq!(said.code, Some(0), "{said:?}");
        check(&schema, &said.stdout);
        assert!(said.stdout.contains("\"event\":\"done\""), "{said:?}");
    }
}

/// Each member that an example has is left out in turn, or made something else.
#[test]
fn the_schema_refuses_what_the_program_does() {
    let schema = schema();
    let mut refused = 0;
    for line in EXAMPLES.iter().flat_map(|it| lines(it)) {
        let mut broken = Vec::new();
        for name in line.as_object().expect("an object").keys() {
            let mut other = line.clone();
            other[name] = Value::Bool(name == "text");
            broken.push((name.clone(), other));
            let mut less = line.clone();
            less.as_object_mut().expect("an object").remove(name);
            broken.push((name.clone(), less));
        }
        for (name, broken) in broken {
            let text = broken.to_string();
            let is_read = wire::Event::parse(&text).is_ok();
            if !is_read {
                assert!(!schema.is_valid(&broken), "{name} of {text}");
                refused += 1;
            }
        }
    }
    assert!(refused > 100, "only {refused}");
}
