//! How answers came about: kept beside conversations, shown again after a restart, made again and compared, steered.

#![cfg(unix)]

use std::fs;
use std::io::Write as _;

use serde_json::{Value, json};
use unmask_tests::chat::{LONG, QUESTION, ask, quit, wait_answer, wait_for};
use unmask_tests::program::{Home, refused};

/// A run of the demo model, with its trace.
fn recorded(home: &Home, flags: &[&str]) -> String {
    let trace = home.path().join("run.jsonl");
    fs::remove_file(&trace).ok();
    let trace = trace.display().to_string();
    let mut arguments = vec!["generate", "-q", "--trace", &trace, QUESTION];
    arguments.extend(flags);
    let said = home.run(&arguments, "");
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    trace
}

#[test]
fn a_run_made_again_is_the_same_whatever_its_settings() {
    let home = Home::default();
    let settings: [&[&str]; 5] = [
        &[],
        &["--threshold", "0.9"],
        &["--temp", "0.8", "--seed", "3"],
        &["--cache", "dual"],
        &["--pin", "0:The"],
    ];
    for flags in settings {
        let trace = recorded(&home, flags);
        let said = home.run(&["replay", "--verify", "-q", &trace], "");
        assert_eq!(
            said.code,
            Some(0),
            "{flags:?}: {}{}",
            said.stdout,
            said.stderr
        );
        assert!(said.stdout.contains(" the same"), "{}", said.stdout);
        assert!(!said.stdout.contains("first difference"), "{}", said.stdout);
    }
}

#[test]
fn a_run_of_candle_made_again_by_onnx_has_the_same_tokens() {
    let registry = unmask_core::plugin::Registry::discover(&unmask_core::plugin::SearchPath::new(
        &unmask_core::plugin::BackendSearch::here(Vec::new()),
    ));
    if registry.find("onnx").is_err() {
        let is_required = std::env::var_os("UNMASK_REQUIRE_RUNTIME").is_some();
        assert!(!is_required, "ONNX Runtime is required");
        writeln!(std::io::stderr(), "skipped: there is no ONNX Runtime").ok();
        return;
    }
    // Where the runtime is that this process has found.
    let home_folder = std::env::var("HOME").unwrap_or_default();
    let data = std::env::var("XDG_DATA_HOME").unwrap_or(format!("{home_folder}/.local/share"));
    let home = Home::default();
    for flags in [&[][..], &["--threshold", "0.9"], &["--cache", "dual"]] {
        let trace = recorded(&home, flags);
        let arguments = ["replay", "--verify", "-q", "-b", "onnx", &trace];
        let said = home.run_with(&arguments, "", &[("XDG_DATA_HOME", &data)]);
        assert_eq!(
            said.code,
            Some(0),
            "{flags:?}: {}{}",
            said.stdout,
            said.stderr
        );
        let words = ["recorded candle", "now onnx", " the same"];
        assert!(
            words.iter().all(|word| said.stdout.contains(word)),
            "{}",
            said.stdout
        );
    }
}

#[test]
fn an_answer_that_is_paused_edited_and_goes_on_is_the_run_from_the_edited_canvas() {
    let home = Home::default();
    let slow = ["--len", "192", "--block", "192", "--steps", "192"];
    let mut terminal = home.start(&slow, &[], (100, 30));
    wait_for(&terminal, &["● ready"]);
    ask(&mut terminal, QUESTION);
    wait_for(&terminal, &["◐ step 2"]);
    terminal.press("\x1b");
    wait_for(&terminal, &["‖ paused"]);
    terminal.press("i");
    wait_for(&terminal, &["Replay · turn 1"]);
    terminal.press("x");
    wait_for(&terminal, &["1 to melt"]);
    terminal.press(" ");
    terminal.wait(LONG, "the end", |screen| {
        screen.contains("‖ step ") && !screen.contains("paused")
    });
    terminal.press("\x1b");
    wait_for(&terminal, &["● ready"]);
    quit(terminal);
    let sessions = home.data("sessions");
    let below = |folder: &std::path::Path| -> Vec<std::path::PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    };
    let years = below(&sessions).into_iter();
    let folders = years
        .flat_map(|year| below(&year))
        .filter(|path| path.is_dir());
    let traces: Vec<_> = folders.flat_map(|folder| below(&folder)).collect();
    assert_eq!(traces.len(), 1, "{traces:?}");
    let trace = traces[0].display().to_string();
    let plain = home.run(&["replay", "--plain", &trace], "");
    assert!(plain.stdout.contains("edit · "), "{plain:?}");
    let said = home.run(&["replay", "--verify", "-q", &trace], "");
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
}

/// Alters the events of a trace.
fn alter(trace: &str, change: impl FnOnce(&mut Vec<Value>)) {
    let text = fs::read_to_string(trace).expect("it is there");
    let events = text.lines().map(serde_json::from_str);
    let mut events: Vec<Value> = events
        .collect::<Result<_, _>>()
        .expect("every line is JSON");
    change(&mut events);
    let lines: Vec<String> = events.iter().map(|event| format!("{event}\n")).collect();
    fs::write(trace, lines.concat()).expect("it is ours");
}

