//! Chat templates: as Python's Jinja renders them, and never more than a template may cost.
//!
//! With Jinja: `python3 -m venv target/jinja2 && target/jinja2/bin/pip install jinja2`, or a `python3` that has it. Without, its
//! tests say so and pass, unless `UNMASK_REQUIRE_JINJA2` is set.

mod differential;
mod hostile;
mod mutated;
mod program;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use unmask_tests::root;

/// What no template may exceed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Templates that use each construct, alone and together.
fn constructs() -> Vec<&'static str> {
    include_str!("constructs.txt").split("\n----\n").collect()
}

/// A process that renders a template for each line.
struct Renderer {
    child: Child,
    ask: ChildStdin,
    answers: Receiver<String>,
}

impl Renderer {
    /// Ours.
    fn unmask() -> Self {
        Self::start(&mut Command::new(env!("CARGO_BIN_EXE_render_template")))
    }

    /// Python's, if it is there.
    fn jinja() -> Option<Self> {
        let script = root().join("tests/templates/jinja.py");
        let own = root().join("target/jinja2/bin/python");
        let python = if own.exists() { own } else { "python3".into() };
        let has = Command::new(&python).args(["-c", "import jinja2"]).output();
        if has.is_ok_and(|has| has.status.success()) {
            return Some(Self::start(Command::new(python).arg(script)));
        }
        assert!(
            std::env::var_os("UNMASK_REQUIRE_JINJA2").is_none(),
            "UNMASK_REQUIRE_JINJA2 is set, and {} has no jinja2",
            python.display()
        );
        let skipped = format!(
            "skipped: {} has no jinja2 to compare with",
            python.display()
        );
        writeln!(std::io::stderr(), "{skipped}").ok();
        None
    }

    fn start(command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.spawn().expect("the program starts");
        let ask = child.stdin.take().expect("it is piped");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let (tell, answers) = channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if tell.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            ask,
            answers,
        }
    }

    /// The answer for a template, or how the process failed to give one.
    fn render(&mut self, template: &str, context: &Value) -> Result<Value, String> {
        let line = json!({ "template": template, "context": context });
        writeln!(self.ask, "{line}").map_err(|error| error.to_string())?;
        match self.answers.recv_timeout(PATIENCE) {
            Ok(answer) => serde_json::from_str(&answer).map_err(|error| error.to_string()),
            Err(RecvTimeoutError::Timeout) => Err(format!("no answer in {PATIENCE:?}")),
            Err(RecvTimeoutError::Disconnected) => Err(format!("ended: {:?}", self.child.wait())),
        }
    }
}

impl Drop for Renderer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
