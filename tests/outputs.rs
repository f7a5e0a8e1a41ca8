//! Files that a command is given to write: looked at before anything is done, put into their place whole, and never at the
//! cost of what is somebody else's.

use std::fs;
#[cfg(unix)]
use std::io::Read as _;
use std::path::PathBuf;

use unmask_tests::program::{Home, Said, refused};

const QUESTION: &str =
    r#"{"task":"a","messages":[{"role":"user","content":"What is 2 + 2?"}],"answers":["4"]}"#;
const FEW_STEPS: [&str; 2] = ["--steps", "4"];

fn file(home: &Home, name: &str, text: &str) -> PathBuf {
    let path = home.path().join(name);
    fs::write(&path, text).expect("it can be written");
    path
}

fn eval(home: &Home, more: &[&str]) -> Said {
    file(home, "q.jsonl", &format!("{QUESTION}\n{QUESTION}\n"));
    let arguments = [&["eval", "q.jsonl", "--len", "16"], &FEW_STEPS[..], more].concat();
    home.run(&arguments, "")
}

fn generate(home: &Home, more: &[&str]) -> Said {
    let arguments = [&["generate", "Hello", "--len", "16"], &FEW_STEPS[..], more];
    home.run(&arguments.concat(), "")
}

/// Names in the home's folder that begin with a point, as what is unfinished does.
fn hidden(home: &Home) -> Vec<String> {
    let entries = fs::read_dir(home.path()).expect("it is there");
    let names = entries.map(|entry| entry.expect("it is there").file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| name.starts_with('.')).collect()
}

#[test]
fn answers_never_replace_what_is_not_a_file_of_answers() {
    let home = Home::default();
    for text in ["notes", "notes\nmore", "{\"a\":1}\n"] {
        let path = file(&home, "out", text);
        refused(&eval(&home, &["--out", "out"]), 2, &["out: ", "--force"]);
        assert_eq!(fs::read_to_string(&path).expect("it is there"), text);
    }
    let forced = eval(&home, &["--out", "out", "--force"]);
    assert_eq!(forced.code, Some(0), "{forced:?}");
    assert!(forced.stderr.contains("out was there; it is replaced"));
    let text = fs::read_to_string(home.path().join("out")).expect("it is there");
    assert_eq!(text.lines().count(), 3, "{text}");
    assert_eq!(hidden(&home), [""; 0]);
}

#[test]
fn answers_never_replace_their_own_questions() {
    let home = Home::default();
    let questions = format!("{QUESTION}\n{QUESTION}");
    let path = file(&home, "own.jsonl", &questions);
    #[cfg(unix)]
    std::os::unix::fs::symlink(&path, home.path().join("link")).expect("it can be made");
    let names: &[&str] = if cfg!(unix) {
        &["own.jsonl", "./own.jsonl", "link"]
    } else {
        &["own.jsonl"]
    };
    for name in names {
        for force in [&[][..], &["--force"]] {
            let arguments = [&["eval", "own.jsonl", "--out", name], force].concat();
            refused(&home.run(&arguments, ""), 2, &["holds the questions"]);
            assert_eq!(fs::read_to_string(&path).expect("it is there"), questions);
        }
    }
}

