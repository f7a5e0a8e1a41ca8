use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use unmask_core::measured::MeasuredModel;
use unmask_tests::program::{Home, Said, refused};

fn questions(home: &Home) {
    let question = |(text, answer): (&str, &str)| {
        let messages = json!([{"role": "user", "content": text}]);
        json!({"task": "t", "messages": messages, "answers": [answer]}).to_string() + "\n"
    };
    let all = [
        ("What is 2 + 2?", "2 + 2 = 4"),
        (
            "What is the capital of France?",
            "The capital of France is Paris.",
        ),
        ("What is the capital of Atlantis?", "Nobody knows."),
    ];
    let text = all.map(question).concat();
    fs::write(home.path().join("q.jsonl"), text).expect("it can be written");
}

fn bench(home: &Home, more: &[&str]) -> Said {
    let base = [
        "bench",
        "--questions",
        "q.jsonl",
        "-q",
        "--modes",
        "steps/8,threshold=0.9+dual",
    ];
    home.run(&[&base[..], more].concat(), "")
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"))
}

fn measured(home: &Home) -> Option<PathBuf> {
    let folder = fs::read_dir(home.data("measured")).ok()?;
    let mut files = folder.filter_map(|it| Some(it.ok()?.path()));
    files.next()
}

#[test]
fn modes_are_measured_side_by_side_gone_on_with_and_written_down() {
    let home = Home::default();
    questions(&home);
    let said = bench(&home, &["--limit", "1", "--out", "out", "--format", "json"]);
    assert_eq!(json(&said)["questions"], json!(1));
    let before = fs::read_to_string(home.path().join("out")).expect("it is there");
    let said = bench(
        &home,
        &[
            "--out", "out", "--svg", "plot.svg", "--format", "json", "--write",
        ],
    );
    let report = json(&said);
    let after = fs::read_to_string(home.path().join("out")).expect("it is there");
    assert_eq!(after.lines().count(), 4);
    assert_eq!(
        before.lines().nth(1),
        after.lines().nth(1),
        "what was measured stays"
    );
    let modes = report["modes"].as_array().cloned().unwrap_or_default();
    let names: Vec<&Value> = modes.iter().map(|it| &it["mode"]).collect();
    assert_eq!(
        names,
        [
            &json!("exact"),
            &json!("steps/8"),
            &json!("threshold=0.9+dual")
        ]
    );
    assert_eq!(
        (&report["questions"], &modes[0]["approximate"]),
        (&json!(3), &json!(false))
    );
    assert_eq!(modes[0]["accuracy"]["right"], json!(2), "{report}");
    assert_eq!(modes[0]["agreement"]["answers"], json!(1.0));
    let forwards = |at: usize| modes[at]["forwards"]["mean"].as_f64();
    assert!(
        forwards(0) > forwards(1) && forwards(1) <= Some(8.0),
        "{report}"
    );
    assert!(
        modes[2]["difference"]["low"].as_f64() < Some(-0.08),
        "three questions show little"
    );
    let picture = fs::read_to_string(home.path().join("plot.svg")).expect("it was drawn");
    assert_eq!(picture.matches("<circle ").count(), 3);
    let path = measured(&home).unwrap_or_else(|| panic!("{said:?}"));
    let file = fs::read_to_string(path).expect("it is there");
    assert!(
        file.contains("\ncount = 3\n") && file.contains("mode = \"steps/8\""),
        "{file}"
    );
    let text = bench(&home, &["--out", "out"]);
    for part in [
        "won/lost",
        "steps/8             approximate",
        "right answers, with 95 %",
        "b steps/8",
    ] {
        assert!(text.stdout.contains(part), "{part}: {text:?}");
    }
    refused(
        &bench(&home, &["--out", "out", "--len", "32"]),
        2,
        &[
            "out: it was measured with another answer's length",
            "--force",
        ],
    );
    refused(
        &bench(&home, &["--svg", "plot.svg"]),
        2,
        &["plot.svg", "--force"],
    );
    let stats = |one: &str| home.run(&["stats", one, "out@exact"], "");
    let compared = stats("out@steps/8");
    assert!(
        compared.stdout.contains("mode: steps/8 and exact\n"),
        "{compared:?}"
    );
    refused(&stats("out"), 2, &["out: write @ and a mode", "steps/8"]);
}

/// Every 24th of the carried questions from the `first` on: they stand by kind, so these are of many kinds.
fn some_of_the_carried(home: &Home, first: usize) {
    let carried = unmask_tests::root().join("core/runtime/demo-model/eval/eval_public.jsonl");
    let all = fs::read_to_string(carried).expect("it is carried");
    let some = all.lines().skip(first).step_by(24);
    let some: String = some.map(|line| format!("{line}\n")).collect();
    fs::write(home.path().join("q.jsonl"), some).expect("it can be written");
}

