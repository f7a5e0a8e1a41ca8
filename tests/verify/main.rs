//! `unmask backends verify`: what keeps the contract passes, and whatever breaks it is caught by the name of the promise.

#![cfg(unix)]

mod faults;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;
use unmask_conformance::CASES;
use unmask_tests::program::{Home, Said, refused};
use unmask_tests::{Compiled, plugin, root, spoiled};

/// Keeps everything but what it is told to break.
static FAULTY: LazyLock<Compiled> = LazyLock::new(|| spoiled("faulty"));

fn tiny() -> PathBuf {
    root().join("tests/golden/models/tiny-llada-a")
}

/// A home with a checkpoint of nobody: its weights are not those of the reference.
fn home() -> Home {
    let home = Home::default();
    let folder = home.path().join("model");
    fs::create_dir(&folder).expect("the home is ours");
    for entry in fs::read_dir(tiny()).expect("the checkpoint is there") {
        let path = entry.expect("it can be listed").path();
        let mut bytes = fs::read(&path).expect("it can be read");
        if path.ends_with("model.safetensors") {
            *bytes.last_mut().expect("weights have bytes") ^= 1;
        }
        let name = path.file_name().expect("files have names");
        fs::write(folder.join(name), bytes).expect("the home is ours");
    }
    home
}

fn text(path: &Path) -> &str {
    path.to_str().expect("test folders have plain names")
}

/// What is said of the library with `fault`, in a home with a model.
fn said(home: &Home, fault: &str, more: &[&str]) -> Said {
    let verify = ["backends", "verify", text(&FAULTY.path), "-m", "./model"];
    home.run_with(
        &[&verify, more].concat(),
        "",
        &[("UNMASK_TEST_FAULT", fault)],
    )
}

/// A report that was said.
struct Report {
    json: Value,
    code: Option<i32>,
}

impl Report {
    #[track_caller]
    fn of(said: &Said) -> Self {
        let json = serde_json::from_str(&said.stdout);
        Self {
            json: json.unwrap_or_else(|_| panic!("no JSON: {said:?}")),
            code: said.code,
        }
    }

    fn trials(&self) -> &[Value] {
        self.json["trials"].as_array().map_or(&[], Vec::as_slice)
    }

    #[track_caller]
    fn trial(&self, case: &str) -> &Value {
        let mut trials = self.trials().iter();
        let trial = trials.find(|trial| trial["case"] == case);
        trial.unwrap_or_else(|| panic!("{case} has no verdict: {}", self.json))
    }

    fn verdict(&self, case: &str) -> &str {
        self.trial(case)["verdict"].as_str().unwrap_or_default()
    }

    fn failed(&self) -> Vec<&str> {
        let trials = self.trials().iter();
        let bad = trials.filter(|trial| trial["verdict"] == "failed");
        bad.filter_map(|trial| trial["case"].as_str()).collect()
    }
}

#[track_caller]
fn report(fault: &str, more: &[&str]) -> Report {
    let more = [&["--format", "json"], more].concat();
    Report::of(&said(&home(), fault, &more))
}

#[test]
fn what_keeps_every_promise_passes() {
    for fault in ["none", "deaf and honest", "jittery and honest"] {
        let report = report(fault, &[]);
        assert_eq!(report.failed(), Vec::<&str>::new(), "{}", report.json);
        assert_eq!(report.code, Some(0));
        assert_eq!(report.trials().len(), CASES.len() + 1);
        assert_eq!(
            report.verdict("the_numbers_are_those_of_the_reference"),
            "untested"
        );
    }
}

#[test]
fn the_examples_pass_by_their_paths() {
    let home = Home::default();
    let in_c = unmask_tests::compile_plugin("plugins/examples/c/toy.c");
    for library in [plugin("example-toy"), in_c.path.clone()] {
        let said = home.run(&["backends", "verify", text(&library)], "");
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.stdout.contains(" passed, 0 failed, "), "{said:?}");
    }
}

