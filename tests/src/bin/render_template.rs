//! Renders chat templates in a process of its own, which a template may not end.
//!
//! Reads a line of JSON for each: `{"template": …, "context": {…}}`; answers `{"text": …}` or `{"error": …}`, with the
//! process's largest memory so far where the system tells it.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::time::SystemTime;

use serde_json::{Value, json};
use unmask_core::text::ChatTemplate;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let asked: Value = serde_json::from_str(&line?)?;
        let mut answer = match rendered(&asked) {
            Ok(text) => json!({ "text": text }),
            Err(error) => json!({ "error": error }),
        };
        answer["peak_kib"] = json!(peak_kib());
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn rendered(asked: &Value) -> Result<String, String> {
    let source = asked["template"].as_str().unwrap_or_default();
    let mut variables: BTreeMap<String, Value> =
        serde_json::from_value(asked["context"].clone()).map_err(|error| error.to_string())?;
    let messages = variables.remove("messages").unwrap_or(json!([]));
    ChatTemplate::new("the chat template", source, BTreeMap::new())
        .and_then(|template| template.render_json(&messages, variables, SystemTime::UNIX_EPOCH))
        .map_err(|error| error.to_string())
}

/// The most memory that this process had, in KiB; 0 where nobody tells.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
