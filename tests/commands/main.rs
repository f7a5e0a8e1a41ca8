//! The commands, run as a user would: what they print, where, and with which exit code.

mod documents;
mod looks;
mod refusals;

use std::fs;

use serde_json::Value;
use unmask_core::fold::Fold;
use unmask_core::wire::{self, Event};
use unmask_tests::chat::{ANSWER, QUESTION};
use unmask_tests::program::{Home, Said, refused};

#[test]
fn generate_prints_the_answer_and_only_that() {
    let home = Home::default();
    let said = home.run(&["generate", "-m", "demo", QUESTION], "");
    assert_eq!(
        (said.stdout.as_str(), said.code),
        (&*format!("{ANSWER}\n"), Some(0)),
        "{said:?}"
    );
    let quiet = home.run(&["generate", "-q", QUESTION], "");
    assert_eq!((quiet.stdout, quiet.stderr.as_str()), (said.stdout, ""));
}

#[test]
fn what_is_said_is_text_also_where_it_names_the_mask_or_an_end() {
    let home = Home::default();
    let prompt = "Fill <|mdm_mask|> in.<|eot_id|><|endoftext|>";
    let said = home.run(
        &[
            "generate", "-q", "--format", "jsonl", "--steps", "32", prompt,
        ],
        "",
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    let line = |at: usize| {
        said.stdout
            .lines()
            .nth(at)
            .map(serde_json::from_str::<Value>)
    };
    let first = line(0).expect("it begins").expect("it is JSON");
    let canvas = &first["canvas"];
    let start = canvas["answer_start"].as_u64().expect("it has an answer") as usize;
    let tokens = canvas["tokens"].as_array().expect("it has tokens");
    let count = |id: u64| tokens[..start].iter().filter(|it| **it == id).count();
    // Mask, end of text; the template itself ends the turn once.
    assert_eq!((count(2), count(1), count(5)), (0, 0, 1), "{tokens:?}");
    let last = said.stdout.lines().last().expect("it ends");
    let last: Value = serde_json::from_str(last).expect("it is JSON");
    assert_ne!(last["reason"], "masks_left");
}

#[test]
fn the_prompt_may_come_from_stdin_or_both() {
    let home = Home::default();
    assert_eq!(
        home.run(&["generate", "-q"], QUESTION).stdout,
        format!("{ANSWER}\n")
    );
    assert_eq!(
        home.run(&["generate", "-q", "-"], QUESTION).stdout,
        format!("{ANSWER}\n")
    );
    let both = home.run(
        &["generate", "-q", "--format", "json", QUESTION],
        "More text.",
    );
    let alone = home.run(&["generate", "-q", "--format", "json", QUESTION], "");
    let tokens = |said: &Said| -> u64 {
        let done: Value = serde_json::from_str(&said.stdout).expect("one object");
        done["prompt_tokens"].as_u64().expect("a count")
    };
    assert!(tokens(&both) > tokens(&alone));
}

#[test]
fn jsonl_streams_start_steps_and_done() {
    let said = Home::default().run(
        &[
            "generate", "-q", "--format", "jsonl", "--steps", "32", QUESTION,
        ],
        "",
    );
    let objects: Vec<Value> = (said.stdout.lines())
        .map(|line| serde_json::from_str(line).expect("an object a line"))
        .collect();
    let events: Vec<&str> = objects
        .iter()
        .filter_map(|object| object["event"].as_str())
        .collect();
    assert_eq!(events.first(), Some(&"start"));
    assert_eq!(events.last(), Some(&"done"));
    assert_eq!(
        events.len(),
        2 + 16,
        "one block of two is enough: {events:?}"
    );
    for row in unmask_core::settings::TABLE {
        let params = &objects[0]["params"];
        assert!(params.get(row.key).is_some(), "{} is left out", row.key);
    }
    let commit = &objects[1]["commits"][0];
    assert!(
        commit["confidence"]
            .as_f64()
            .is_some_and(|p| p > 0.0 && p <= 1.0),
        "{commit}"
    );
    assert_eq!(commit["top"].as_array().map(Vec::len), Some(5));
    assert_eq!(
        objects.last().map(|done| &done["text"]),
        Some(&Value::from(ANSWER))
    );
}

#[test]
fn a_trace_holds_the_same_lines_and_leads_to_the_answer() {
    let home = Home::default();
    let trace = ["generate", "-q", "--trace", "trace.jsonl"];
    let said = home.run(&[&trace[..], &["--format", "jsonl", QUESTION]].concat(), "");
    let written = fs::read_to_string(home.path().join("trace.jsonl")).expect("it was written");
    assert_eq!(said.stdout, written);
    let recording = wire::read(written.as_bytes()).expect("it is a recording");
    let (Some(Event::Start(start)), Some(Event::Done(done))) =
        (recording.events.first(), recording.events.last())
    else {
        panic!("it begins and ends: {written}");
    };
    let mut fold = Fold::new(start.canvas.canvas().expect("it fits"));
    let steps: Vec<_> = (recording.events.iter())
        .filter_map(|event| match event {
            Event::Step(step) => Some(step.event()),
            _ => None,
        })
        .collect();
    for step in &steps {
        fold.apply(step.step, &step.commits).expect("they fit");
        let masked = fold.canvas().masked_in(0..step.length).count();
        assert_eq!((fold.canvas().len(), masked), (step.length, step.masked));
    }
    assert_eq!(
        (done.stats.steps, done.text.as_str()),
        (steps.len(), ANSWER)
    );
    assert!(start.messages[0].content == QUESTION && start.exact);
    let text = home.run(&[&trace[..], &[QUESTION]].concat(), "");
    assert_eq!(text.stdout, format!("{ANSWER}\n"));
    let piped = home.run(&["generate", "-q", "--trace", "-", QUESTION], "");
    let events = |text: &str| wire::read(text.as_bytes()).map(|it| it.events.len());
    assert_eq!(events(&piped.stdout).ok(), events(&written).ok());
    assert!(!home.path().join("-").exists());
    let both = ["generate", "--trace", "-", "--format", "json", QUESTION];
    refused(&home.run(&both, ""), 2, &["stdout"]);
}

#[test]
fn the_same_seed_gives_the_same_text() {
    let home = Home::default();
    let ask = |seed: &str| {
        home.run(
            &[
                "generate",
                "-q",
                "--temp",
                "1",
                "--seed",
                seed,
                "Tell me a story about a fox.",
            ],
            "",
        )
        .stdout
    };
    assert_eq!(ask("5"), ask("5"));
    assert_ne!(ask("5"), ask("6"));
}

#[test]
fn pinned_words_stand_in_the_answer() {
    let said = Home::default().run(
        &[
            "generate",
            "-q",
            "--pin",
            "0:Once",
            "Tell me a story about a fox.",
        ],
        "",
    );
    assert!(said.stdout.starts_with(" Once"), "{said:?}");
}

#[test]
fn plain_chat_answers_line_by_line() {
    let said = Home::default().run(&["chat", "--plain"], "Hello!\n/new\nWhat is 7 * 8?\n");
    assert_eq!(
        said.stdout, "Hello! How can I help you today?\n7 * 8 = 56\n",
        "{said:?}"
    );
}

#[test]
fn eval_counts_and_goes_on_where_it_stopped() {
    let home = Home::default();
    let question = |text: &str, answer: &str| {
        let messages = serde_json::json!([{ "role": "user", "content": text }]);
        let line =
            serde_json::json!({ "task": "t", "messages": messages, "answers": [answer, "no"] });
        format!("{line}\n")
    };
    let file = home.path().join("questions.jsonl");
    fs::write(
        &file,
        question(QUESTION, ANSWER) + &question("What is 7 * 8?", "57"),
    )
    .expect("it can be written");
    let eval = || {
        home.run(
            &[
                "eval",
                "questions.jsonl",
                "-q",
                "--format",
                "json",
                "--out",
                "out.jsonl",
            ],
            "",
        )
    };
    // Seconds that were written and read again may differ in their last digit.
    let report = || -> Value {
        let said = eval();
        let mut report: Value =
            serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
        for part in ["/all", "/tasks/t"] {
            let seconds = report.pointer_mut(part).map(|it| it["seconds"].take());
            let seconds = seconds.and_then(|it| it.as_f64());
            assert!(seconds.is_some_and(|it| it > 0.0), "{said:?}");
        }
        report
    };
    let first = report();
    assert_eq!(
        (&first["all"]["questions"], &first["all"]["right"]),
        (&2.into(), &1.into())
    );
    assert_eq!(report(), first, "nothing is answered twice");
    let other = home.run(
        &[
            "eval",
            "questions.jsonl",
            "-q",
            "--steps",
            "32",
            "--out",
            "out.jsonl",
        ],
        "",
    );
    refused(&other, 2, &["out.jsonl", "other settings"]);
    let compared = home.run(&["stats", "out.jsonl", "out.jsonl", "--format", "json"], "");
    let compared: Value = serde_json::from_str(&compared.stdout).expect("it compares");
    let counts = ["questions", "won", "lost"].map(|count| compared[count].as_u64());
    assert_eq!(counts, [Some(2), Some(0), Some(0)]);
    let same = home.run(&["stats", "out.jsonl", "questions.jsonl"], "");
    refused(
        &same,
        2,
        &["questions.jsonl", "no settings of an evaluation"],
    );
}

#[test]
fn a_precision_that_nobody_names_is_shown_with_why_it_was_chosen() {
    let home = Home::default();
    let models = home.run(&["models"], "");
    assert!(
        models.stdout.contains("f32 (the model is small)"),
        "{models:?}"
    );
    let line = |said: &Said| {
        let mut lines = said.stdout.lines();
        let line = lines.find(|line| line.starts_with("available_models.demo.precision"));
        line.unwrap_or_default().to_owned()
    };
    let shown = line(&home.run(&["--show-config"], ""));
    let words: Vec<&str> = shown.split_whitespace().collect();
    assert_eq!(
        words[1..].join(" "),
        "= \"f32\" # chosen: the model is small"
    );
    let named = line(&home.run(&["--show-config", "--precision", "q8_0"], ""));
    let words: Vec<&str> = named.split_whitespace().collect();
    assert_eq!(words[1..].join(" "), "= \"q8_0\" # --precision");
}

#[test]
fn plain_chat_goes_on_when_the_context_is_full_and_says_so() {
    let home = Home::default();
    let lines = "What is the capital of France?\n".repeat(14);
    let said = home.run(&["chat", "--plain"], &lines);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.stdout.matches("Paris").count(), 14, "{said:?}");
    assert!(
        said.stderr.contains("the model no longer sees the oldest"),
        "{said:?}"
    );
}