#[test]
fn a_known_model_is_held_against_the_reference() {
    const CASE: &str = "the_numbers_are_those_of_the_reference";
    let tiny = tiny();
    let verify = |what: &str| {
        let line = ["backends", "verify", what, "-m", text(&tiny)];
        let line = [&line[..], &["--precision", "f32", "--format", "json"]].concat();
        Report::of(&Home::default().run(&line, ""))
    };
    let candle = verify("candle");
    assert_eq!((candle.verdict(CASE), candle.code), ("passed", Some(0)));
    let off = candle.trial(CASE)["figures"]["relative_error"].as_f64();
    assert!(off.is_some_and(|off| off < 1e-4), "{off:?}");
    assert_eq!(verify(text(&FAULTY.path)).failed(), [CASE]);
}

#[test]
fn what_is_measured_stands_beside_the_verdicts() {
    let report = report("none", &[]);
    let figure = |case: &str, name: &str| report.trial(case)["figures"][name].as_f64();
    assert!(figure("the_model_loads", "load_seconds").is_some_and(|it| it > 0.0));
    assert_eq!(figure("the_model_loads", "memory_bytes"), Some(1000.0));
    let running = "a_pass_cancelled_while_it_runs_ends_and_the_session_lives_on";
    assert_eq!(figure(running, "pass_positions"), Some(256.0));
    assert!(figure(running, "pass_seconds").is_some());
    if cfg!(target_os = "linux") {
        assert!(figure("memory_comes_back_with_a_model", "growth_bytes").is_some());
    }
    assert_eq!(report.json["backend"], "faulty");
    assert_eq!(report.json["failed"], 0);
}

#[test]
fn known_failures_are_expected_until_they_pass() {
    let home = home();
    let known = home.path().join("known.toml");
    let gap = "[[gap]]\nbackend = \"faulty\"\nprecision = \"f32\"\nwhy = \"it does not listen\"\n";
    let case = "a_raised_flag_cancels_and_the_session_lives_on";
    fs::write(&known, format!("{gap}case = \"{case}\"\n")).expect("the home is ours");
    let flags = ["--known", text(&known), "--format", "json"];
    let deaf = Report::of(&said(&home, "deaf", &flags));
    assert_eq!((deaf.verdict(case), deaf.code), ("known", Some(0)));
    assert_eq!(deaf.trial(case)["why"], "it does not listen");
    let mended = Report::of(&said(&home, "none", &flags));
    assert_eq!((mended.verdict(case), mended.code), ("closed", Some(1)));
    fs::write(&known, format!("{gap}case = \"{case}s\"\n")).expect("the home is ours");
    refused(
        &said(&home, "none", &flags),
        2,
        &["known.toml:1: there is no case", case],
    );
    refused(
        &said(&home, "none", &["--known", "nowhere.toml"]),
        2,
        &["cannot read nowhere.toml"],
    );
}

#[test]
fn what_cannot_be_examined_is_refused_with_the_reason() {
    let home = Home::default();
    let verify = |what: &str| home.run(&["backends", "verify", what], "");
    refused(
        &verify("./nothing.so"),
        3,
        &["nothing.so", "cannot be loaded"],
    );
    refused(&verify("candel"), 3, &["candel", "candle"]);
    let crashing = spoiled("crashing_probe");
    refused(
        &verify(text(&crashing.path)),
        3,
        &["the process of crashing_probe ended"],
    );
    let exposed = home.path().join("libunmask_backend_exposed.so");
    fs::copy(&FAULTY.path, &exposed).expect("the home is ours");
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    fs::set_permissions(&exposed, everybody).expect("the file is ours");
    refused(&verify(text(&exposed)), 3, &["exposed.so is not loaded"]);
    // A name vouches for nothing.
    let installed = home.data("backends");
    fs::create_dir_all(&installed).expect("the home is ours");
    let copy = installed.join("libunmask_backend_faulty.so");
    fs::copy(&FAULTY.path, copy).expect("the home is ours");
    let remedy = "unmask backends approve faulty";
    refused(&verify("faulty"), 3, &["not approved", remedy]);
    let line = ["backends", "verify", "candle", "-m", "nowhere"];
    refused(&home.run(&line, ""), 2, &["nowhere"]);
}
