use std::io::Write as _;
use std::process::Command;

use unmask_tests::program::{Home, program};
use unmask_tests::root;

/// The real harness: with a worker that has no model, and with the program, whose accuracies are those of `score`.
///
/// With it: `python3 -m venv target/lm-eval && target/lm-eval/bin/pip install --no-deps -r plugins/lm-eval/tests/requirements.txt`.
/// Without, the test says so and passes, unless `UNMASK_REQUIRE_LM_EVAL` is set.
#[test]
fn the_harness_measures_what_score_does() {
    let folder = root().join("plugins/lm-eval");
    let own = root().join("target/lm-eval/bin/python");
    let python = if own.exists() { own } else { "python3".into() };
    let has = Command::new(&python)
        .args(["-c", "import lm_eval"])
        .output();
    if !has.is_ok_and(|has| has.status.success()) {
        let skipped = format!("skipped: {} has no lm_eval", python.display());
        assert!(
            std::env::var_os("UNMASK_REQUIRE_LM_EVAL").is_none(),
            "{skipped}, and UNMASK_REQUIRE_LM_EVAL is set"
        );
        writeln!(std::io::stderr(), "{skipped}").ok();
        return;
    }
    let home = Home::default();
    let ended = Command::new(&python)
        .args(["-m", "unittest", "discover", "tests"])
        .current_dir(folder)
        .envs(home.environment())
        .env("PYTHONPATH", "src")
        .env("UNMASK_BINARY", program())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    assert!(!said.contains("skipped"), "{said}");
}
