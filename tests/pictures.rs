//! Recorded runs as pictures and films, by the program: what is written is what its format says, and what others show of it is
//! what stands there. Without asciinema the test that needs it says so and passes, unless `UNMASK_REQUIRE_ASCIINEMA` is set.

use std::fs;
use std::num::NonZeroU16;
use std::process::Command;

use serde_json::Value;
use unmask_tests::chat::QUESTION;
use unmask_tests::program::{Home, refused};
use unmask_tests::tool_required_by;

/// A run of the demo model of 64 tokens, one a step.
fn recorded(home: &Home) {
    let said = home.run(
        &[
            "generate",
            "-q",
            "--trace",
            "run.jsonl",
            "--len",
            "64",
            "--steps",
            "64",
            QUESTION,
        ],
        "",
    );
    assert_eq!(said.code, Some(0), "{said:?}");
}

/// Exports it into a file of this name.
fn export(home: &Home, name: &str, more: &[&str]) -> Vec<u8> {
    let arguments = ["export", "trace", "run.jsonl", "--out", name];
    let said = home.run(&[&arguments[..], more].concat(), "");
    assert_eq!(said.code, Some(0), "{said:?}");
    fs::read(home.path().join(name)).expect("it is written")
}

#[test]
fn a_run_becomes_every_picture_and_film_within_its_size() {
    let home = Home::default();
    recorded(&home);
    let film = export(&home, "film.svg", &["--to", "svg", "--step", "all"]);
    assert!(film.len() <= 100_000, "{} bytes", film.len());
    let still = export(&home, "still.svg", &["--to", "svg"]);
    assert!(still.starts_with(b"<svg ") && still.len() < film.len());
    let png = export(&home, "a.png", &["--to", "png", "--step", "9"]);
    assert!(png.starts_with(b"\x89PNG"));
    let apng = export(&home, "a.apng", &["--to", "apng", "--scale", "1"]);
    assert!(apng.starts_with(b"\x89PNG") && apng.windows(4).any(|it| it == b"acTL"));
    let gif = export(&home, "a.gif", &["--to", "gif", "--size", "80x24"]);
    assert!(gif.starts_with(b"GIF89a"));
    assert!(gif.len() <= 2_000_000, "{} bytes", gif.len());
    let figure = [
        "--to", "png", "--colour", "order", "--chrome", "bare", "--theme", "light",
    ];
    let by_order = export(&home, "order.png", &figure);
    let plain = [
        "--to", "png", "--colour", "none", "--chrome", "bare", "--theme", "light",
    ];
    assert_ne!(by_order, export(&home, "plain.png", &plain));
    let card = export(&home, "card.svg", &["--to", "svg", "--chrome", "card"]);
    let card = String::from_utf8(card).expect("it is text");
    assert!(
        card.contains("The capital of France is Paris.") && card.contains("seed "),
        "{card}"
    );
    let hidden = export(&home, "hidden.svg", &["--to", "svg", "--prompt", "hide"]);
    assert!(!String::from_utf8_lossy(&hidden).contains("What is the"));
}

#[test]
fn what_cannot_be_drawn_is_refused_with_what_can() {
    let home = Home::default();
    recorded(&home);
    let refuse = |more: &[&str], words: &[&str]| {
        let said = home.run(
            &[&["export", "trace", "run.jsonl", "--out", "x"], more].concat(),
            "",
        );
        refused(&said, 2, words);
        assert!(!home.path().join("x").exists());
    };
    refuse(&["--to", "png", "--step", "all"], &["stands still", "apng"]);
    refuse(&["--to", "gif", "--step", "3"], &["moves", "png"]);
    refuse(&["--to", "cast", "--step", "last"], &["every step", "svg"]);
    refuse(&["--to", "png", "--step", "99"], &["steps, not 99"]);
    refuse(
        &["--to", "png", "--theme", "drak"],
        &["did you mean `dark`"],
    );
    refuse(&["--to", "png", "--scale", "500"], &["too many", "--scale"]);
    let said = home.run(
        &["export", "trace", "run.jsonl", "--to", "png", "--size", "8"],
        "",
    );
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("80x24"), "{said:?}");
}

/// What a terminal shows after each output of a recording.
fn screens(cast: &str) -> Vec<String> {
    let mut lines = cast.lines();
    let header: Value = serde_json::from_str(lines.next().expect("it has a header")).expect("JSON");
    let cells = |name: &str| {
        let number = header[name].as_u64().and_then(|it| u16::try_from(it).ok());
        number.and_then(NonZeroU16::new).expect("a size")
    };
    let mut parser = vt100::Parser::new(cells("height"), cells("width"), 0);
    let mut screens = Vec::new();
    for line in lines {
        let event: Value = serde_json::from_str(line).expect("each line is JSON");
        if event[1] == "o" {
            parser.process(event[2].as_str().expect("output is text").as_bytes());
            screens.push(parser.screen().contents());
        }
    }
    screens
}

