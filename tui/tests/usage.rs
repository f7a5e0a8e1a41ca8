//! What the program says before any backend is opened: usage, help, configuration.

use std::path::Path;
use std::process::{Command, Stdio};

/// What a run said, and its exit code.
struct Said {
    stdout: String,
    stderr: String,
    code: Option<i32>,
}

/// Runs the program in a home of its own, without a terminal.
fn run_in(home: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_unmask"))
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        // What Windows asks in its place.
        .env("USERPROFILE", home)
        .env("APPDATA", home.join(".config"))
        .env("LOCALAPPDATA", home.join(".cache"))
        .envs(environment.iter().copied())
        .current_dir(home)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("it speaks UTF-8");
    Said {
        stdout: text(output.stdout),
        stderr: text(output.stderr),
        code: output.status.code(),
    }
}

fn run(arguments: &[&str]) -> Said {
    let home = tempfile::tempdir().expect("a folder can be made");
    run_in(home.path(), arguments, &[])
}

#[track_caller]
fn refused(said: &Said, words: &[&str]) {
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    assert_eq!(said.stdout, "");
    for word in words {
        assert!(
            said.stderr.contains(word),
            "{word:?} is not in {:?}",
            said.stderr
        );
    }
}

#[test]
fn the_screen_needs_a_terminal() {
    refused(&run(&[]), &["not a terminal", "unmask generate"]);
}

#[test]
fn a_prompt_is_needed() {
    refused(&run(&["generate"]), &["no prompt"]);
    refused(&run(&["generate", " "]), &["no prompt"]);
}

#[test]
fn unknown_words_are_met_with_the_nearest() {
    refused(&run(&["generat"]), &["generat", "generate"]);
    refused(&run(&["generate", "--stpes", "3", "hi"]), &["--steps"]);
    refused(
        &run(&["generate", "--remasking", "lowest", "hi"]),
        &["low_confidence", "random"],
    );
}

#[test]
fn settings_out_of_range_are_refused() {
    refused(&run(&["generate", "--temp=-1", "hi"]), &["temp"]);
    refused(
        &run(&["generate", "--threshold", "2", "hi"]),
        &["threshold", "0 to 1"],
    );
    refused(
        &run(&["generate", "--threshold", "0.9", "--factor", "1", "hi"]),
        &["--threshold", "--factor"],
    );
    refused(
        &run(&["generate", "--len", "0", "hi"]),
        &["--len", "1 or more"],
    );
}

#[test]
fn denoising_flags_belong_to_the_commands_that_denoise() {
    refused(&run(&["models", "--steps", "3"]), &["--steps"]);
    refused(
        &run(&["--steps", "3", "generate", "hi"]),
        &["unmask generate --steps"],
    );
    assert!(!run(&["backends", "--help"]).stdout.contains("--steps"));
    assert!(run(&["generate", "--help"]).stdout.contains("--steps"));
}

#[test]
fn a_pin_without_a_word_is_shown_with_a_caret() {
    refused(&run(&["generate", "--pin", "5:", "hi"]), &["--pin", "^"]);
}

#[test]
fn files_that_cannot_be_used_are_named() {
    refused(
        &run(&["generate", "--trace", "nowhere/trace.jsonl", "hi"]),
        &["cannot write nowhere/trace.jsonl"],
    );
    refused(&run(&["eval", "nowhere.jsonl"]), &["nowhere.jsonl"]);
    refused(
        &run(&["--config", "nowhere.toml", "models"]),
        &["nowhere.toml"],
    );
}

#[test]
fn a_broken_configuration_is_named_with_its_line() {
    let home = tempfile::tempdir().expect("a folder can be made");
    let write = |text: &str| {
        std::fs::write(home.path().join("model_config.toml"), text).expect("it can be written");
    };
    write("active_model_key = \"a\"\n[available_models.a]\nframwork = \"candle\"\n");
    refused(
        &run_in(home.path(), &["models"], &[]),
        &["model_config.toml:3", "framwork", "framework"],
    );
    write("active_model_key = \n");
    refused(
        &run_in(home.path(), &["models"], &[]),
        &["model_config.toml:1"],
    );
}

#[test]
fn every_setting_is_shown_with_its_origin() {
    let home = tempfile::tempdir().expect("a folder can be made");
    let said = run_in(
        home.path(),
        &["generate", "--show-config", "--len", "96"],
        &[("UNMASK_STEPS", "24")],
    );
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    let line = |key: &str| {
        let found = said.stdout.lines().find(|line| line.contains(key));
        found.unwrap_or_else(|| panic!("no {key} in {}", said.stdout))
    };
    assert!(line("generation.length").contains("96"));
    assert!(line("generation.steps").contains("UNMASK_STEPS"));
    assert!(line("active_model_key").contains("built-in"));
}

