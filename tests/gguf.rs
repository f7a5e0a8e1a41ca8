//! GGUF files against the same numbers as safetensors: the same tokens, in the program.
//!
//! `make_gguf.py` makes the files with Python's gguf package, which the gate installs into `target/gguf`. Without it these
//! tests say so and pass, unless `UNMASK_REQUIRE_GGUF` is set.

use std::path::Path;

use serde_json::Value;
use unmask_tests::gguf_files::{make, python};
use unmask_tests::program::{Home, refused};

const PROMPT: &str = "I'll ask: what is 12 + 3?\n\nSay it, please.";

/// What was committed where, step by step, and the answer.
fn tokens(home: &Home, model: &Path, more: &[&str]) -> (Vec<Vec<(u64, u64)>>, String) {
    let model = model.to_str().expect("a plain name");
    let usual = [
        "generate", "-q", "-m", model, "--len", "24", "--block", "8", "--steps", "12", "--format",
        "jsonl",
    ];
    let said = home.run(&[&usual, more, &[PROMPT]].concat(), "");
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines = said.stdout.lines();
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).expect("an object a line"))
        .collect();
    let number = |value: &Value| value.as_u64().expect("a number");
    let commits = |line: &Value| {
        let commits = line["commits"].as_array()?.iter();
        Some(
            commits
                .map(|it| (number(&it["position"]), number(&it["token"])))
                .collect(),
        )
    };
    let text = lines.last().and_then(|it| it["text"].as_str());
    (
        lines.iter().filter_map(commits).collect(),
        text.expect("it ends").to_owned(),
    )
}

/// Makes files, and asks both in the same precision.
#[track_caller]
fn check(model: &str, kind: &str, more: &[&str], file: &str) -> Option<Home> {
    let python = python()?;
    let home = Home::default();
    let folder = home.path().join("made");
    make(&python, model, kind, &folder, more);
    let plain = tokens(&home, &folder.join("plain"), &["--precision", "f32"]);
    assert_eq!(plain.0.iter().flatten().count(), 24, "{plain:?}");
    let gguf = tokens(&home, &folder.join(file), &["--precision", "f32"]);
    assert_eq!(gguf, plain, "{model} {kind}");
    Some(home)
}

#[test]
fn llada_gives_the_same_tokens() {
    check(
        "tests/golden/models/tiny-llada-a",
        "F32",
        &["--pre", "llada-moe"],
        "model.gguf",
    );
    // Heads of keys that several heads of queries share, in blocks of 8 bits.
    check(
        "tests/golden/models/tiny-llada-gqa",
        "Q8_0",
        &["--pre", "gpt-2"],
        "model.gguf",
    );
}

#[test]
fn dream_gives_the_same_tokens() {
    check("tests/golden/models/tiny-dream", "F16", &[], "model.gguf");
}

#[test]
fn llada_moe_gives_the_same_tokens() {
    check(
        "tests/golden/models/tiny-llada-moe",
        "BF16",
        &["--pre", "llada-moe"],
        "model.gguf",
    );
}

#[test]
fn a_model_that_was_cut_gives_the_same_tokens() {
    let Some(home) = check(
        "core/runtime/demo-model",
        "BF16",
        &["--split"],
        "model-00001-of-00003.gguf",
    ) else {
        return;
    };
    // A folder of one model, and any of its files, name it.
    let folder = home.path().join("made");
    let first = tokens(&home, &folder.join("plain"), &[]);
    std::fs::remove_dir_all(folder.join("plain")).expect("it was made");
    assert_eq!(tokens(&home, &folder, &[]), first);
    assert_eq!(
        tokens(&home, &folder.join("model-00003-of-00003.gguf"), &[]),
        first
    );
    std::fs::remove_file(folder.join("model-00002-of-00003.gguf")).expect("it was made");
    let said = home.run(
        &[
            "generate",
            "-q",
            "-m",
            folder.to_str().expect("plain"),
            "hi",
        ],
        "",
    );
    refused(&said, 3, &["model-00002-of-00003.gguf is not beside it"]);
}

#[test]
fn mixed_blocks_give_the_same_tokens_and_run_as_they_are() {
    let wide = ["--wide"];
    let Some(home) = check("core/runtime/demo-model", "mixed", &wide, "model.gguf") else {
        return;
    };
    let file = home.path().join("made/model.gguf");
    let (steps, _) = tokens(&home, &file, &["--precision", "stored"]);
    assert_eq!(steps.iter().flatten().count(), 24, "{steps:?}");
    // An entry of the configuration names the file as well.
    let config = format!(
        "active_model_key = \"mine\"\n[available_models.mine]\nmodel_id = \"{}\"\nframework = \"candle\"\nprecision = \"stored\"\n",
        file.display()
    );
    let path = home.path().join("model_config.toml");
    std::fs::write(&path, config).expect("there is room");
    let config = path.to_str().expect("a plain name");
    let said = home.run(&["models", "--config", config, "--format", "json"], "");
    assert!(
        said.stdout.contains("\"mine\"") && said.stdout.contains("stored"),
        "{said:?}"
    );
    let said = home.run(
        &[
            "generate", "-q", "--config", config, "--len", "8", "--block", "8", "--steps", "8",
            "hi",
        ],
        "",
    );
    assert_eq!(said.code, Some(0), "{said:?}");
}
