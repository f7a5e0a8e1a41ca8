//! Commands that look at this machine: `models`, `backends` and `doctor`.

use serde_json::Value;
use unmask_tests::compile_plugin;
use unmask_tests::program::{Home, refused};

#[test]
fn models_and_backends_are_listed() {
    let home = Home::default();
    let models = home.run(&["models"], "");
    assert!(
        models.stdout.contains("built in")
            && models
                .stdout
                .contains("unmask pull GSAI-ML/LLaDA-8B-Instruct")
    );
    // By family; what tells of one stands over its models.
    let line = |text: &str| {
        let mut lines = models.stdout.lines();
        lines
            .position(|it| it.contains(text))
            .expect("it is listed")
    };
    let llada2 = line("LLaDA2: 8 of 256 experts compute for a token");
    assert!(line("LLaDA-MoE: 8 of 64 experts") < llada2);
    assert_eq!(line(" llada2-mini "), llada2 + 1);
    assert_eq!(line(" llada2_1-mini "), llada2 + 4);
    assert!(line(" sdar-8b ") > llada2);
    let models = home.run(&["models", "--format", "json"], "");
    let rows: Value = serde_json::from_str(&models.stdout).expect("a list");
    let all = rows.as_array().into_iter().flatten();
    let fetched = |row: &&Value| row["backend"] == "candle" && row["state"] == "absent";
    for row in all.filter(fetched) {
        let needs = row["needs_bytes"]
            .as_object()
            .is_some_and(|it| !it.is_empty());
        assert!(needs, "{row}");
    }
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
        "61 passed, 0 failed, 2 not claimed",
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