/// What `replay --verify --format json` says.
fn verified(home: &Home, trace: &str) -> Value {
    let said = home.run(&["replay", "--verify", "-q", "--format", "json", trace], "");
    serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

#[test]
fn one_altered_token_is_named_by_its_step() {
    let home = Home::default();
    let trace = recorded(&home, &[]);
    alter(&trace, |events| {
        assert_eq!(events[3]["step"], 3);
        events[3]["commits"][0]["token"] = 40.into();
    });
    for flags in [&[][..], &["--free"]] {
        let arguments = [&["replay", "--verify", "-q", &trace], flags].concat();
        let said = home.run(&arguments, "");
        assert_eq!(said.code, Some(1), "{}{}", said.stdout, said.stderr);
        assert!(
            said.stdout.contains("first difference: step 3, "),
            "{flags:?}: {}",
            said.stdout
        );
    }
}

#[test]
fn a_run_of_another_model_is_refused_with_both_names() {
    let home = Home::default();
    let trace = recorded(&home, &[]);
    alter(&trace, |events| {
        events[0]["model"]["identity"] = "sha256:0".into();
        events[0]["model"]["name"] = "another".into();
    });
    let said = home.run(&["replay", "--verify", "-q", &trace], "");
    refused(&said, 3, &["another", "sha256:0", "demo"]);
    // Who names a model means it.
    let named = ["replay", "--verify", "-q", "-m", "demo", &trace];
    let said = home.run(&named, "");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.stderr
            .contains("another (sha256:0), and demo is loaded"),
        "{said:?}"
    );
    alter(&trace, |events| {
        events[0]["tokenizer"]["sha256"] = "0".into();
    });
    refused(&home.run(&named, ""), 3, &["another tokenizer"]);
}

#[test]
fn a_run_is_made_again_by_its_own_model_whichever_the_configuration_begins_with() {
    let home = Home::default();
    let trace = recorded(&home, &[]);
    let file = home.path().join("config/unmask/model_config.toml");
    fs::create_dir_all(file.parent().expect("it lies in a folder")).expect("it can be made");
    let entry = |key: &str, model: &str| {
        format!("[available_models.{key}]\nframework = \"candle\"\nmodel_id = \"{model}\"\n")
    };
    let config = "active_model_key = \"gone\"\n".to_owned()
        + &entry("gone", "/no/such/folder")
        + &entry("demo", "builtin:demo");
    fs::write(file, config).expect("it can be written");
    let said = home.run(&["replay", "--verify", "-q", &trace], "");
    assert_eq!(said.code, Some(0), "{said:?}");
    let other = home.run(&["replay", "--verify", "-q", "-m", "gone", &trace], "");
    refused(&other, 3, &["/no/such/folder"]);
}

#[test]
fn what_was_made_again_is_told_step_by_step_as_json() {
    let home = Home::default();
    let trace = recorded(&home, &[]);
    let same = verified(&home, &trace);
    let steps = same["steps"].as_array().expect("steps are told");
    assert_eq!(same["verdict"], "same", "{same}");
    assert_eq!(same["steps_same"], steps.len(), "{same}");
    assert_eq!(
        (&same["now"]["model"], &same["now"]["backend"]),
        (&same["recorded"]["model"], &same["recorded"]["backend"])
    );
    for (at, step) in (1..).zip(steps) {
        assert_eq!(
            (&step["step"], &step["same"]),
            (&json!(at), &json!(true)),
            "{step}"
        );
    }
    // Two steps that change places fix the same tokens.
    alter(&trace, |events| {
        let third = events[3]["commits"].take();
        events[3]["commits"] = events[4]["commits"].take();
        events[4]["commits"] = third;
    });
    let order = verified(&home, &trace);
    assert_eq!(order["verdict"], "order", "{order}");
    let third = &order["steps"][2];
    assert_eq!(third["same"], false, "{third}");
    let trace = recorded(&home, &[]);
    alter(&trace, |events| {
        events[3]["commits"][0]["token"] = 40.into();
    });
    let tokens = verified(&home, &trace);
    assert_eq!(tokens["verdict"], "tokens", "{tokens}");
    assert_eq!(tokens["steps"][2]["recorded"][0]["token"], 40, "{tokens}");
}

#[test]
fn random_numbers_of_another_kind_are_refused() {
    let home = Home::default();
    let trace = recorded(&home, &[]);
    alter(&trace, |events| events[0]["params"]["noise"] = 2.into());
    let said = home.run(&["replay", "--verify", "-q", &trace], "");
    refused(&said, 2, &["random numbers"]);
}

#[test]
fn a_recorded_run_is_told_line_by_line_and_shown_on_the_screen() {
    let home = Home::default();
    let trace = recorded(&home, &[]);
    let said = home.run(&["replay", "--plain", &trace], "");
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(
        said.stdout.starts_with("step 1/64 · block 1/2 · "),
        "{}",
        said.stdout
    );
    let mut terminal = home.start(&["replay", &trace], &[], (100, 30));
    wait_for(&terminal, &["Replay · turn 1", "committed at step"]);
    terminal.press("\x1b[H");
    wait_for(&terminal, &["‖ step 0/", "not decided yet"]);
    terminal.press("\x1b");
    wait_for(&terminal, &[QUESTION, "○ no model"]);
    // To the composer, where ^D leaves.
    terminal.press("\t");
    quit(terminal);
    refused(
        &home.run(&["replay", "/no/such"], ""),
        2,
        &["there is no /no/such"],
    );
}

#[test]
fn an_answer_is_replayed_after_a_restart() {
    let home = Home::default();
    let mut terminal = home.start(&[], &[], (100, 30));
    wait_for(&terminal, &["● ready"]);
    ask(&mut terminal, QUESTION);
    wait_answer(&terminal);
    quit(terminal);
    let mut terminal = home.start(&["--resume", "last"], &[], (100, 30));
    wait_for(&terminal, &["● ready", QUESTION]);
    terminal.press("/replay\r");
    wait_for(&terminal, &["Replay · turn 1", "committed at step"]);
    terminal.press("\x1b[D");
    terminal.wait(LONG, "an earlier step", |screen| {
        ["░░░", "▒▒▒", "▓▓▓"].iter().any(|it| screen.contains(it))
    });
}