#[test]
fn answers_are_gone_on_with_and_a_cut_line_is_answered_again() {
    let home = Home::default();
    let first = eval(&home, &["--out", "out"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    let path = home.path().join("out");
    let whole = fs::read_to_string(&path).expect("it is there");
    let cut = whole.len() - 20;
    fs::write(&path, &whole[..cut]).expect("it can be written");
    // Other settings: it is looked at, and stays as it is.
    let other = eval(&home, &["--out", "out", "--seed", "7"]);
    refused(&other, 2, &["under other settings", "--force"]);
    let now = fs::read_to_string(&path).expect("it is there");
    assert_eq!(now, whole[..cut]);
    let second = eval(&home, &["--out", "out"]);
    assert!(
        second
            .stderr
            .contains("1 of 2 questions were answered before")
    );
    let again = fs::read_to_string(&path).expect("it is there");
    assert_eq!(again.lines().count(), 3, "{again}");
    assert_eq!(again.lines().next(), whole.lines().next());
}

#[test]
fn a_trace_is_written_once_its_run_begins_and_replaces_no_other_file() {
    let home = Home::default();
    let path = file(&home, "t", "notes");
    refused(
        &generate(&home, &["--trace", "t"]),
        2,
        &["t: it holds no trace"],
    );
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "notes");
    // The model cannot be loaded, whether or not the file may be replaced.
    let missing = generate(&home, &["--trace", "t", "--force", "-m", "gone/model"]);
    refused(&missing, 3, &["gone/model"]);
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "notes");
    refused(
        &generate(&home, &["--trace", "new", "-m", "gone/model"]),
        3,
        &["gone/model"],
    );
    assert!(!home.path().join("new").exists());
    for (more, was_there) in [(&["--force"][..], true), (&[], true)] {
        let said = generate(&home, &[&["--trace", "t"], more].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(
            said.stderr.contains("t was there; it is replaced"),
            was_there
        );
        let text = fs::read_to_string(&path).expect("it is there");
        assert!(text.starts_with("{\"event\":\"start\""), "{text}");
    }
    refused(&generate(&home, &["--trace", "."]), 2, &["it is a folder"]);
    refused(
        &generate(&home, &["--trace", "no/t"]),
        2,
        &["there is no folder"],
    );
    assert_eq!(hidden(&home), [""; 0]);
}

#[test]
#[cfg(unix)]
fn a_device_is_written_to_as_it_is() {
    let home = Home::default();
    let said = generate(&home, &["--trace", "/dev/null"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let shown = generate(&home, &["--quiet", "--trace", "/dev/stderr"]);
    assert!(
        shown.stderr.starts_with("{\"event\":\"start\""),
        "{shown:?}"
    );
}

#[test]
#[cfg(unix)]
fn a_pipe_without_a_reader_and_a_link_to_nothing_are_refused() {
    let home = Home::default();
    let pipe = home.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()));
    refused(
        &generate(&home, &["--trace", "pipe"]),
        1,
        &["pipe", "nobody reads this pipe"],
    );
    refused(
        &eval(&home, &["--out", "pipe"]),
        1,
        &["pipe", "nobody reads this pipe"],
    );
    std::os::unix::fs::symlink("nothing", home.path().join("link")).expect("it can be made");
    refused(
        &generate(&home, &["--trace", "link"]),
        2,
        &["link", "a link to nothing"],
    );
    refused(
        &eval(&home, &["--out", "link"]),
        2,
        &["link", "a link to nothing"],
    );
}

#[test]
#[cfg(unix)]
fn a_log_that_is_a_pipe_is_not_waited_for() {
    let home = Home::default();
    let log = home.state("unmask.log");
    fs::create_dir_all(log.parent().expect("it lies in a folder")).expect("it can be made");
    let made = std::process::Command::new("mkfifo").arg(&log).status();
    assert!(made.is_ok_and(|status| status.success()));
    let said = generate(&home, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn a_pipe_with_a_reader_gets_every_line() {
    let home = Home::default();
    let pipe = home.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()));
    // Open for both, it is there before anybody writes, and nobody waits.
    let reader = fs::File::options().read(true).write(true).open(&pipe);
    let mut reader = reader.expect("it is ours");
    let said = generate(&home, &["--trace", "pipe"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let mut held = vec![0; 1 << 16];
    let length = reader.read(&mut held).expect("it holds the lines");
    let text = String::from_utf8_lossy(&held[..length]);
    assert!(text.contains("\"done\""), "{text}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told_with_the_file() {
    let home = Home::default();
    let trace = generate(&home, &["--trace", "/dev/full"]);
    assert_eq!(trace.code, Some(1), "{trace:?}");
    assert!(trace.stderr.contains("cannot write /dev/full"), "{trace:?}");
    let answers = eval(&home, &["--out", "/dev/full"]);
    assert_eq!(answers.code, Some(1), "{answers:?}");
    assert!(
        answers.stderr.contains("cannot write /dev/full"),
        "{answers:?}"
    );
}

/// Runs the program where no file may be longer than a kilobyte or so: as on a full disk, a write ends in an error.
#[cfg(target_os = "linux")]
fn cramped(home: &Home, arguments: &str) -> Said {
    home.run_limited(
        "trap '' XFSZ; ulimit -f 2; export UNMASK_LOG=off",
        arguments,
    )
}

#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_written_whole_leaves_nothing() {
    let home = Home::default();
    // The demo model is unpacked, which takes more room.
    assert_eq!(generate(&home, &[]).code, Some(0));
    let config = cramped(&home, "config init");
    assert_eq!(config.code, Some(1), "{config:?}");
    let folder = home.path().join("config/unmask");
    let mut left = fs::read_dir(&folder).expect("it was made");
    assert!(left.next().is_none(), "{config:?}");
    assert!(config.stderr.contains("cannot write"), "{config:?}");

    let export = cramped(&home, "export onnx out");
    assert_eq!(export.code, Some(3), "{export:?}");
    assert!(export.stderr.contains("/out/model"), "{export:?}");
    assert!(!home.path().join("out").exists(), "{export:?}");

    file(&home, "q.jsonl", &format!("{QUESTION}\n").repeat(20));
    let answers = cramped(&home, "eval q.jsonl --len 16 --steps 2 --out answers");
    assert_eq!(answers.code, Some(1), "{answers:?}");
    assert!(
        answers.stderr.contains("cannot write answers"),
        "{answers:?}"
    );
    let text = fs::read_to_string(home.path().join("answers")).expect("some are there");
    assert!(text.ends_with('\n') && text.lines().count() > 1, "{text}");
    assert_eq!(hidden(&home), [""; 0]);
}

#[test]
fn an_export_replaces_files_only_if_it_is_forced() {
    let home = Home::default();
    let toy = unmask_tests::plugin("example-toy");
    let toy = [("UNMASK_BACKEND_PATH", toy.to_str().expect("plain names"))];
    let export = |more: &[&str]| {
        let arguments = [&["export", "toy", "out"], more].concat();
        home.run_with(&arguments, "", &toy)
    };
    fs::create_dir(home.path().join("out")).expect("it is new");
    let notes = file(&home, "out/notes", "notes");
    let old = file(&home, "out/toy.txt", "old");
    refused(&export(&[]), 2, &["out is not empty", "--force"]);
    assert_eq!(fs::read_to_string(&old).expect("it is there"), "old");
    let forced = export(&["--force"]);
    assert_eq!(forced.code, Some(0), "{forced:?}");
    assert_eq!(fs::read_to_string(&notes).expect("it is there"), "notes");
    assert_ne!(fs::read_to_string(&old).expect("it is there"), "old");
    assert_eq!(hidden(&home), [""; 0]);
}

#[test]
fn what_is_kept_is_listed_and_can_be_removed() {
    let home = Home::default();
    let nothing = home.run(&["cache", "ls"], "");
    assert_eq!(nothing.stdout, "nothing is kept\n", "{nothing:?}");
    assert_eq!(generate(&home, &["--precision", "q8_0"]).code, Some(0));
    let list = || {
        let said = home.run(&["cache", "ls", "--format", "json"], "");
        assert_eq!(said.code, Some(0), "{said:?}");
        let rows: Vec<serde_json::Value> = serde_json::from_str(&said.stdout).expect("it is JSON");
        rows
    };
    let rows = list();
    let weights = rows.iter().find(|row| row["kind"] == "weights");
    let weights = weights.expect("they are kept");
    assert_eq!(
        (
            &weights["backend"],
            &weights["precision"],
            &weights["state"]
        ),
        (&"candle".into(), &"q8_0".into(), &"free".into())
    );
    let model = weights["model"].as_str().expect("it is told");
    assert!(model.contains("demo-"), "{model}");
    assert!(rows.iter().any(|row| row["kind"] == "demo"));
    let path = PathBuf::from(weights["path"].as_str().expect("it is told"));
    let bytes = fs::metadata(&path).expect("it is there").len();
    assert_eq!(weights["bytes"], bytes);

    let user = fs::File::open(&path).expect("it is there");
    user.try_lock_shared().expect("nobody has it");
    let in_use = home.run(&["cache", "rm", "candle-q8_0"], "");
    refused(&in_use, 2, &["is in use"]);
    assert!(home.run(&["cache", "rm", "--all"], "").code == Some(0) && path.exists());
    drop(user);
    refused(
        &home.run(&["cache", "rm", "gone"], ""),
        2,
        &["is called gone"],
    );
    let removed = home.run(&["cache", "rm", "candle-q8_0"], "");
    assert!(
        removed.stdout.starts_with("removed candle-q8_0"),
        "{removed:?}"
    );
    assert!(!path.exists() && list().is_empty());
}
