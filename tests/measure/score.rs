use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use unmask_tests::program::{Home, program, refused};

use super::{lines, number};

const QUESTION: &str = "What is the capital of France?";

/// Questions whose right answer comes second.
fn questions() -> String {
    let question = |(country, city, other): (&str, &str, &str)| {
        let choice = |city| format!("The capital of {country} is {city}.");
        let context = format!("What is the capital of {country}?");
        let choices = [choice(other), choice(city)];
        json!({"context": context, "choices": choices, "answer": 1, "task": "capitals"}).to_string()
            + "\n"
    };
    [
        ("France", "Paris", "Oslo"),
        ("Italy", "Rome", "Lima"),
        ("Japan", "Tokyo", "Cairo"),
    ]
    .map(question)
    .concat()
}

#[test]
fn the_model_knows_capitals_and_every_way_to_measure_agrees() {
    let home = Home::default();
    for samples in ["32", "exact", "auto"] {
        let said = home.run(
            &[
                "score",
                "-",
                "-q",
                "--chat",
                "--format",
                "json",
                "--strata",
                "8",
                "--samples",
                samples,
            ],
            &questions(),
        );
        // A sentence has more than twelve tokens, perhaps.
        if said.code == Some(2) && samples == "exact" {
            refused(
                &said,
                2,
                &["standard input:1: all masks of", "12 tokens or less"],
            );
            continue;
        }
        let report: Value =
            serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
        assert_eq!(report["all"]["accuracy"], json!(1.0), "{said:?}");
        assert_eq!(report["tasks"]["capitals"]["judged"], json!(3));
        assert_eq!(report["all"]["undecided"], json!(0), "{said:?}");
    }
}

#[test]
fn a_result_depends_on_nothing_but_its_text_and_the_settings() {
    let home = Home::default();
    let pair = |context: &str| {
        json!({"context": context, "continuation": " Paris is a city"}).to_string() + "\n"
    };
    let score = |text: &str, more: &[&str]| {
        let base = ["score", "-", "-q", "--format", "jsonl", "--samples", "16"];
        let strata = match more.contains(&"--strata") {
            true => &[][..],
            false => &["--strata", "4"],
        };
        let said = home.run(&[&base[..], strata, more].concat(), text);
        let said = lines(&said);
        said[..said.len() - 1]
            .iter()
            .map(|it| (number(&it["ll"]), it["se"].clone()))
            .collect::<Vec<_>>()
    };
    let (one, other) = (pair("France:"), pair("Where is it?"));
    let both = score(&(one.clone() + &other), &[]);
    assert_eq!(
        score(&(other.clone() + &one), &[]),
        [both[1].clone(), both[0].clone()]
    );
    assert_eq!(score(&one, &[]), both[..1]);
    for rows in ["1", "1000"] {
        let near = score(&one, &["--rows", rows]);
        assert!((near[0].0 - both[0].0).abs() < 1e-4, "{near:?} {both:?}");
    }
    for other in [
        ["--seed", "1"],
        ["--rule", "uniform"],
        ["--strata", "8"],
        ["--cfg", "1"],
    ] {
        assert_ne!(score(&one, &other), both[..1], "{other:?}");
    }
    assert_eq!(score(&one, &["--seed", "0"]), both[..1]);
    // A continuation alone is masked alike with or without pairing, but by another seed.
    assert_ne!(score(&one, &["--unpaired"]), both[..1]);
}

#[test]
fn texts_and_words_are_measured_from_the_command_line() {
    let home = Home::default();
    let text = "Twinkle, twinkle, little star, how I wonder what you are. ".repeat(30);
    fs::write(home.path().join("t.txt"), &text).expect("it can be written");
    let said = home.run(
        &[
            "score",
            "--text",
            "t.txt",
            "-q",
            "--samples",
            "4",
            "--strata",
            "2",
            "--format",
            "json",
        ],
        "",
    );
    let report: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
    let of = &report["texts"][0];
    assert_eq!(of["bytes"], json!(text.len()));
    assert!(
        number(&of["windows"]) > 1.0,
        "it is longer than the context: {of}"
    );
    let (ll, tokens) = (number(&of["ll"]), number(&of["tokens"]));
    assert!(
        (number(&of["perplexity"]) - (-ll / tokens).exp()).abs() < 1e-6,
        "{of}"
    );
    assert!(number(&of["perplexity_se"]) > 0.0, "{of}");
    let table = home.run(
        &[
            "score",
            "--text",
            "t.txt",
            "-q",
            "--samples",
            "2",
            "--strata",
            "1",
        ],
        "",
    );
    assert!(
        table
            .stdout
            .contains("not comparable with an autoregressive model's"),
        "{table:?}"
    );
    let choices = ["--continuation", " Paris", "--continuation", " Oslo"];
    let said = home.run(
        &[
            &[
                "score",
                "--context",
                "The capital of France is",
                "-q",
                "--greedy",
                "--samples",
                "auto",
            ],
            &choices[..],
        ]
        .concat(),
        "",
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("best"), "{said:?}");
}

