//! GGUF files for tests, written by Python's gguf package, which the gate installs into `target/gguf`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::root;

/// A Python that has the package; without one it is said, and an error where `UNMASK_REQUIRE_GGUF` is set.
///
/// # Panics
/// In that case.
#[must_use]
pub fn python() -> Option<PathBuf> {
    let own = root().join("target/gguf/bin/python");
    let python = if own.exists() { own } else { "python3".into() };
    let has = Command::new(&python).args(["-c", "import gguf"]).output();
    if has.is_ok_and(|has| has.status.success()) {
        return Some(python);
    }
    assert!(
        std::env::var_os("UNMASK_REQUIRE_GGUF").is_none(),
        "UNMASK_REQUIRE_GGUF is set, and {} has no gguf",
        python.display()
    );
    let skipped = format!(
        "skipped: {} has no gguf to write files with",
        python.display()
    );
    writeln!(std::io::stderr(), "{skipped}").ok();
    None
}

/// Makes files of `model` in `folder`, as `make_gguf.py` says.
///
/// # Panics
/// If Python fails.
pub fn make(python: &Path, model: &str, kind: &str, folder: &Path, more: &[&str]) {
    let script = root().join("tests/make_gguf.py");
    let made = Command::new(python)
        .arg(script)
        .args([
            root().join(model).as_os_str(),
            kind.as_ref(),
            folder.as_os_str(),
        ])
        .args(more)
        .output()
        .expect("Python starts");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}
