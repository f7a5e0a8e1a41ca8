//! No code of a library of others runs before the user has approved it, and none that anybody else could exchange.

#![cfg(unix)]

mod opening;

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use unmask_core::plugin::{
    Approval, BackendFilter, BackendRow, BackendSearch, BackendState, Isolation, Registry, Running,
    SearchPath,
};
use unmask_tests::chat::{LONG, type_behind, wait_for};
use unmask_tests::program::{Home, Said, refused};
use unmask_tests::terminal::Terminal;
use unmask_tests::{Compiled, compile_plugin, load_spec, worker_launcher};

/// A user with the backend `eager`, which writes into a file whenever it runs.
struct Rig {
    home: Home,
    library: Compiled,
    /// Where the program is told to look for it.
    path: String,
}

impl Rig {
    fn new() -> Self {
        let library = compile_plugin("tests/plugins/eager.c");
        let path = library.path.to_str().expect("plain names").to_owned();
        Self {
            home: Home::default(),
            library,
            path,
        }
    }

    fn trace(&self) -> PathBuf {
        self.home.path().join("trace")
    }

    /// Runs the program, which looks for backends at `self.path` too.
    fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, &[("UNMASK_BACKEND_PATH", &self.path)])
    }

    fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
        let trace = self.trace();
        let trace = [("UNMASK_TEST_TRACE", trace.to_str().expect("plain names"))];
        self.home
            .run_with(arguments, "", &[&trace, variables].concat())
    }

    /// True if any of the library's code has run since the last time.
    fn has_run(&self) -> bool {
        fs::remove_file(self.trace()).is_ok()
    }

    /// The line of `unmask backends` on the library, and whether its code ran for that.
    fn row(&self) -> (String, bool) {
        let said = self.run(&["backends"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let row = said.stdout.lines().find(|line| line.contains("eager"));
        let row = row.unwrap_or_else(|| panic!("no row: {said:?}"));
        (row.to_owned(), self.has_run())
    }

    #[track_caller]
    fn must_not_run(&self, reason: &str) {
        let (row, ran) = self.row();
        assert!(row.contains(reason), "{reason:?} is not in {row:?}");
        assert!(!ran, "its code has run");
    }

    #[track_caller]
    fn must_run(&self) {
        let (row, ran) = self.row();
        assert!(row.contains("usable") && ran, "{row}");
    }
}

#[track_caller]
fn done(said: &Said, words: &[&str]) {
    assert_eq!(said.code, Some(0), "{said:?}");
    for word in words {
        assert!(said.stdout.contains(word), "{word:?} is not in {said:?}");
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

#[test]
fn a_library_of_others_runs_by_no_command_before_it_is_approved() {
    let rig = Rig::new();
    rig.must_not_run("not approved");
    let said = rig.run(&["backends"]);
    done(
        &said,
        &[
            "eager: run: unmask backends approve eager",
            &rig.path,
            "eager: sha256 ",
        ],
    );
    let words = &["`eager` is not approved", "unmask backends approve eager"];
    refused(&rig.run(&["generate", "-q", "-b", "eager", "hi"]), 3, words);
    refused(&rig.run(&["export", "eager", "out"]), 3, words);
    refused(&rig.run(&["backends", "install", "eager"]), 3, words);
    for arguments in [
        &["models"][..],
        &["doctor"],
        &["generate", "-q", "hi"],
        &["backends", "--format", "json"],
        &["config", "check"],
        &["--show-config"],
    ] {
        let said = rig.run(arguments);
        assert!(said.code.is_some(), "{said:?}");
    }
    assert!(!rig.has_run(), "its code has run");
}

#[test]
fn an_approved_library_runs_until_it_changes_or_that_is_taken_back() {
    let rig = Rig::new();
    let approved = rig.run(&["backends", "approve", "eager"]);
    done(&approved, &["approved: ", "sha256: ", "eager is usable"]);
    assert!(rig.has_run());
    rig.must_run();
    let mut bytes = fs::read(&rig.path).expect("it is there");
    bytes.push(0);
    fs::write(&rig.path, &bytes).expect("it is ours");
    rig.must_not_run("not approved: it has changed");
    done(
        &rig.run(&["backends", "approve", &rig.path]),
        &["eager is usable"],
    );
    rig.has_run();
    rig.must_run();
    done(
        &rig.run(&["backends", "revoke", "eager"]),
        &["no longer approved"],
    );
    rig.has_run();
    rig.must_not_run("not approved");
    let again = rig.run(&["backends", "revoke", "eager"]);
    refused(&again, 2, &["`eager` names no approved library; none is"]);
}

#[test]
fn what_is_approved_is_kept_in_a_file_of_the_user_alone() {
    let rig = Rig::new();
    rig.run(&["backends", "approve", "eager"]);
    let file = rig.home.state("approved_backends.json");
    let mode = fs::metadata(&file)
        .expect("it was written")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    fs::write(&file, "not JSON").expect("it is ours");
    rig.has_run();
    rig.must_not_run("not approved");
    let words = [
        "approved_backends.json cannot be used",
        "no library of others is approved",
    ];
    done(&rig.run(&["backends"]), &words);
    let words = &["approved_backends.json cannot be used", "remove it"];
    refused(&rig.run(&["backends", "approve", "eager"]), 2, words);
}

#[test]
fn a_copy_elsewhere_is_another_library() {
    let mut rig = Rig::new();
    rig.run(&["backends", "approve", "eager"]);
    let copy = rig.home.path().join("libunmask_backend_eager.so");
    fs::copy(&rig.path, &copy).expect("the home is ours");
    rig.path = copy.display().to_string();
    rig.has_run();
    rig.must_not_run("not approved");
}

#[test]
fn a_link_that_is_turned_to_another_library_is_asked_about_again() {
    let mut rig = Rig::new();
    let link = rig.home.path().join("libunmask_backend_eager.so");
    symlink(&rig.library.path, &link).expect("the home is ours");
    rig.path = link.display().to_string();
    done(&rig.run(&["backends", "approve", "eager"]), &["usable"]);
    rig.has_run();
    rig.must_run();
    let other = compile_plugin("tests/plugins/eager.c");
    fs::remove_file(&link).expect("it is ours");
    symlink(&other.path, &link).expect("the home is ours");
    rig.must_not_run("not approved");
}

#[test]
fn a_plugin_of_the_command_line_runs_this_once() {
    let rig = Rig::new();
    let variables = [("UNMASK_BACKEND_PATH", "")];
    let said = rig.run_with(&["backends", "--plugin", &rig.path], &variables);
    done(&said, &["eager", "usable"]);
    assert!(rig.has_run());
    let file = rig.home.state("approved_backends.json");
    assert!(!file.exists(), "nothing is remembered");
    rig.must_not_run("not approved");
    let missing = rig.run_with(&["backends", "--plugin", "/nowhere.so"], &variables);
    done(&missing, &["/nowhere.so cannot be loaded: No such file"]);
    let folder = rig.home.path().display().to_string();
    let folder = rig.run_with(&["backends", "--plugin", &folder], &variables);
    done(&folder, &["cannot be loaded: not a file"]);
}

#[test]
fn the_current_folder_is_never_searched() {
    let rig = Rig::new();
    // The program is started in the home.
    let name = "libunmask_backend_eager.so";
    fs::copy(&rig.path, rig.home.path().join(name)).expect("the home is ours");
    for (variable, value, reason) in [
        ("UNMASK_BACKEND_PATH", ".", Some("is a relative path")),
        ("UNMASK_BACKEND_PATH", name, Some("is a relative path")),
        ("UNMASK_BACKEND_PATH", ":", None),
        ("UNMASK_BACKEND_PATHS", ".", Some("is a relative path")),
        ("UNMASK_BACKEND_PATHS", name, Some("is a relative path")),
        ("UNMASK_BACKEND_PATHS", ":", None),
        ("LD_LIBRARY_PATH", ".", None),
    ] {
        let said = rig.run_with(&["backends"], &[(variable, value)]);
        done(&said, reason.as_slice());
        assert!(!said.stdout.contains("eager is"), "{said:?}");
        assert!(!rig.has_run(), "{variable}={value}");
    }
}

#[test]
fn a_library_in_the_data_folder_is_asked_about_too() {
    let mut rig = Rig::new();
    let folder = rig.home.data("backends");
    fs::create_dir_all(&folder).expect("the home is ours");
    fs::copy(&rig.path, folder.join("libunmask_backend_eager.so")).expect("the home is ours");
    rig.path = String::new();
    rig.must_not_run("not approved");
    done(&rig.run(&["backends", "approve", "eager"]), &["usable"]);
    rig.has_run();
    rig.must_run();
}

#[test]
fn what_others_may_write_to_is_never_loaded_approved_or_not() {
    let rig = Rig::new();
    let library = rig.library.path.clone();
    let folder = library.parent().expect("it lies in a folder").to_owned();
    rig.run(&["backends", "approve", "eager"]);
    rig.has_run();
    let (everybody, group) = (
        ["everybody may write", "chmod o-w"],
        ["group ", "chmod g-w"],
    );
    for (path, open, shut, words) in [
        (&library, 0o757, 0o755, everybody),
        (&folder, 0o1777, 0o700, everybody),
        (&library, 0o775, 0o755, group),
        (&folder, 0o770, 0o700, group),
    ] {
        set_mode(path, open);
        rig.must_not_run(words[0]);
        let said = rig.run(&["backends", "--plugin", &rig.path]);
        done(&said, &words);
        let said = rig.run(&["backends", "approve", &rig.path]);
        refused(&said, 2, &words);
        assert!(!rig.has_run(), "its code has run");
        set_mode(path, shut);
        rig.must_run();
    }
}

#[test]
fn what_is_another_users_is_never_loaded_approved_or_not() {
    let rig = Rig::new();
    rig.run(&["backends", "approve", "eager"]);
    rig.has_run();
    // Only root can give a file away.
    if chown(&rig.path, Some(12345), None).is_err() {
        return;
    }
    rig.must_not_run("belongs to user 12345");
    let said = rig.run(&["backends", "approve", &rig.path]);
    refused(&said, 2, &["belongs to user 12345", "run `chown`"]);
}

#[test]
fn approving_says_what_is_there_instead() {
    let rig = Rig::new();
    let candle = rig.run(&["backends", "approve", "candle"]);
    refused(&candle, 3, &["candle may run already"]);
    let nobody = rig.run(&["backends", "approve", "nobody"]);
    refused(&nobody, 3, &["no library called `nobody`"]);
    let gone = rig.run(&["backends", "approve", "/gone.so"]);
    refused(&gone, 2, &["/gone.so cannot be read"]);
    let elsewhere = compile_plugin("tests/plugins/eager.c");
    let path = elsewhere.path.to_str().expect("plain names");
    let said = rig.run(&["backends", "approve", path]);
    done(&said, &["does not lie where backends are looked for"]);
}

#[test]
fn the_picker_asks_once_with_path_and_hash() {
    let rig = Rig::new();
    // Above 100 columns neither is broken.
    let size = (130, 40);
    let own = rig.home.environment();
    let libraries = own.iter().find(|(name, _)| *name == "UNMASK_BACKEND_PATH");
    let libraries = libraries.map_or("", |(_, value)| value.as_str());
    let search = format!("{libraries}:{}", rig.path);
    let trace = rig.trace().display().to_string();
    let more = [
        ("UNMASK_BACKEND_PATH", search.as_str()),
        ("UNMASK_TEST_TRACE", trace.as_str()),
    ];
    let pick = |terminal: &mut Terminal| {
        wait_for(terminal, &["● ready"]);
        terminal.press("\x18");
        terminal.press("m");
        wait_for(terminal, &["Model and backend", "eager"]);
        type_behind(terminal, "› ", "eager");
    };
    let mut terminal = rig.home.start(&[], &more, size);
    pick(&mut terminal);
    wait_for(&terminal, &["not approved", "asks whether it may run"]);
    terminal.press("\r");
    wait_for(
        &terminal,
        &["Let eager run?", "SHA-256", "a approve and load"],
    );
    // An Enter too many is no yes.
    terminal.press("\r");
    terminal.press("\x1b");
    terminal.wait(LONG, "no question", |screen| {
        !screen.contains("Let eager run?")
    });
    assert!(!rig.has_run(), "its code has run");
    terminal.press("\r");
    wait_for(&terminal, &["Let eager run?"]);
    terminal.press("a");
    wait_for(&terminal, &["eager", "● ready"]);
    terminal.wait(LONG, "the model on it", |screen| {
        screen
            .lines()
            .next()
            .is_some_and(|row| row.contains("eager"))
    });
    assert!(rig.has_run());
    terminal.press("\x04");
    assert_eq!(terminal.wait_end(LONG).exit_code(), 0);

    let mut terminal = rig.home.start(&[], &more, size);
    pick(&mut terminal);
    wait_for(&terminal, &["f32"]);
    terminal.press("\r");
    terminal.wait(LONG, "the model on it, unasked", |screen| {
        screen
            .lines()
            .next()
            .is_some_and(|row| row.contains("eager"))
    });
}