#[test]
fn a_recording_shows_every_step_in_a_terminal() {
    let home = Home::default();
    recorded(&home);
    let cast = String::from_utf8(export(&home, "a.cast", &["--to", "cast"])).expect("it is text");
    let screens = screens(&cast);
    assert!(
        screens.first().is_some_and(|it| it.contains("step 0/")),
        "{screens:?}"
    );
    for (step, screen) in screens.iter().enumerate() {
        assert!(
            screen.contains(&format!("step {step}/")),
            "{step}: {screen}"
        );
    }
    let last = screens.last().expect("there are steps");
    assert!(last.contains("The capital of France is Paris."), "{last}");
    assert!(
        cast.contains("\"m\",\"block 2/2\"") || !cast.contains("block 2"),
        "{cast}"
    );
}

#[test]
fn asciinema_plays_a_recording() {
    let Some(asciinema) = tool_required_by("UNMASK_REQUIRE_ASCIINEMA", &["asciinema"]) else {
        return;
    };
    let home = Home::default();
    recorded(&home);
    let cast = String::from_utf8(export(&home, "a.cast", &["--to", "cast"])).expect("it is text");
    let output: String = cast
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .filter(|event| event[1] == "o")
        .map(|event| event[2].as_str().unwrap_or_default().to_owned())
        .collect();
    let said = Command::new(&asciinema)
        .args(["cat", "a.cast"])
        .current_dir(home.path())
        .output()
        .expect("it runs");
    assert!(said.status.success(), "{said:?}");
    assert_eq!(String::from_utf8_lossy(&said.stdout), output);
    let mut terminal = home.start_program(
        &asciinema,
        &[
            "play",
            "-s",
            "100",
            &home.path().join("a.cast").display().to_string(),
        ],
        &[],
        (100, 30),
    );
    assert!(terminal.wait_end(unmask_tests::chat::LONG).success());
}

#[test]
fn two_runs_are_compared_by_their_files() {
    let home = Home::default();
    recorded(&home);
    let faster = [
        "generate",
        "-q",
        "--trace",
        "fast.jsonl",
        "--len",
        "64",
        "--threshold",
        "0.9",
        QUESTION,
    ];
    assert_eq!(home.run(&faster, "").code, Some(0));
    let said = home.run(&["compare", "run.jsonl", "fast.jsonl"], "");
    assert_eq!(said.code, Some(0), "{said:?}");
    for word in [
        "threshold",
        "forwards",
        "agreement: 100.0 %",
        "the texts are the same",
    ] {
        assert!(said.stdout.contains(word), "{word}: {}", said.stdout);
    }
    let halfway = home.run(&["replay", "--plain", "--step", "9", "run.jsonl"], "");
    let exported = [
        "export",
        "trace",
        "--to",
        "text",
        "--step",
        "9",
        "run.jsonl",
    ];
    assert_eq!(halfway.stdout, home.run(&exported, "").stdout);
    assert!(halfway.stdout.contains('▒'), "{halfway:?}");
    let beyond = home.run(&["replay", "--plain", "--step", "999", "run.jsonl"], "");
    refused(&beyond, 2, &["steps, not 999"]);
    let odd = home.run(&["replay", "--speed", "3", "run.jsonl"], "");
    assert_eq!(odd.code, Some(2), "{odd:?}");
    assert!(odd.stderr.contains("0.25, 0.5, 1, 2, 4 or 8"), "{odd:?}");
    let unseen = home.run(&["replay", "--speed", "2", "run.jsonl"], "");
    refused(&unseen, 2, &["--speed", "screen"]);
    let said = home.run(
        &["compare", "run.jsonl", "run.jsonl", "--format", "json"],
        "",
    );
    let compared: Value = serde_json::from_str(&said.stdout).expect("it is JSON");
    assert_eq!(compared["agreement_by_position"], 1.0);
    assert_eq!(compared["parts_at_step"], Value::Null);
    let mut early = home.start(&["replay", "run.jsonl", "--step", "9"], &[], (80, 24));
    unmask_tests::chat::wait_for(&early, &["‖ step 9/"]);
    early.press("\x1b");
    let mut terminal = home.start(&["replay", "run.jsonl", "fast.jsonl"], &[], (120, 40));
    let words = ["Compare · same prompt", "no difference", "threshold 0.9"];
    unmask_tests::chat::wait_for(&terminal, &words);
    terminal.press("\x1b[H");
    unmask_tests::chat::wait_for(&terminal, &["A 0/", "B 0/", "same so far: 0 of 0"]);
    refused(
        &home.run(&["compare", "run.jsonl", "gone"], ""),
        2,
        &["gone"],
    );
}
