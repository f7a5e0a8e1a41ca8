//! What is asked of the program beyond reason: refused in a sentence, soon, and within little memory.

use std::fs;
use std::time::{Duration, Instant};

#[cfg(unix)]
use unmask_tests::program::Said;
use unmask_tests::program::{Home, refused};

#[test]
fn more_threads_than_sixteen_a_core_are_refused() {
    let home = Home::default();
    let config = "active_model_key = \"d\"\n[available_models.d]\nmodel_id = \"builtin:demo\"\nframework = \"candle\"\n\
                  threads = 1000000\n";
    fs::write(home.path().join("c.toml"), config).expect("it can be written");
    for (arguments, variables) in [
        (&["--threads", "1000000"][..], &[][..]),
        (&["--threads", "4294967295"], &[]),
        (&[], &[("UNMASK_THREADS", "1000000")]),
        (&["--config", "c.toml"], &[]),
    ] {
        let arguments = [&["generate", "Hello"], arguments].concat();
        let said = home.run_with(&arguments, "", variables);
        refused(&said, 2, &["threads are too many for", "write 1 to "]);
    }
}

/// What is said of a prompt, and within which time.
#[track_caller]
fn too_long(prompt: &str, words: &[&str]) {
    let home = Home::default();
    let began = Instant::now();
    let said = home.run(&["generate"], prompt);
    refused(&said, 2, words);
    assert!(began.elapsed() < Duration::from_secs(120), "{said:?}");
}

#[test]
fn a_prompt_that_no_context_holds_is_refused_before_it_is_made_tokens() {
    too_long(
        &"word ".repeat(200_000),
        &["of 1000000 bytes has at least", "the limit is"],
    );
    too_long(&"x".repeat((16 << 20) + 1), &["longer than 16 MiB"]);
}

#[test]
fn a_line_of_a_chat_and_a_question_are_bounded_as_prompts_are() {
    let home = Home::default();
    let long = "x".repeat((16 << 20) + 1);
    let chat = home.run(&["chat", "--plain"], &long);
    assert_eq!(chat.code, Some(1), "{chat:?}");
    assert!(
        chat.stderr.contains("longer than 16 MiB"),
        "{}",
        chat.stderr
    );
    fs::write(home.path().join("q.jsonl"), long).expect("it can be written");
    refused(
        &home.run(&["eval", "q.jsonl"], ""),
        2,
        &["q.jsonl", "longer than 16 MiB"],
    );
}

#[test]
fn arguments_are_echoed_without_what_steers_a_terminal() {
    let home = Home::default();
    for arguments in [
        &["--x\x1b]0;title\x07"][..],
        &["generate", "--steps", "\x1b[2J"],
        &["\x1b[31mgenerate"],
        &["generate", "Hello", "-m", "\x1b[2J"],
        &["sessions", "show", "\x1b[2J"],
        &["cache", "rm", "\x1b[2J"],
        &["backends", "approve", "\x1b[2J"],
        &["eval", "\x1b[2J"],
        &["export", "\x1b[2J", "out"],
        &["generate", "Hello", "--config", "\x1b[2J"],
        &["generate", "Hello", "--pin", "0:\x1b[2J,x"],
    ] {
        let said = home.run(arguments, "");
        assert!(!said.stderr.is_empty(), "{said:?}");
        let is_clean = |text: &str| !text.contains(['\x1b', '\x07']);
        assert!(is_clean(&said.stderr) && is_clean(&said.stdout), "{said:?}");
        assert_ne!(said.code, Some(0), "{said:?}");
    }
}

#[test]
#[cfg(all(unix, not(target_vendor = "apple")))]
fn a_library_that_was_cut_short_is_a_row() {
    let home = Home::default();
    let whole = fs::read(unmask_tests::plugin("example-toy")).expect("it is there");
    let cut = home.path().join("libunmask_backend_cut.so");
    for part in [3, 10, 50, 90] {
        fs::write(&cut, &whole[..whole.len() * part / 100]).expect("it can be written");
        let path = cut.to_str().expect("plain names");
        let said = home.run(&["backends", "--plugin", path], "");
        assert_eq!(said.code, Some(0), "{part} %: {said:?}");
        let told = said.stdout.contains("cut short") || said.stdout.contains("toy");
        assert!(told, "{part} %: {said:?}");
    }
}

/// Runs the program with so many files that it may open.
#[cfg(unix)]
fn with_files(home: &Home, files: usize, arguments: &str) -> Said {
    home.run_limited(&format!("ulimit -n {files}"), arguments)
}

#[test]
#[cfg(unix)]
fn without_files_to_open_there_is_a_sentence() {
    let home = Home::default();
    for files in 4..24 {
        for arguments in [
            "generate Hello --len 16 --steps 2",
            "generate Hello --len 16 --steps 2 --isolate",
            "models",
            "backends",
            "doctor",
        ] {
            let said = with_files(&home, files, arguments);
            let what = format!("{files} files, {arguments}: {said:?}");
            assert!(said.code.is_some(), "{what}");
            assert!(!said.stderr.contains("panicked"), "{what}");
            let is_told = said.code == Some(0) || !said.stderr.is_empty();
            assert!(is_told, "{what}");
        }
    }
}

#[test]
fn twenty_thousand_models_are_listed_soon() {
    let home = Home::default();
    let mut config = "active_model_key = \"m0\"\n".to_owned();
    for index in 0..20_000 {
        let id = match index % 2 {
            0 => "builtin:demo".to_owned(),
            _ => format!("some/model-{index}"),
        };
        config.push_str(&format!(
            "[available_models.m{index}]\nmodel_id = \"{id}\"\nframework = \"candle\"\n"
        ));
    }
    fs::write(home.path().join("c.toml"), config).expect("it can be written");
    let began = Instant::now();
    let said = home.run(&["models", "--config", "c.toml"], "");
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.lines().count() > 20_000);
    // Unoptimised code on a busy machine takes several times what it takes otherwise; what grew with the square of the
    // models took minutes.
    assert!(
        began.elapsed() < Duration::from_secs(120),
        "{:?}",
        began.elapsed()
    );
}
