//! The program `unmask`, run as a user would, in folders of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::terminal::Terminal;

/// The program, as `cargo build --release` or `cargo test --workspace` makes it.
///
/// # Panics
/// If it was not built.
#[must_use]
pub fn program() -> PathBuf {
    let file = format!("unmask{}", std::env::consts::EXE_SUFFIX);
    let path = near(&file);
    path.unwrap_or_else(|| panic!("{file} is not built; run cargo build --release first"))
}

/// A user's home, with nothing in it.
pub struct Home {
    folder: TempDir,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
}

/// Where a home has data and state; on Windows both lie with the configuration.
const KEPT: [&str; 2] = match cfg!(windows) {
    true => ["config"; 2],
    false => ["data", "state"],
};

impl Default for Home {
    fn default() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder can be made"),
        }
    }
}

impl Home {
    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What the program keeps for its user under this path.
    #[must_use]
    pub fn data(&self, path: &str) -> PathBuf {
        self.path().join(KEPT[0]).join("unmask").join(path)
    }

    /// What the program keeps of its own state under this path.
    #[must_use]
    pub fn state(&self, path: &str) -> PathBuf {
        self.path().join(KEPT[1]).join("unmask").join(path)
    }

    /// The variables that make the program live in it, and find the backends that belong to these tests.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let text = |path: &Path| {
            path.to_str()
                .expect("test folders have plain names")
                .to_owned()
        };
        let home = self.path();
        let tests = std::env::current_exe().expect("a test binary has a path");
        let libraries = tests.parent().expect("a file lies in a folder");
        vec![
            ("HOME", text(home)),
            ("XDG_CONFIG_HOME", text(&home.join("config"))),
            ("XDG_DATA_HOME", text(&home.join(KEPT[0]))),
            ("XDG_CACHE_HOME", text(&home.join("cache"))),
            ("XDG_STATE_HOME", text(&home.join(KEPT[1]))),
            // What Windows asks in their place.
            ("USERPROFILE", text(home)),
            ("APPDATA", text(&home.join(KEPT[0]))),
            ("LOCALAPPDATA", text(&home.join("cache"))),
            ("UNMASK_BACKEND_PATH", text(libraries)),
        ]
    }

    /// Starts the program in this home and a terminal of this many columns and rows, with `more` variables. The demo model
    /// has somebody's own settings, so that it keeps them: it would begin with few forwards.
    #[must_use]
    pub fn start(&self, arguments: &[&str], more: &[(&str, &str)], size: (u16, u16)) -> Terminal {
        self.start_program(&program(), arguments, more, size)
    }

    /// The same with another program, such as a shell.
    #[must_use]
    pub fn start_program(
        &self,
        program: &Path,
        arguments: &[&str],
        more: &[(&str, &str)],
        size: (u16, u16),
    ) -> Terminal {
        let own = self.environment();
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        let own = own.chain([("UNMASK_STEPS", "62")]);
        let environment: Vec<(&str, &str)> = own.chain(more.iter().copied()).collect();
        Terminal::start(program, arguments, &environment, size)
    }

    /// Runs the program in this home, with `stdin` piped in.
    #[must_use]
    pub fn run(&self, arguments: &[&str], stdin: &str) -> Said {
        self.run_with(arguments, stdin, &[])
    }

    /// As [`run`](Self::run), with further variables.
    #[must_use]
    pub fn run_with(&self, arguments: &[&str], stdin: &str, variables: &[(&str, &str)]) -> Said {
        let mut child = Command::new(program())
            .args(arguments)
            .envs(self.environment())
            .envs(variables.iter().copied())
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut input = child.stdin.take().expect("it was piped");
        // A program that refuses its arguments does not read.
        input.write_all(stdin.as_bytes()).ok();
        drop(input);
        said(child.wait_with_output().expect("the program ends"))
    }

    /// Runs the program behind commands of the shell that limit it.
    ///
    /// # Panics
    /// Without a shell.
    #[cfg(unix)]
    #[must_use]
    pub fn run_limited(&self, limits: &str, arguments: &str) -> Said {
        let command = format!("{limits}; exec {} {arguments}", program().display());
        let output = Command::new("sh")
            .args(["-c", &command])
            .envs(self.environment())
            .current_dir(self.path())
            .stdin(Stdio::null())
            .output();
        said(output.expect("there is a shell"))
    }
}

fn said(output: Output) -> Said {
    Said {
        stdout: String::from_utf8(output.stdout).expect("output is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("messages are UTF-8"),
        code: output.status.code(),
    }
}

/// A file beside the test binary or one folder up.
fn near(file: &str) -> Option<PathBuf> {
    let tests = std::env::current_exe().expect("a test binary has a path");
    let folders = tests.ancestors().skip(1).take(2);
    folders
        .map(|folder| folder.join(file))
        .find(|path| path.exists())
}

/// Holds a refusal against its exit code and the words that its message must have.
///
/// # Panics
/// If it is no refusal, or another one.
#[track_caller]
pub fn refused(said: &Said, code: i32, words: &[&str]) {
    assert_eq!(said.code, Some(code), "{said:?}");
    assert!(
        said.stdout.is_empty(),
        "stdout is the answer and only that: {said:?}"
    );
    assert!(!said.stderr.contains("panicked"), "{said:?}");
    let message = said
        .stderr
        .lines()
        .find(|line| line.starts_with("unmask: "));
    let message = message.unwrap_or_else(|| panic!("no message: {said:?}"));
    for word in words {
        assert!(message.contains(word), "{word:?} is not in {message:?}");
    }
}
