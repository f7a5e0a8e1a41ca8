use std::fs;

use serde_json::{Value, json};
use unmask_tests::program::{Home, refused};

fn question(text: &str, answer: &str) -> String {
    let messages = json!([{"role": "user", "content": text}]);
    json!({"task": "t", "messages": messages, "answers": [answer]}).to_string() + "\n"
}

fn write(home: &Home, name: &str, text: &str) {
    fs::write(home.path().join(name), text).expect("it can be written");
}

fn first_line(home: &Home, name: &str) -> Value {
    let text = fs::read_to_string(home.path().join(name)).expect("it is there");
    let line = text.lines().next().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn a_question_that_is_too_long_is_named_by_its_line() {
    let home = Home::default();
    let long = question(&"word ".repeat(400), "a");
    write(&home, "q.jsonl", &(question("What is 2 + 2?", "4") + &long));
    let said = home.run(&["eval", "q.jsonl", "-q"], "");
    refused(&said, 2, &["q.jsonl:2: ", "256"]);
    let said = home.run(
        &[
            "bench",
            "--questions",
            "q.jsonl",
            "-q",
            "--modes",
            "steps/8",
        ],
        "",
    );
    refused(&said, 2, &["q.jsonl:2: ", "256"]);
}

#[test]
fn the_header_tells_of_the_questions_that_were_asked_last() {
    let home = Home::default();
    let first = question("What is 2 + 2?", "2 + 2 = 4");
    let second = question(
        "What is the capital of France?",
        "The capital of France is Paris.",
    );
    let eval = |out: &str| {
        let said = home.run(
            &["eval", "q.jsonl", "-q", "--threshold", "0.9", "--out", out],
            "",
        );
        assert_eq!(said.code, Some(0), "{said:?}");
    };
    // As an editor writes it that marks the byte order.
    write(&home, "q.jsonl", &format!("\u{feff}{first}"));
    eval("grown");
    let before = first_line(&home, "grown")["questions"].clone();
    write(&home, "q.jsonl", &format!("\u{feff}{first}{second}"));
    eval("grown");
    eval("fresh");
    assert_ne!(first_line(&home, "grown")["questions"], before);
    assert_eq!(
        first_line(&home, "grown")["questions"],
        first_line(&home, "fresh")["questions"]
    );
    let stats = || home.run(&["stats", "grown", "fresh", "--format", "json"], "");
    let said = stats();
    let compared: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
    assert_eq!(
        (&compared["questions"], &compared["difference"]),
        (&json!(2), &json!(0.0))
    );
    let [low, high] = [0, 1].map(|at| compared["difference_95"][at].as_f64());
    assert!(
        low < Some(-0.5) && high > Some(0.5),
        "two questions show nothing: {compared}"
    );
    // As if two runs had been put into one file.
    let text = fs::read_to_string(home.path().join("grown")).expect("it is there");
    let last = text.lines().last().unwrap_or_default();
    write(&home, "grown", &format!("{text}{last}\n"));
    assert_eq!(stats().stdout, said.stdout);
}

#[test]
fn flags_that_would_not_be_heeded_are_refused() {
    let home = Home::default();
    write(&home, "q.jsonl", &question("What is 2 + 2?", "4"));
    for arguments in [
        &["eval", "q.jsonl", "--ask", "next"][..],
        &["eval", "q.jsonl", "--templates", "en"],
        &["score", "q.jsonl", "--context", "a"],
        &["score", "--text", "q.jsonl", "--context", "a"],
        &["score", "--text", "q.jsonl", "--chat"],
        &["score", "--text", "q.jsonl", "--bos"],
        &["bench", "builtin:demo", "--model", "builtin:demo"],
        &["bench", "--force"],
    ] {
        let said = home.run(arguments, "");
        assert_eq!(said.code, Some(2), "{arguments:?}: {said:?}");
    }
}

#[test]
fn stats_of_what_never_ends_are_refused_at_once() {
    let home = Home::default();
    write(&home, "q.jsonl", &question("What is 2 + 2?", "4"));
    let said = home.run(&["stats", "/dev/zero", "q.jsonl"], "");
    refused(&said, 2, &["/dev/zero", "device"]);
}
