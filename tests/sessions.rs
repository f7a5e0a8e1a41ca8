//! Conversations and prompts on disk: the whole program in a pseudo-terminal, killed, resumed, run twice.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use unmask_tests::chat::{ANSWER, LONG, QUESTION, ask, quit, wait_answer, wait_for};
use unmask_tests::program::{Home, refused};
use unmask_tests::terminal::Terminal;

/// Steps enough for a key to arrive before the last of them.
const SLOW: [&str; 6] = ["--len", "192", "--block", "192", "--steps", "192"];

fn open(home: &Home, arguments: &[&str]) -> Terminal {
    let terminal = home.start(arguments, &[], (100, 30));
    wait_for(&terminal, &["● ready"]);
    terminal
}

/// Every file below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let below = paths.flat_map(|path| match path.is_dir() {
        true => files(&path),
        false => vec![path],
    });
    below.collect()
}

fn sessions(home: &Home) -> Vec<PathBuf> {
    let mut found = files(&home.data("sessions"));
    found.retain(|path| path.extension().is_some_and(|it| it == "jsonl"));
    found
}

fn history(home: &Home) -> PathBuf {
    home.state("history.jsonl")
}

#[test]
fn a_conversation_killed_in_the_middle_of_a_turn_comes_back_with_all_that_was_finished() {
    let home = Home::default();
    let mut terminal = open(&home, &SLOW);
    ask(&mut terminal, QUESTION);
    wait_answer(&terminal);
    ask(&mut terminal, "And of Italy?");
    // Far enough for the answer to have begun.
    wait_for(&terminal, &["◐ step 2"]);
    let id = terminal.process_id().to_string();
    let killed = Command::new("kill").args(["-KILL", &id]).status();
    assert!(killed.expect("kill is there").success());
    assert!(!terminal.wait_end(LONG).success());

    let mut terminal = open(&home, &["--resume", "last"]);
    terminal.wait(LONG, "the conversation", |screen| {
        let note = "the program ended while this answer was written";
        [QUESTION, ANSWER, "And of Italy?", note]
            .iter()
            .all(|text| screen.contains(text))
    });
    // What it had come to is an answer now, with its steps.
    let running = |path: &PathBuf| path.ends_with("running.trace.jsonl");
    let below = || files(&home.data("sessions"));
    assert!(!below().iter().any(running), "{:?}", below());
    terminal.press("/replay\r");
    wait_for(&terminal, &["Replay · turn 2", "‖ step "]);
    terminal.press("\x1b");
    wait_for(&terminal, &["● ready"]);
    terminal.press("\t");
    ask(&mut terminal, "Hello");
    terminal.wait(LONG, "an answer in the same file", |screen| {
        screen.contains("Hello!") && screen.contains("● ready")
    });
    let resume = quit(terminal);
    let files = sessions(&home);
    let name = files[0].file_stem().and_then(|name| name.to_str());
    assert_eq!(files.len(), 1);
    assert_eq!(
        resume,
        format!("Resume: unmask --resume {}", name.unwrap_or_default())
    );
}

#[test]
fn files_and_folders_are_the_users_alone() {
    let home = Home::default();
    let mut terminal = open(&home, &[]);
    ask(&mut terminal, QUESTION);
    wait_answer(&terminal);
    quit(terminal);
    let mode = |path: &Path| {
        let data = fs::metadata(path).expect("it is there");
        data.permissions().mode() & 0o777
    };
    let file = &sessions(&home)[0];
    let year = file.parent().expect("it has a folder");
    let folder = year.parent().expect("it has a folder");
    assert_eq!([file, &history(&home)].map(|path| mode(path)), [0o600; 2]);
    assert_eq!([year, folder].map(mode), [0o700; 2]);
}

#[test]
fn a_private_conversation_leaves_nothing_behind() {
    let home = Home::default();
    let mut terminal = open(&home, &["--private"]);
    assert!(terminal.screen().contents().contains("unmask  private"));
    ask(&mut terminal, QUESTION);
    wait_answer(&terminal);
    let last = quit(terminal);
    assert!(!last.contains("Resume"), "{last}");
    assert_eq!(sessions(&home), [] as [&Path; 0]);
    assert!(!history(&home).exists());
}

