//! Takes the pictures of the README from a real run on the demo model.
//!
//! `cargo run --release -p unmask-tests --bin film -- FOLDER`, after `cargo build --release`: `canvas.svg` moves; the others
//! stand still, each on a dark ground and, named `-light`, on a light one.

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
    film(folder)?;
    for ground in [Ground::Dark, Ground::Light] {
        stills(folder, ground)?;
    }
    Ok(())
}

/// What the terminal draws on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ground {
    Dark,
    Light,
}

impl Ground {
    /// What a terminal says of it.
    fn colours(self) -> &'static str {
        match self {
            Self::Dark => "15;0",
            Self::Light => "0;15",
        }
    }

    fn write(self, folder: &Path, name: &str, svg: &str) -> io::Result<()> {
        let (name, svg) = match self {
            Self::Dark => (format!("{name}.svg"), svg.to_owned()),
            Self::Light => {
                let svg = svg
                    .replace("#16181d", "#ffffff")
                    .replace("#d8dade", "#24262b");
                (format!("{name}-light.svg"), svg)
            }
        };
        std::fs::write(folder.join(name), svg)
    }
}

/// The welcome, a question, and its answer being unmasked.
fn film(folder: &Path) -> io::Result<()> {
    let home = Home::default();
    let mut terminal = open(&home, Ground::Dark);
    let begun = terminal.frames().len();
    question(&mut terminal, STORY);
    let frames = terminal.frames().split_off(begun);
    let film = svg::moving(&frames, 1.5, Duration::from_secs(4));
    std::fs::write(folder.join("canvas.svg"), film)
}

const STORY: &str = "Tell me a story about a fox";

fn stills(folder: &Path, ground: Ground) -> io::Result<()> {
    let home = Home::default();
    let mut terminal = open(&home, ground);
    let whole = |screen: &str| screen.contains("nobody called") && screen.contains("a number asks");
    if let Some((_, screen)) = find(&terminal, 12, &whole) {
        ground.write(folder, "welcome", &svg::still(&screen))?;
    }
    question(&mut terminal, QUESTION);
    question(&mut terminal, STORY);
    let half = |screen: &str| screen.contains("◐ step 9");
    if let Some((_, screen)) = find(&terminal, 0, &half) {
        ground.write(folder, "generating", &svg::still(&screen))?;
    }
    still(&terminal, folder, ground, "main")?;
    for (letter, name, title) in [
        ("m", "picker", "● loaded"),
        ("s", "settings", "Generation settings"),
        ("p", "palette", "Commands"),
    ] {
        terminal.press("\x18");
        terminal.press(letter);
        wait_for(&terminal, &[title]);
        still(&terminal, folder, ground, name)?;
        terminal.press("\x1b");
        terminal.wait(LONG, "the chat", |screen| !screen.contains(title));
    }
    terminal.press("\t");
    terminal.press("i");
    wait_for(&terminal, &["Replay"]);
    for _ in 0..9 {
        terminal.press("\x1b[D");
    }
    terminal.press("n");
    still(&terminal, folder, ground, "replay")?;
    terminal.press("c");
    still(&terminal, folder, ground, "order")?;
    terminal.press("\x1b");
    wait_for(&terminal, &["● ready"]);
    terminal.press("\t");
    ask(&mut terminal, "/compare threshold=0.4");
    terminal.wait(LONG, "both answers", |screen| {
        screen.contains("first difference") && screen.contains("‖ A ")
    });
    for _ in 0..4 {
        terminal.press("\x1b[D");
    }
    still(&terminal, folder, ground, "compare")
}

/// The last frame that is like this, once `seconds` have passed if none is yet.
fn find(
    terminal: &Terminal,
    seconds: u64,
    is_it: &dyn Fn(&str) -> bool,
) -> Option<unmask_tests::terminal::Frame> {
    let found = || {
        let frames = terminal.frames();
        let mut frames = frames.into_iter().rev();
        frames.find(|(_, screen)| is_it(&screen.contents()))
    };
    found().or_else(|| {
        std::thread::sleep(Duration::from_secs(seconds));
        found()
    })
}

fn open(home: &Home, ground: Ground) -> Terminal {
    let environment = home.environment();
    // The backends beside the program are those that a user has.
    let mut environment: Vec<(&str, &str)> = (environment.iter())
        .filter(|(name, _)| *name != "UNMASK_BACKEND_PATH")
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    environment.push(("COLORFGBG", ground.colours()));
    let terminal = Terminal::start(&program(), &[], &environment, SIZE);
    wait_for(&terminal, &["● ready"]);
    terminal
}

fn question(terminal: &mut Terminal, text: &str) {
    ask(terminal, text);
    wait_for(terminal, &["◐ step"]);
    wait_for(terminal, &["● ready"]);
}

fn still(terminal: &Terminal, folder: &Path, ground: Ground, name: &str) -> io::Result<()> {
    terminal.settles(QUIET, LONG);
    ground.write(folder, name, &svg::still(&terminal.screen()))
}
