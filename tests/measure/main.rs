//! Likelihoods as the program measures them: `score` and `worker` say the same, and what numpy says.

mod bench;
mod eval;
mod harness;
mod pairs;
mod presets;
mod score;
mod worker;

use serde_json::Value;
use unmask_tests::program::Said;

/// Every line of what was said.
fn lines(said: &Said) -> Vec<Value> {
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines = said.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}
