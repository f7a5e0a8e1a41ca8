//! What is refused or changed before anything is computed.

use std::fs;

use unmask_tests::chat::QUESTION;
use unmask_tests::program::{Home, refused};

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
fn what_flags_ask_of_every_model_is_refused_where_none_has_it() {
    let home = Home::default();
    let models = |flags: &[&str]| home.run(&[&["models"], flags].concat(), "");
    refused(
        &models(&["--precision", "nonsense"]),
        2,
        &["demo: ", "nonsense", "int8"],
    );
    refused(&models(&["--device", "cuda:7"]), 2, &["demo: ", "cuda:7"]);
    refused(&models(&["--backend", "candel"]), 2, &["demo: ", "candel"]);
    let said = models(&["--precision", "int8"]);
    assert!(
        said.code == Some(0) && said.stdout.contains("int8"),
        "{said:?}"
    );
}

#[test]
fn instructions_that_nobody_knows_are_told_by_doctor_and_before_an_answer() {
    let home = Home::default();
    for (arguments, code) in [(&["doctor"][..], 3), (&["generate", "x"], 3)] {
        let said = home.run_with(arguments, "", &[("UNMASK_KERNELS", "nonsense")]);
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(
            said.stderr.contains("UNMASK_KERNELS is `nonsense`"),
            "{said:?}"
        );
    }
}
