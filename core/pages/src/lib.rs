//! The files of unmask's pages in the browser, as texts: no code but what puts a script into one page.
//!
//! `wire.js` folds the events of a run as the runtime's `fold` does; `replay.*` is the page of a recorded run, which `unmask
//! export trace --to html` writes. They run from `file://`, offline, and ask nobody for anything.

/// Folds events into canvases: an ES module.
pub const WIRE: &str = include_str!("wire.js");
/// The page of a recorded run: an ES module beside [`WIRE`].
pub const REPLAY: &str = include_str!("replay.js");
/// How it looks.
pub const REPLAY_STYLE: &str = include_str!("replay.css");
/// Its frame, with `{{policy}}`, `{{title}}`, `{{style}}`, `{{said}}`, `{{answer}}`, `{{foot}}`, `{{trace}}` and `{{script}}` left open.
pub const REPLAY_FRAME: &str = include_str!("replay.html");

/// Both scripts as one that stands within a page, where modules cannot import each other.
#[must_use]
pub fn replay_script() -> String {
    let body: String = (WIRE.lines().chain(REPLAY.lines()))
        .filter(|line| !line.starts_with("import "))
        .map(|line| line.strip_prefix("export ").unwrap_or(line))
        .flat_map(|line| [line, "\n"])
        .collect();
    format!("\"use strict\";\n(() => {{\n{body}}})();\n")
}