#[test]
fn an_empty_conversation_leaves_nothing_behind() {
    let home = Home::default();
    let last = quit(open(&home, &[]));
    assert!(!last.contains("Resume"), "{last}");
    assert_eq!(sessions(&home), [] as [&Path; 0]);
}

#[test]
fn a_second_program_reads_the_conversation_and_goes_on_in_a_copy() {
    let home = Home::default();
    let mut first = open(&home, &[]);
    ask(&mut first, QUESTION);
    wait_answer(&first);
    let mut second = open(&home, &["--resume", "last"]);
    second.wait(LONG, "what was said, to read", |screen| {
        screen.contains(ANSWER) && screen.contains("read-only")
    });
    ask(&mut second, "Hello");
    second.wait(LONG, "an answer in a copy", |screen| {
        screen.contains("Hello!") && !screen.contains("read-only")
    });
    quit(second);
    quit(first);
    assert_eq!(sessions(&home).len(), 2);
}

#[test]
fn prompts_survive_a_restart_and_are_found() {
    let home = Home::default();
    let mut terminal = open(&home, &[]);
    ask(&mut terminal, QUESTION);
    wait_answer(&terminal);
    quit(terminal);
    let mut terminal = open(&home, &[]);
    terminal.press("\x1b[A");
    terminal.wait(LONG, "the prompt", |screen| {
        screen.contains(&format!("› {QUESTION}"))
    });
    terminal.press("\x03");
    terminal.press("\x12");
    terminal.wait(LONG, "search", |screen| screen.contains("Earlier prompts"));
    terminal.press("capital");
    terminal.wait(LONG, "the prompt found", |screen| {
        screen.contains("▸ What is the capital")
    });
    terminal.press("\r");
    terminal.wait(LONG, "the prompt taken", |screen| {
        screen.contains(&format!("› {QUESTION}")) && !screen.contains("Earlier prompts")
    });
}

#[test]
fn conversations_are_listed_shown_and_removed_from_the_command_line() {
    let home = Home::default();
    let none = home.run(&["sessions", "ls"], "");
    assert_eq!(none.stdout, "no conversation is saved\n");
    refused(
        &home.run(&["sessions", "show", "last"], ""),
        2,
        &["none is saved"],
    );
    let mut terminal = open(&home, &[]);
    ask(&mut terminal, QUESTION);
    wait_answer(&terminal);
    quit(terminal);

    let listed = home.run(&["sessions", "ls", "--format", "json"], "");
    let rows: serde_json::Value = serde_json::from_str(&listed.stdout).expect("it is JSON");
    assert_eq!(
        (&rows[0]["title"], &rows[0]["messages"], &rows[0]["model"]),
        (&QUESTION.into(), &2.into(), &"demo".into())
    );
    let id = rows[0]["id"].as_str().expect("it has an id").to_owned();
    let shown = home.run(&["sessions", "show", &id[..20]], "");
    assert_eq!(
        shown.stdout,
        format!("# {QUESTION}\n\nYou:\n{QUESTION}\n\ndemo:\n{ANSWER}\n")
    );
    let lines = home.run(&["sessions", "show", "last", "--format", "jsonl"], "");
    assert_eq!(lines.stdout.lines().count(), 3, "{}", lines.stdout);

    refused(&home.run(&["sessions", "rm", "last"], ""), 2, &["--force"]);
    assert_eq!(
        home.run(&["sessions", "rm", "last", "--force"], "").code,
        Some(0)
    );
    assert_eq!(sessions(&home), [] as [&Path; 0]);
}

#[test]
fn an_unknown_conversation_is_refused_before_the_screen_opens() {
    let home = Home::default();
    let mut terminal = home.start(&["--resume", "nothing"], &[], (100, 30));
    assert_eq!(terminal.wait_end(LONG).exit_code(), 2);
    let screen = terminal.screen().contents();
    assert!(
        screen.contains("no conversation nothing; none is saved"),
        "{screen}"
    );
}
