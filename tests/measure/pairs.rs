use std::fs;

use serde_json::{Value, json};
use unmask_tests::program::{Home, refused};

fn pairs(home: &Home) {
    let couplets = json!([
        {"first": "France", "second": "Paris", "source": "the recipe"},
        {"first": "Italy", "second": "Rome"},
        {"first": "Japan", "second": "Tokyo"},
        {"first": "Nowhere", "second": "Xyzzy"},
    ]);
    fs::write(home.path().join("pairs.json"), couplets.to_string()).expect("it can be written");
}

#[test]
fn couplets_are_asked_in_both_directions_and_judged_over_the_canvas() {
    let home = Home::default();
    pairs(&home);
    let eval = |more: &[&str]| {
        let base = [
            "eval",
            "-q",
            "--pairs",
            "pairs.json",
            "--templates",
            "capitals",
        ];
        home.run(&[&base[..], more].concat(), "")
    };
    let said = eval(&["--format", "json", "--out", "out.jsonl"]);
    let report: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
    let settings = &report["settings"];
    assert_eq!(
        (
            &settings["length"],
            &settings["steps"],
            &settings["logits_eos_inf"],
            &settings["early_stop"]
        ),
        (&json!(28), &json!(28), &json!(true), &json!(false))
    );
    let both = &report["both_ways"];
    assert_eq!(both["couplets"], json!(4), "{said:?}");
    let cells = ["both", "next_alone", "previous_alone", "neither"];
    let sum: u64 = cells.iter().filter_map(|cell| both[cell].as_u64()).sum();
    assert_eq!(sum, 4);
    assert!(
        both["both"].as_u64() >= Some(2),
        "the demo knows these: {said:?}"
    );
    assert!(report["all"]["right_visible"].is_u64(), "{said:?}");
    assert_eq!(report["tasks"]["next"]["questions"], json!(4));
    let lines = fs::read_to_string(home.path().join("out.jsonl")).expect("it is there");
    assert_eq!(lines.lines().count(), 9);
    let alone = eval(&["--ask", "previous", "--len", "16"]);
    assert_eq!(alone.code, Some(0), "{alone:?}");
    assert!(!alone.stdout.contains("next"), "{alone:?}");
}

#[test]
fn what_is_no_list_of_couplets_or_no_template_is_named() {
    let home = Home::default();
    let eval = |more: &[&str]| home.run(&[&["eval", "-q", "--pairs", "p.json"], more].concat(), "");
    refused(&eval(&[]), 2, &["p.json: cannot be read"]);
    for text in ["[]", "{}", "[{\"first\":\"a\"}]"] {
        fs::write(home.path().join("p.json"), text).expect("it can be written");
        refused(&eval(&[]), 2, &["p.json: "]);
    }
    pairs(&home);
    fs::rename(home.path().join("pairs.json"), home.path().join("p.json")).expect("it is there");
    refused(
        &eval(&["--templates", "fr"]),
        2,
        &["--templates fr", "capitals, en, zh"],
    );
    fs::write(
        home.path().join("t.toml"),
        "next = \"a\"\nprevious = \"{line}\"\n",
    )
    .expect("it can be written");
    refused(&eval(&["--templates", "t.toml"]), 2, &["no {line}"]);
}

#[test]
fn questions_say_how_they_are_graded() {
    let home = Home::default();
    let question = |grade: &str, answer: &str| {
        let messages = json!([{"role": "user", "content": "What is 2 + 2?"}]);
        json!({"task": grade, "messages": messages, "answers": [answer], "grade": grade})
            .to_string()
            + "\n"
    };
    let questions = [
        ("number", "4"),
        ("contains", "= 4"),
        ("exact", "4"),
        ("regex:= (\\d)", "4"),
    ];
    let questions = questions
        .map(|(grade, answer)| question(grade, answer))
        .concat();
    fs::write(home.path().join("q.jsonl"), &questions).expect("it can be written");
    let said = home.run(&["eval", "q.jsonl", "-q", "--format", "json"], "");
    let report: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
    let right = |task: &str| report["tasks"][task]["right"].clone();
    assert_eq!(
        ["number", "contains", "exact", "regex:= (\\d)"].map(right),
        [json!(1), json!(1), json!(0), json!(1)],
        "{said:?}"
    );
    let unknown = questions + &question("fuzzy", "4");
    fs::write(home.path().join("q.jsonl"), unknown).expect("it can be written");
    refused(
        &home.run(&["eval", "q.jsonl"], ""),
        2,
        &["q.jsonl:5: grade is `fuzzy`", "regex:PATTERN"],
    );
}
