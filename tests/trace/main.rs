//! The JSON Schema of traces against examples and live runs, and what it refuses.

use boon::{Compiler, SchemaIndex, Schemas};
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

/// The schema, which is tested to be one.
struct Schema {
    all: Schemas,
    of_line: SchemaIndex,
}

impl Schema {
    fn new() -> Self {
        const NAME: &str = "trace.schema.json";
        let schema = serde_json::from_str(include_str!("trace.schema.json")).expect("it is JSON");
        let (mut all, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource(NAME, schema).expect("it has a name");
        let of_line = compiler.compile(NAME, &mut all).expect("it is a schema");
        Self { all, of_line }
    }

    /// Why it is no line of a trace.
    fn fault(&self, line: &Value) -> Option<String> {
        let checked = self.all.validate(line, self.of_line);
        checked.err().map(|fault| fault.to_string())
    }

    #[track_caller]
    fn check(&self, trace: &str) {
        for line in lines(trace) {
            assert_eq!(self.fault(&line), None, "{line}");
        }
    }
}

fn lines(trace: &str) -> Vec<Value> {
    let lines = trace.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().expect("they are JSON")
}

#[test]
fn examples_are_read_and_written_as_the_schema_says() {
    let schema = Schema::new();
    let mut kinds = Vec::new();
    for example in EXAMPLES {
        schema.check(example);
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
    let (schema, home) = (Schema::new(), Home::default());
    for settings in [
        &[][..],
        &["--wino", "0.6", "--trace-guesses"],
        &["--cache", "dual", "--temp", "0.5"],
    ] {
        let run = [&["generate", "-q", "--trace", "-"], settings, &[QUESTION]].concat();
        let said = home.run(&run, "");
        assert_eq!(said.code, Some(0), "{said:?}");
        schema.check(&said.stdout);
        assert!(said.stdout.contains("\"event\":\"done\""), "{said:?}");
    }
}

/// Each member that an example has is left out in turn, or made something else.
#[test]
fn the_schema_refuses_what_the_program_does() {
    let schema = Schema::new();
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
                assert!(schema.fault(&broken).is_some(), "{name} of {text}");
                refused += 1;
            }
        }
    }
    assert!(refused > 100, "only {refused}");
}
