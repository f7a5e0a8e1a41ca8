//! The commands, run as a user would: what they print, where, and with which exit code.

use std::fs;

use serde_json::Value;
use unmask_core::fold::Fold;
use unmask_core::wire::{self, Event};
use unmask_tests::chat::{ANSWER, QUESTION};
use unmask_tests::compile_plugin;
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
}

#[test]
fn models_and_backends_are_listed() {
    let home = Home::default();
    let models = home.run(&["models"], "");
    assert!(
        models.stdout.contains("built in")
            && models
                .stdout
                .contains("hf download GSAI-ML/LLaDA-8B-Instruct")
    );
    let backends = home.run(&["backends", "--format", "json"], "");
    let rows: Value = serde_json::from_str(&backends.stdout).expect("a list");
    let candle = rows
        .as_array()
        .into_iter()
        .flatten()
        .find(|row| row["name"] == "candle");
    assert_eq!(
        candle.map(|row| &row["state"]),
        Some(&Value::from("usable")),
        "{rows}"
    );
}

#[test]
fn doctor_tries_the_model_and_says_which_weights_fell_back() {
    let said = Home::default().run(&["doctor", "--precision", "q4k"], "");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.stdout.contains("note: ") && said.stdout.contains("q8_0"),
        "{said:?}"
    );
}

#[test]
fn doctor_holds_a_backend_against_the_contract() {
    let home = Home::default();
    let said = home.run(
        &["doctor", "--conformance", "candle", "--precision", "f32"],
        "",
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    for line in [
        "with builtin:demo",
        "✓ a batch equals its rows alone",
        "– the divergence is that of the two rows (not claimed)",
        "✓ the numbers are those of the reference (relative error ",
        "59 passed, 0 failed, 2 not claimed",
    ] {
        assert!(said.stdout.contains(line), "{line} is not said: {said:?}");
    }
    let line = "doctor --conformance candle --precision q8_0 --format json";
    let said = home.run(&line.split(' ').collect::<Vec<_>>(), "");
    assert_eq!(said.code, Some(0), "{said:?}");
    let report: Value = serde_json::from_str(&said.stdout).expect("the report is JSON");
    assert_eq!(report["failed"], 0);
    assert_eq!(
        report["trials"][1]["case"],
        "the_same_pass_gives_the_same_bits"
    );
    assert_eq!(report["trials"][1]["verdict"], "passed");
    let weights = home.path().join("cache/unmask/weights");
    assert!(!weights.exists(), "nothing is left behind");
}

#[test]
fn doctor_reports_the_cases_that_fail() {
    // It answers with numbers that are none.
    let bad = compile_plugin("tests/plugins/bad_numbers.c");
    let path = bad.path.to_str().expect("test folders have plain names");
    let home = Home::default();
    let said = home.run(
        &["doctor", "--conformance", "spoiled", "--plugin", path],
        "",
    );
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("✗ "), "{said:?}");
    refused(
        &home.run(&["doctor", "--conformance", "nosuch"], ""),
        3,
        &["nosuch", "candle"],
    );
    let said = home.run(&["doctor", "--format", "json"], "");
    assert_eq!(said.code, Some(2), "{said:?}");
}

#[test]
fn the_screen_needs_a_terminal() {
    refused(
        &Home::default().run(&[], ""),
        2,
        &["not a terminal", "unmask generate"],
    );
}

#[test]
fn settings_that_do_not_divide_are_rounded_and_said() {
    let said = Home::default().run(&["generate", "--len", "60", "--steps", "33", QUESTION], "");
    assert_eq!(said.code, Some(0), "{said:?}");
    for note in ["length 60 → 64 = 2 × 32", "steps 33 → 32 = 2 × 16"] {
        assert!(said.stderr.contains(note), "{note} is not said: {said:?}");
    }
}

#[test]
fn bad_settings_are_refused() {
    let home = Home::default();
    let ask = |flags: &[&str]| home.run(&[&["generate", "-q", QUESTION], flags].concat(), "");
    refused(&ask(&["--steps", "65"]), 2, &["steps is 65", "64"]);
    refused(&ask(&["--temp=-1"]), 2, &["temp"]);
    refused(&ask(&["-m", "dmeo"]), 2, &["dmeo", "demo"]);
    refused(&ask(&["-b", "candel"]), 3, &["candel", "candle"]);
    refused(&ask(&["--device", "cuda:0"]), 3, &["cuda:0", "cpu"]);
    refused(&ask(&["--precision", "q3k"]), 2, &["q3k", "q4k"]);
    refused(&ask(&["--pin", "5:"]), 2, &["--pin"]);
    refused(&ask(&["--pin", "200:up"]), 2, &["200", "64"]);
    refused(&home.run(&["generate", "-q", "  "], ""), 2, &["no prompt"]);
    assert_eq!(ask(&["--steps", "abc"]).code, Some(2));
    for length in ["99999999999999", "18446744073709551615"] {
        let flags = ["--len", length, "--block", "32", "--steps", "32"];
        refused(&ask(&flags), 2, &[]);
    }
}

#[test]
fn a_prompt_beyond_the_context_is_refused_with_the_numbers() {
    let long = "word ".repeat(400);
    let said = Home::default().run(&["generate", "-q", &long], "");
    refused(&said, 2, &["the limit is 256"]);
}

#[test]
fn a_broken_configuration_is_named_with_line_and_nearest_key() {
    let home = Home::default();
    let write = |text: &str| {
        fs::write(home.path().join("model_config.toml"), text).expect("it can be written")
    };
    write(
        "active_model_key = \"a\"\n\n[available_models.a]\nframwork = \"candle\"\nmodel_id = \"builtin:demo\"\n",
    );
    refused(
        &home.run(&["generate", "-q", "hi"], ""),
        2,
        &["model_config.toml:4", "framwork", "framework"],
    );
    write(
        "active_model_key = \"a\"\n\n[available_models.a]\nframework = \"candle\"\nmodel_id = \"builtin:demo\"\ntrust_remote_code = true\n",
    );
    refused(
        &home.run(&["generate", "-q", "hi"], ""),
        2,
        &["trust_remote_code"],
    );
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
