//! Takes the pictures of the README from a real run on the demo model.
//!
//! `cargo run --release -p unmask-tests --bin film -- FOLDER`, after `cargo build --release`: `canvas.svg` moves; `main.svg`,
//! `generating.svg`, `picker.svg` and `settings.svg` stand still.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use unmask_tests::chat::{LONG, QUESTION, ask, wait_for};
use unmask_tests::program::{Home, program};
use unmask_tests::svg;
use unmask_tests::terminal::Terminal;

/// Longer than the menu takes to appear and notices to settle.
const QUIET: Duration = Duration::from_millis(700);
const SIZE: (u16, u16) = (100, 28);

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let [folder] = arguments.as_slice() else {
        return ExitCode::from(2);
    };
    match take(folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn take(folder: &Path) -> io::Result<()> {
    let home = Home::default();
    let mut terminal = open(&home);
    let begun = terminal.frames().len();
    question(&mut terminal, QUESTION);
    let frames = terminal.frames().split_off(begun);
    let film = svg::moving(&frames, 3.0, Duration::from_secs(3));
    std::fs::write(folder.join("canvas.svg"), film)?;
    question(&mut terminal, "Which element has the symbol Fe?");
    let frames = terminal.frames();
    let half = |screen: &str| screen.contains("Fe?") && screen.contains("step 12/");
    if let Some((_, screen)) = frames.iter().rev().find(|(_, it)| half(&it.contents())) {
        std::fs::write(folder.join("generating.svg"), svg::still(screen))?;
    }
    still(&terminal, folder, "main.svg")?;
    for (letter, name, title) in [
        ("m", "picker.svg", "Model and backend"),
        ("s", "settings.svg", "Generation settings"),
    ] {
        terminal.press("\x18");
        terminal.press(letter);
        wait_for(&terminal, &[title]);
        still(&terminal, folder, name)?;
        terminal.press("\x1b");
        terminal.wait(LONG, "the chat", |screen| !screen.contains(title));
    }
    Ok(())
}

fn open(home: &Home) -> Terminal {
    let environment = home.environment();
    // The backends beside the program are those that a user has.
    let mut environment: Vec<(&str, &str)> = (environment.iter())
        .filter(|(name, _)| *name != "UNMASK_BACKEND_PATH")
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    // Says that the ground is dark, as terminals do.
    environment.push(("COLORFGBG", "15;0"));
    let terminal = Terminal::start(&program(), &[], &environment, SIZE);
    wait_for(&terminal, &["● ready"]);
    terminal
}

fn question(terminal: &mut Terminal, text: &str) {
    ask(terminal, text);
    wait_for(terminal, &["◐ step"]);
    wait_for(terminal, &["● ready"]);
}

fn still(terminal: &Terminal, folder: &Path, name: &str) -> io::Result<()> {
    terminal.settles(QUIET, LONG);
    std::fs::write(folder.join(name), svg::still(&terminal.screen()))
}
