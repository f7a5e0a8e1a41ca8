//! Every signal at random moments of every command: nothing is left, no file is lost, and the terminal is given back.
//!
//! `UNMASK_SIGNAL_ROUNDS` says how often each signal is sent to each command; once, if it does not.
#![cfg(unix)]

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Once};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;
use unmask_tests::compile_plugin;
use unmask_tests::program::{Home, program};

const SIGNALS: [&str; 5] = ["INT", "TERM", "HUP", "QUIT", "KILL"];
/// How long a command may take to end that was sent a signal.
const PATIENCE: Duration = Duration::from_secs(20);
const QUESTION: &str =
    r#"{"task":"a","messages":[{"role":"user","content":"What is 2 + 2?"}],"answers":["4"]}"#;
/// What lies in the user's folder before, and must lie there after.
const NOTES: &str = "notes of the user\n";

/// A folder for a run, with what the commands need in it.
fn home() -> Home {
    let home = Home::default();
    fs::create_dir(home.path().join("tmp")).expect("it is new");
    let questions = format!("{QUESTION}\n").repeat(20);
    fs::write(home.path().join("questions.jsonl"), questions).expect("it can be written");
    fs::write(home.path().join("notes"), NOTES).expect("it can be written");
    let weights = home.path().join("cache/unmask/weights");
    fs::create_dir_all(&weights).expect("it is new");
    fs::write(weights.join("odd-1.safetensors"), "kept").expect("it can be written");
    home
}

/// A shell has what it starts in the background ignore some signals, and that is handed down. What is handled is not.
fn hear_all() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
            let as_usual = Arc::new(AtomicBool::new(true));
            flag::register_conditional_default(signal, as_usual).expect("it can be handled");
        }
    });
}

fn variables(home: &Home) -> Vec<(&'static str, String)> {
    let temporary = home.path().join("tmp").display().to_string();
    let mut variables = home.environment();
    variables.push(("TMPDIR", temporary));
    variables
}

fn start(home: &Home, arguments: &[&str]) -> Child {
    hear_all();
    Command::new(program())
        .args(arguments)
        .envs(variables(home))
        .current_dir(home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
}

fn wait(child: &mut Child, what: &str) -> ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it is a child") {
            return status;
        }
        if began.elapsed() > PATIENCE {
            child.kill().expect("it is a child");
            panic!("{what}: no end within {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn send(signal: &str, process: u32) {
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -s {signal} {process}")])
        .stderr(Stdio::null())
        .status();
    // It may have ended by itself.
    sent.expect("every Unix has it");
}

/// A part of `whole`, another one each time.
fn part_of(whole: Duration) -> Duration {
    let number = RandomState::new().hash_one(0) >> 11;
    whole.mul_f64(number as f64 / (1_u64 << 53) as f64)
}

fn rounds() -> usize {
    let said = std::env::var("UNMASK_SIGNAL_ROUNDS").ok();
    said.map_or(1, |said| said.parse().expect("a number of rounds"))
}

/// Everything below `folder` that is called as what is unfinished.
fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return found;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        if name.contains(".partial") || name.starts_with(".tmp") {
            found.push(path);
        } else if path.is_dir() {
            found.extend(leftovers(&path));
        }
    }
    found
}

/// Files in the memory that all programs share.
fn shared() -> Vec<PathBuf> {
    leftovers(Path::new("/dev/shm"))
}

/// What the command may leave is there whole, and what was there before is as it was.
fn check_files(home: &Home, what: &str) {
    let read = |name: &str| fs::read_to_string(home.path().join(name));
    assert_eq!(read("notes").expect("it is the user's"), NOTES, "{what}");
    for name in ["out.jsonl", "trace.jsonl"] {
        let Ok(text) = read(name) else { continue };
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        for line in whole.lines() {
            let value: Result<serde_json::Value, _> = serde_json::from_str(line);
            assert!(value.is_ok(), "{what}: {name} has {line:?}");
        }
        assert!(!whole.is_empty(), "{what}: {name} is empty");
    }
    if let Ok(text) = read("state/unmask/approved_backends.json") {
        let value: Result<serde_json::Value, _> = serde_json::from_str(&text);
        assert!(value.is_ok(), "{what}: {text:?}");
    }
    if let Ok(entries) = fs::read_dir(home.path().join("export")) {
        let names = entries.flatten().map(|entry| entry.file_name());
        let has_model = names.into_iter().any(|name| name == "model.onnx");
        assert!(has_model, "{what}: half an export");
    }
}

/// Sends every signal to the command, each at a moment of its own, in a home that `make` has made.
fn check_in(make: impl Fn() -> Home, arguments: &[&str]) {
    let whole = {
        let home = make();
        let began = Instant::now();
        let status = wait(&mut start(&home, arguments), "undisturbed");
        assert!(status.success(), "{arguments:?}: {status}");
        began.elapsed()
    };
    for round in 0..rounds() {
        for signal in SIGNALS {
            let home = make();
            let moment = part_of(whole);
            let what = format!("{arguments:?}, {signal} after {moment:?} of {whole:?}, {round}");
            let mut child = start(&home, arguments);
            thread::sleep(moment);
            send(signal, child.id());
            wait(&mut child, &what);
            check_files(&home, &what);
            if signal == "KILL" {
                // Its own processes see its end, and the next start removes what it left.
                thread::sleep(Duration::from_millis(300));
                let status = wait(&mut start(&home, &["backends"]), &what);
                assert!(status.success(), "{what}: {status}");
            }
            let left = leftovers(home.path());
            assert!(left.is_empty(), "{what}: {left:?}");
        }
    }
}

