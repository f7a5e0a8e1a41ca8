//! Films a question to the demo model and writes the SVG pictures of the README.
//!
//! `cargo run --release -p unmask-tests --bin film -- QUESTION OUT.svg [COLUMNSxROWS]`, after `cargo build --release`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use unmask_tests::svg;
use unmask_tests::terminal::Terminal;

const LONG: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (question, out, size) = match arguments.as_slice() {
        [question, out] => (question, PathBuf::from(out), (80, 24)),
        [question, out, size] => match parse(size) {
            Some(size) => (question, PathBuf::from(out), size),
            None => return ExitCode::from(2),
        },
        _ => return ExitCode::from(2),
    };
    let program = unmask_tests::program::program();
    // Says that the ground is dark, as terminals do.
    let mut terminal = Terminal::start(&program, &[], &[("COLORFGBG", "15;0")], size);
    terminal.wait(LONG, "ready model", |screen| screen.contains("ready"));
    let begun = terminal.frames().len();
    // A key at a time, as a person types: a burst would count as a paste.
    for (at, key) in question.char_indices() {
        terminal.press(key.encode_utf8(&mut [0; 4]));
        let typed = question[..at + key.len_utf8()].trim_end();
        terminal.wait(LONG, "typed text", |screen| screen.contains(typed));
    }
    terminal.press("\r");
    terminal.wait(LONG, "running step", |screen| screen.contains("step"));
    terminal.wait(LONG, "answer", |screen| {
        screen.contains("tok/s") && screen.contains("ready")
    });
    let frames = terminal.frames().split_off(begun);
    let film = svg::moving(&frames, 3.0, Duration::from_secs(3));
    match std::fs::write(&out, film) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn parse(size: &str) -> Option<(u16, u16)> {
    let (columns, rows) = size.split_once('x')?;
    Some((columns.parse().ok()?, rows.parse().ok()?))
}