/// What the dial says before an answer, measured on some questions, against what others took, on a canvas of the measured
/// length and on one twice as long. Forwards are whole, and fast modes take two or three: there 15 % is less than one, and one
/// more or fewer is the nearest miss that there is.
#[test]
fn the_dial_expects_of_other_questions_and_lengths_what_they_take_within_15_percent() {
    let home = Home::default();
    // What stands on the demo's dial, by its model card; exact decoding is measured with all of them.
    let dial = ["--modes", "threshold=0.95,hierarchy=0.9,threshold=0.7"];
    let bench = |more: &[&str]| {
        let base = ["bench", "--questions", "q.jsonl", "-q"];
        home.run(&[&base[..], &dial, more].concat(), "")
    };
    some_of_the_carried(&home, 0);
    let said = bench(&["--len", "64", "--write"]);
    let path = measured(&home).unwrap_or_else(|| panic!("{said:?}"));
    let file = MeasuredModel::read(&path).expect("it is sound");
    let file = file.expect("it is there");
    let measured = &file.measurements[0];
    some_of_the_carried(&home, 12);
    for length in [64, 128] {
        let report = json(&bench(&["--format", "json", "--len", &length.to_string()]));
        for (at, mode) in measured.modes.iter().enumerate() {
            let expected = measured.estimate(mode, length, Some(Duration::from_millis(10)));
            let taken = report["modes"][at]["forwards"]["median"].as_f64();
            let taken = taken.unwrap_or_else(|| panic!("{report}"));
            let forwards = expected.forwards as f64;
            let is_right = |forwards: f64| (forwards - taken).abs() <= (0.15 * taken).max(1.0);
            assert!(
                is_right(forwards),
                "{} at {length}: {forwards} expected, {taken} taken",
                mode.mode
            );
            // These answers end before their canvas does: an estimate that grows with it is wrong here.
            let grown = forwards * length as f64 / 64.0;
            assert!(length == 64 || !mode.mode.is_exact() || !is_right(grown));
            // Seconds are as right as the forwards are: each takes what the last turn's took.
            let seconds = expected.seconds.expect("a forward's time is given");
            assert!((seconds - forwards / 100.0).abs() < 1e-9, "{seconds}");
        }
    }
}

#[test]
fn what_cannot_be_kept_is_told_before_the_first_question_and_less_replaces_no_more() {
    let home = Home::default();
    questions(&home);
    for (flags, words) in [
        (
            &["--svg", "./q.jsonl", "--force"][..],
            "holds the questions",
        ),
        (&["--svg", "new", "--out", "./new"], "holds the answers"),
    ] {
        refused(&bench(&home, flags), 2, &[words, "another --svg file"]);
    }
    let said = bench(&home, &["--write"]);
    let path = measured(&home).unwrap_or_else(|| panic!("{said:?}"));
    let before = fs::read_to_string(&path).expect("it is there");
    let said = bench(&home, &["--limit", "1", "--write"]);
    assert!(said.stderr.contains("not written"), "{said:?}");
    assert_eq!(fs::read_to_string(&path).expect("it is there"), before);
    fs::write(&path, "[").expect("it can be written");
    let said = bench(&home, &["--write"]);
    assert!(
        said.stdout.is_empty() && said.stderr.contains("measure again"),
        "{said:?}"
    );
}

#[test]
fn without_questions_agreement_is_measured_over_carried_prompts() {
    let home = Home::default();
    let flags = [
        "bench",
        "builtin:demo",
        "-q",
        "--limit",
        "2",
        "--modes",
        "steps/16",
        "--format",
        "json",
        "--write",
    ];
    let report = json(&home.run(&flags, ""));
    assert_eq!(
        (&report["questions"], &report["modes"][1]["accuracy"]),
        (&json!(2), &Value::Null)
    );
    assert!(measured(&home).is_some());
    let modes = |modes: &str| home.run(&["bench", "--modes", modes], "");
    for (text, words) in [("fastest", "joined by +"), ("threshold=7", "out of range")] {
        let said = modes(text);
        assert!(
            said.code == Some(2) && said.stderr.contains(words),
            "{said:?}"
        );
    }
}

#[test]
fn modes_that_draw_are_answered_with_several_seeds_and_others_are_not() {
    let home = Home::default();
    questions(&home);
    let seeds = ["--seeds", "2", "--out", "out"];
    let why = ["--seeds", "every mode gives the same answer"];
    refused(&bench(&home, &seeds), 2, &why);
    let drawn = [&seeds[..], &["--temp", "2", "--format", "json"]].concat();
    let report = json(&bench(&home, &drawn));
    assert_eq!(
        (&report["questions"], &report["settings"]["seeds"]),
        (&json!(3), &json!(2))
    );
    let out = fs::read_to_string(home.path().join("out")).expect("it is there");
    let records: Vec<Value> = (out.lines().skip(1))
        .map(|line| serde_json::from_str(line).expect("it is JSON"))
        .collect();
    let answers = records.iter().filter_map(|it| it["answers"].as_array());
    let answers: Vec<&Vec<Value>> = answers.collect();
    assert!(
        answers.iter().all(|it| it.len() == 6),
        "three modes, two seeds"
    );
    let differs = |it: &&[Value]| it[0]["tokens"] != it[1]["tokens"];
    let pairs = answers.iter().flat_map(|it| it.chunks(2));
    assert!(pairs.filter(differs).count() > 0, "{out}");
    // The same again is nothing but read; other seeds are another bench.
    let again = json(&bench(&home, &drawn));
    let read = fs::read_to_string(home.path().join("out")).expect("it is there");
    assert_eq!(read, out);
    assert_eq!(
        again["modes"][1]["accuracy"],
        report["modes"][1]["accuracy"]
    );
    let more = ["--seeds", "3", "--out", "out", "--temp", "2"];
    refused(&bench(&home, &more), 2, &["another number of seeds"]);
    let stats = home.run(&["stats", "out@steps/8", "out@exact"], "");
    refused(&stats, 2, &["several answers a question"]);
}