#[test]
fn what_cannot_be_measured_is_named_with_its_place() {
    let home = Home::default();
    let score = |text: &str, more: &[&str]| home.run(&[&["score", "-", "-q"], more].concat(), text);
    let fine = json!({"context": "a", "continuation": " b c d"}).to_string() + "\n";
    refused(
        &score("", &[]),
        2,
        &["standard input holds no texts", "`choices`"],
    );
    refused(&score("{\n", &[]), 2, &["standard input:1: "]);
    refused(
        &score(&fine, &["--samples", "5", "--strata", "2"]),
        2,
        &["unmask: --samples: ", "use a multiple of 2"],
    );
    for (flags, words) in [
        (&["--samples", "0"][..], "unmask: --samples: draws is 0"),
        (&["--strata", "0"], "unmask: --strata: a stratum is 0"),
        (
            &["--strata", "48"],
            "unmask: --strata: 128 draws do not split",
        ),
        (&["--cfg=-1"], "unmask: --cfg: cfg scale is -1"),
        (&["--cfg=nan"], "unmask: --cfg: cfg scale is NaN"),
    ] {
        refused(&score(&fine, flags), 2, &[words]);
    }
    let said = score(&fine, &["--samples", "some"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("exact or auto"), "{said:?}");
    let long = json!({"context": "a ".repeat(600), "continuation": "b"});
    refused(
        &score(&format!("{fine}{long}\n"), &[]),
        2,
        &["standard input:2: ", "the limit is 256"],
    );
    let masked = json!({"context": "a", "continuation": "<|mdm_mask|>"});
    refused(
        &score(&format!("{masked}\n"), &[]),
        2,
        &["standard input:1: ", "leave it out"],
    );
    let merged = json!({"context": "Hello, Par", "continuation": "is"});
    let said = score(&format!("{merged}\n"), &[]);
    if said.code != Some(0) {
        refused(
            &said,
            2,
            &["standard input:1: the continuation becomes part of"],
        );
    }
    let empty = json!({"context": "a", "choices": [" b", ""]});
    refused(
        &score(&format!("{empty}\n"), &[]),
        2,
        &["standard input:1: a continuation has no tokens"],
    );
    refused(&home.run(&["score", "none.jsonl"], ""), 2, &["none.jsonl"]);
}

#[test]
fn results_are_gone_on_with_after_a_kill_and_nothing_is_measured_twice() {
    let home = Home::default();
    let item = |at: usize| {
        json!({"id": at, "context": QUESTION, "continuation": format!("It is number {at}, and not Paris.")}).to_string() + "\n"
    };
    let texts: String = (0..12).map(item).collect();
    fs::write(home.path().join("t.jsonl"), &texts).expect("it can be written");
    let base = [
        "score",
        "t.jsonl",
        "-q",
        "--samples",
        "128",
        "--format",
        "json",
    ];
    let with_out = [&base[..], &["--out", "out"]].concat();
    let out = home.path().join("out");
    let mut child = Command::new(program())
        .args(&with_out)
        .envs(home.environment())
        .current_dir(home.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let whole_lines = || fs::read_to_string(&out).map_or(0, |text| text.matches('\n').count());
    let since = Instant::now();
    while whole_lines() < 3 && since.elapsed() < Duration::from_secs(120) {
        std::thread::yield_now();
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let before = fs::read_to_string(&out).expect("it is there");
    let done = before.matches('\n').count() - 1;
    assert!((2..12).contains(&done), "it was killed half-way: {done}");
    // As a crash leaves it.
    fs::write(&out, format!("{before}{{\"line\":9,\"sha")).expect("it can be written");
    let said = home.run(
        &[
            &with_out[..1],
            &with_out[1..2],
            &["--format", "jsonl", "--samples", "128", "--out", "out"],
        ]
        .concat(),
        "",
    );
    assert!(
        said.stderr
            .contains(&format!("{done} of 12 texts were measured before")),
        "{said:?}"
    );
    let after = fs::read_to_string(&out).expect("it is there");
    assert!(after.starts_with(&before), "what was there stays");
    assert_eq!(after.lines().count(), 13);
    let report = |said: &str| -> Vec<f64> {
        let report: Value = serde_json::from_str(said).expect("it is a report");
        report["texts"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|it| number(&it["ll"]))
            .collect()
    };
    let resumed = home.run(&with_out, "");
    let fresh = home.run(&base, "");
    assert_eq!(report(&resumed.stdout), report(&fresh.stdout));
    let other = home.run(&[&with_out[..], &["--seed", "4"]].concat(), "");
    refused(
        &other,
        2,
        &["out: it holds results under other settings", "--force"],
    );
    fs::write(
        home.path().join("t.jsonl"),
        texts.replace("number 0", "number 99"),
    )
    .expect("it can be written");
    refused(
        &home.run(&with_out, ""),
        2,
        &["a text on line 1 that is not asked about"],
    );
}