#[test]
fn a_variable_that_makes_no_sense_is_named() {
    let home = tempfile::tempdir().expect("a folder can be made");
    let said = run_in(home.path(), &["models"], &[("UNMASK_STEPS", "many")]);
    refused(&said, &["UNMASK_STEPS", "many"]);
}

#[test]
fn help_names_every_command_and_variable() {
    let help = run(&["--help"]);
    assert_eq!(help.code, Some(0));
    for word in [
        "generate",
        "chat",
        "eval",
        "models",
        "backends",
        "doctor",
        "UNMASK_MODEL",
    ] {
        assert!(help.stdout.contains(word), "{word} is not in the help");
    }
    assert!(run(&["--version"]).stdout.starts_with("unmask "));
}

#[test]
fn models_are_listed_without_a_backend() {
    let said = run(&["models"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.contains("builtin:demo"), "{}", said.stdout);
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_ends_quietly() {
    let (read, write) = std::io::pipe().expect("the system has pipes");
    drop(read);
    let home = tempfile::tempdir().expect("a folder can be made");
    let output = Command::new(env!("CARGO_BIN_EXE_unmask"))
        .args(["models"])
        .env("HOME", home.path())
        .current_dir(home.path())
        .stdin(Stdio::null())
        .stdout(write)
        .stderr(Stdio::piped())
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stderr, b"");
}

#[test]
fn config_path_names_both_files_and_the_log() {
    let home = tempfile::tempdir().expect("a folder can be made");
    let said = run_in(home.path(), &["config", "path"], &[]);
    let file = |name: &str| home.path().join(".config").join("unmask").join(name);
    for name in ["model_config.toml", "config.toml"] {
        let path = file(name);
        let path = path.to_str().expect("a plain name");
        assert!(said.stdout.contains(path), "{}", said.stdout);
    }
    assert!(said.stdout.contains("unmask.log"), "{}", said.stdout);
    assert_eq!(
        (said.stdout.matches("(not there)").count(), said.code),
        (5, Some(0))
    );
}

#[test]
fn config_init_writes_files_that_config_check_finds_fine_and_never_writes_over_one() {
    let home = tempfile::tempdir().expect("a folder can be made");
    assert_eq!(run_in(home.path(), &["config", "init"], &[]).code, Some(0));
    let said = run_in(home.path(), &["config", "check"], &[]);
    assert_eq!((said.stderr.as_str(), said.code), ("", Some(0)));
    assert_eq!(
        said.stdout.matches(": fine\n").count(),
        2,
        "{}",
        said.stdout
    );
    for name in ["config", "model_config"] {
        let read = |ending: &str| {
            let path = home.path().join(format!(".config/unmask/{name}.{ending}"));
            std::fs::read_to_string(path).expect("it was written")
        };
        let first = format!("#:schema ./{name}.schema.json\n");
        assert!(read("toml").starts_with(&first), "{name}");
        assert!(read("schema.json").contains("\"$schema\""), "{name}");
    }
    let file = home.path().join(".config/unmask/config.toml");
    std::fs::write(&file, "[ui]\ntheme = \"dark\"\n").expect("it can be written");
    let again = run_in(home.path(), &["config", "init"], &[]);
    refused(
        &again,
        &["config.toml is there already", "nothing to write"],
    );
    let kept = std::fs::read_to_string(&file).expect("it is there");
    assert_eq!(kept, "[ui]\ntheme = \"dark\"\n");
}

#[test]
fn config_check_tells_of_every_mistake_with_its_line() {
    let home = tempfile::tempdir().expect("a folder can be made");
    let folder = home.path().join(".config/unmask");
    std::fs::create_dir_all(folder.join("themes")).expect("a folder can be made");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).expect("it can be written");
    };
    write(
        "config.toml",
        "[ui]\nthme = \"dark\"\n[keys.anywhere]\nhelp = \"ctrl+x\"\n",
    );
    write("themes/mine.toml", "[roles]\nmask = \"grey\"\n");
    write("model_config.toml", "activ_model = \"x\"\n");
    let said = run_in(home.path(), &["config", "check"], &[]);
    refused(
        &said,
        &[
            "config.toml:2: no key `thme`; did you mean `theme`?",
            "config.toml:4: ^X in [keys.anywhere] would be both `help` and `menu`",
            "themes/mine.toml:2: `grey` is no colour",
            "activ_model",
        ],
    );
}
