//! What the program says of itself to shells, the manual, editors, and whoever reads an issue.

use std::fs;

use serde_json::Value;
use unmask_tests::program::Home;

#[test]
fn every_shell_learns_every_command() {
    let home = Home::default();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let said = home.run(&["completions", shell], "");
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{shell}");
        for command in ["generate", "pull", "doctor"] {
            assert!(said.stdout.contains(command), "{shell}: {command}");
        }
    }
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let home = Home::default();
    let folder = home.path().join("manual");
    let said = home.run(&["man", folder.to_str().expect("a plain name")], "");
    assert_eq!(said.code, Some(0), "{said:?}");
    for page in ["unmask.1", "unmask-pull.1", "unmask-backends-install.1"] {
        let text = fs::read_to_string(folder.join(page)).expect(page);
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
}

#[test]
fn the_schema_of_a_file_is_json_and_names_its_keys() {
    let home = Home::default();
    for (file, key) in [("models", "available_models"), ("screen", "ui")] {
        let said = home.run(&["config", "schema", file], "");
        let schema: Value = serde_json::from_str(&said.stdout).expect("it is JSON");
        assert!(schema["properties"][key].is_object(), "{file}");
    }
}

#[test]
fn a_report_is_for_others_to_read_and_tells_of_failures_too() {
    let home = Home::default();
    let here = home.path().to_str().expect("a plain name").to_owned();
    let missing = format!("{here}/nowhere");
    let variables = [
        ("HOME", here.as_str()),
        ("HF_TOKEN", "hf_secret"),
        ("UNMASK_STEPS", "4"),
    ];
    let said = home.run_with(&["doctor", "--report", "-m", &missing], "", &variables);
    assert_eq!(said.code, Some(1), "{said:?}");
    let text = &said.stdout;
    assert!(
        text.starts_with("```text\n") && text.ends_with("```\n"),
        "{text}"
    );
    for words in ["HF_TOKEN is set", "UNMASK_STEPS=4", "candle", "~/nowhere"] {
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
    assert!(
        !text.contains("hf_secret") && !text.contains(&here),
        "{text}"
    );
}