fn check(arguments: &[&str]) {
    check_in(home, arguments);
}

#[test]
fn a_generation_ends_in_order() {
    check(&["generate", "Hello", "--trace", "trace.jsonl"]);
}

#[test]
fn quantising_ends_in_order() {
    check(&["generate", "Hello", "--precision", "q8_0"]);
}

#[test]
fn an_evaluation_ends_in_order() {
    let few = ["--len", "16", "--steps", "4"];
    let arguments = [&["eval", "questions.jsonl", "--out", "out.jsonl"], &few[..]];
    check(&arguments.concat());
}

#[test]
fn an_export_ends_in_order() {
    check(&["export", "onnx", "export", "--precision", "int8"]);
}

#[test]
fn a_plain_chat_ends_in_order() {
    check(&["chat", "--plain"]);
}

#[test]
fn a_look_at_files_ends_in_order() {
    for arguments in [
        ["config", "init"],
        ["config", "check"],
        ["sessions", "ls"],
        ["cache", "ls"],
    ] {
        check(&arguments);
    }
    check(&["cache", "rm", "--all"]);
}

/// A library of others, which is opened as a copy that lies beside it for a moment.
const LIBRARY: &str = "data/unmask/backends/libunmask_backend_toy.so";

fn home_with_library() -> Home {
    let home = home();
    let library = home.path().join(LIBRARY);
    fs::create_dir_all(library.parent().expect("it lies in a folder")).expect("it can be made");
    fs::copy(unmask_tests::plugin("example-toy"), library).expect("there is room");
    home
}

fn home_with_approved_library() -> Home {
    let home = home_with_library();
    let approve = &["backends", "approve", LIBRARY];
    let status = wait(&mut start(&home, approve), "approving");
    assert!(status.success(), "{status}");
    home
}

#[test]
fn a_look_at_the_machine_ends_in_order() {
    check_in(home_with_approved_library, &["models"]);
    check_in(home_with_approved_library, &["backends"]);
    check_in(home_with_approved_library, &["doctor"]);
    let install = ["backends", "install", "toy"];
    check_in(home_with_approved_library, &install);
}

#[test]
fn an_approval_ends_in_order() {
    check_in(home_with_library, &["backends", "approve", LIBRARY]);
    let revoke = ["backends", "revoke", LIBRARY];
    check_in(home_with_approved_library, &revoke);
}

#[test]
fn an_isolated_backend_ends_in_order() {
    let before = shared();
    check(&["generate", "Hello", "--isolate"]);
    let new: Vec<PathBuf> = shared()
        .into_iter()
        .filter(|path| !before.contains(path))
        .collect();
    assert!(new.is_empty(), "{new:?}");
}

#[test]
fn an_examination_ends_in_order() {
    let library = unmask_tests::plugin("example-toy");
    let library = library.to_str().expect("plain names");
    check(&["backends", "verify", library]);
}

#[test]
fn what_a_command_does_not_come_to_clean_up_is_removed_all_the_same() {
    let (home, library) = (home(), compile_plugin("tests/plugins/slow_start.c"));
    let library = library.path.to_str().expect("plain names");
    let mut child = start(&home, &["backends", "verify", library]);
    let began = Instant::now();
    while leftovers(home.path()).is_empty() {
        assert!(began.elapsed() < PATIENCE, "it makes a folder");
        thread::sleep(Duration::from_millis(2));
    }
    send("TERM", child.id());
    wait(&mut child, "a library that hangs as it is opened");
    assert_eq!(leftovers(home.path()), Vec::<PathBuf>::new());
}

#[test]
fn the_screen_gives_the_terminal_back() {
    const TAKEN: &[u8] = b"\x1b[?1049h";
    const GIVEN_BACK: &[u8] = b"\x1b[?1049l";
    let has = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|it| it == what);
    for _ in 0..rounds() {
        for signal in ["INT", "TERM", "HUP", "QUIT"] {
            hear_all();
            let home = home();
            let variables = variables(&home);
            let more: Vec<(&str, &str)> = variables
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let arguments = ["--precision", "q8_0"];
            let mut terminal = home.start(&arguments, &more, (80, 24));
            let moment = part_of(Duration::from_secs(2));
            thread::sleep(moment);
            send(signal, terminal.process_id());
            terminal.wait_end(PATIENCE);
            let raw = terminal.raw();
            let what = format!("{signal} after {moment:?}");
            assert_eq!(has(&raw, TAKEN), has(&raw, GIVEN_BACK), "{what}");
            let left = leftovers(home.path());
            assert!(left.is_empty(), "{what}: {left:?}");
        }
    }
}
