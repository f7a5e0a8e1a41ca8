//! Uses the program at random for a while: keys, pastes, the mouse, sizes, questions, commands, panels, switches.
//!
//! `cargo run --release -p unmask-tests --bin soak -- [MINUTES] [SEED]`, after `cargo build --release --workspace`; 10
//! minutes if none are said. It ends with an error if the program panics or crashes, if its screen holds stale cells (a
//! repaint changes what is seen), if it no longer answers, or if its memory grows.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use unmask_tests::chat::LONG;
use unmask_tests::program::Home;
use unmask_tests::terminal::Terminal;

const QUIET: Duration = Duration::from_millis(250);
/// Memory may grow by this share between the middle and the last third of the run.
const GROWTH: f64 = 1.2;

/// Keys with what they are, of which any may come at any time. Those that leave are not among them, but for what a
/// letter behind ^X and a ^C may do. Joined emoji are left out: the terminal of these tests gives them other widths than
/// Unicode does.
const KEYS: &[&str] = &[
    "\x1b",
    "\x1b",
    "\t",
    "\r",
    "\x1b[A",
    "\x1b[B",
    "\x1b[C",
    "\x1b[D",
    "\x1b[5~",
    "\x1b[6~",
    "\x1b[H",
    "\x1b[F",
    "\x7f",
    "\x1b[3~",
    "\x01",
    "\x05",
    "\x0b",
    "\x15",
    "\x17",
    "\x19",
    "\x0c",
    "\x10",
    "\x12",
    "\x1f",
    "\x1bb",
    "\x1bf",
    "\x1bd",
    "\x0a",
    "\x1b[1;5H",
    "\x1b[1;5F",
    "\x1bOP",
];
/// Those that write, or mean something on the canvas.
const SIGNS: &[&str] = &[
    " ", "?", "[", "]", "t", "y", "m", "j", "k", "d", "s", "i", "v", "x", "r", "c", "g", "n", "N",
    "E", "R", "o", "h", "l", "w", "b", "p", "e", "u", "U", "G", "<", ">", "+", "-", "1", "2", "漢",
    "👍", "é", "a", "/",
];
const LETTERS: &[&str] = &[
    "m", "s", "l", "n", "r", "e", "i", "c", "y", "o", "f", "p", "u", "t", "x", "d", "h", "g", "w",
    "\x1b",
];
const QUESTIONS: &[&str] = &[
    "What is the capital of France?",
    "What is 3 plus 4?",
    "Tell me a joke.",
    "Which element has the symbol Fe?",
    "Hello!",
];
const COMMANDS: &[&str] = &[
    "/set steps=16",
    "/set threshold=0.9",
    "/set threshold=off",
    "/set length=32",
    "/set length=64",
    "/set temperature=0.5",
    "/set temperature=0",
    "/set delay=20",
    "/set delay=0",
    "/speed turbo",
    "/speed balanced",
    "/pin 0:Once",
    "/pin 5:",
    "/pin clear",
    "/retry",
    "/continue",
    "/undo",
    "/new",
    "/sessions",
    "/models",
    "/models get",
    "/backend candle",
    "/backend toy",
    "/settings",
    "/fill The capital of ___ is [MASK:2].",
    "/fill nothing",
    "/edit",
    "/edit 2",
    "/find the",
    "/find nowhere",
    "/find",
    "/export",
    "/export html",
    "/export png",
    "/share",
    "/branch",
    "/branch 1",
    "/branch 1b",
    "/replay",
    "/remask low=0.9",
    "/remask 0-2",
    "/compare steps=16",
    "/compare threshold=0.9",
    "/compare 1 1b",
    "/compare",
    "/rename soak 漢字",
    "/copy",
    "/copy code 3",
    "/theme gradio",
    "/theme dark",
    "/motion reduced",
    "/motion full",
    "/mouse off",
    "/mouse on",
    "/stats",
    "/doctor",
    "/help",
    "/keys",
    "/modle",
    "/raw",
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| arguments.next().map_or(Some(default), |it| it.parse().ok());
    let (Some(minutes), Some(seed)) = (number(10), number(1)) else {
        return ExitCode::from(2);
    };
    match soak(Duration::from_secs(60 * minutes), seed) {
        Ok(report) => {
            writeln!(std::io::stdout(), "{report}").ok();
            ExitCode::SUCCESS
        }
        Err(failure) => {
            writeln!(std::io::stderr(), "{failure}").ok();
            ExitCode::FAILURE
        }
    }
}

fn soak(length: Duration, seed: u64) -> Result<String, String> {
    let home = Home::default();
    let mut chance = Chance(seed);
    let mut terminal = open(&home);
    // Of the process that runs, and of the one that has run longest.
    let (mut memory, mut longest) = (vec![], vec![]);
    let (mut acts, mut checks, mut quits) = (0_u64, 0_u64, 0_u64);
    let began = Instant::now();
    while began.elapsed() < length {
        act(&mut terminal, &mut chance);
        acts += 1;
        if acts.is_multiple_of(40) {
            if !terminal.has_ended() {
                check(&mut terminal).map_err(|why| format!("seed {seed}, act {acts}: {why}"))?;
                checks += 1;
                memory.extend(resident(terminal.process_id()));
            }
            terminal.forget();
        }
        if terminal.has_ended() {
            let status = terminal.wait_end(LONG);
            if !status.success() {
                let screen = terminal.screen().contents();
                return Err(format!(
                    "seed {seed}, act {acts}: it ended with {status:?}\n{screen}"
                ));
            }
            quits += 1;
            longest = longer(longest, std::mem::take(&mut memory));
            terminal = open(&home);
        }
    }
    let log = std::fs::read_to_string(home.state("unmask.log")).unwrap_or_default();
    if let Some(line) = log.lines().find(|line| line.contains("panicked")) {
        return Err(format!("seed {seed}: {line}"));
    }
    let memory = longer(longest, memory);
    let third = memory.len() / 3;
    let mean = |part: &[u64]| part.iter().sum::<u64>() as f64 / part.len().max(1) as f64;
    let (middle, last) = (mean(&memory[third..2 * third]), mean(&memory[2 * third..]));
    let mut report = format!("seed {seed}: {acts} acts, {checks} checks, {quits} quits");
    // Writing to a string cannot fail.
    write!(
        report,
        "; memory {:.0} MB, then {:.0} MB",
        middle / 1e6,
        last / 1e6
    )
    .ok();
    match third > 3 && last > middle * GROWTH {
        true => Err(format!("{report}: it grows")),
        false => Ok(report),
    }
}

fn longer(one: Vec<u64>, other: Vec<u64>) -> Vec<u64> {
    match one.len() > other.len() {
        true => one,
        false => other,
    }
}

fn open(home: &Home) -> Terminal {
    let terminal = home.start(&[], &[("EDITOR", "true"), ("VISUAL", "true")], (80, 24));
    terminal.wait(LONG, "ready model", |screen| screen.contains("● ready"));
    terminal
}

fn act(terminal: &mut Terminal, chance: &mut Chance) {
    match chance.below(21) {
        0..=2 => terminal.press(chance.of(KEYS)),
        3..=7 => terminal.press(chance.of(SIGNS)),
        8 | 9 => {
            terminal.press("\x18");
            terminal.press(chance.of(LETTERS));
        }
        10 | 11 => {
            terminal.press("\x1b");
            pause(60);
            terminal.press(chance.of(QUESTIONS));
            pause(30);
            terminal.press("\r");
        }
        12 | 13 => {
            terminal.press("\x1b");
            pause(60);
            terminal.press(chance.of(COMMANDS));
            pause(30);
            terminal.press("\r");
        }
        14 => terminal.resize(chance.between(20, 200), chance.between(5, 60)),
        15 => terminal.resize(80, 24),
        16 => {
            let lines = "a line of a paste\n".repeat(chance.below(30));
            terminal.press(&format!("\x1b[200~{lines}\x1b[201~"));
        }
        17 => {
            let (button, column, row) = (
                chance.of(&["0", "64", "65"]),
                chance.between(1, 80),
                chance.between(1, 24),
            );
            terminal.press(&format!(
                "\x1b[<{button};{column};{row}M\x1b[<{button};{column};{row}m"
            ));
        }
        18 => drag(terminal, chance),
        19 => terminal.press("\x03"),
        _ => pause(200),
    }
    pause(chance.between(2, 60).into());
}

/// The button is pressed, the mouse moved, the button let go; now and then beyond the edges.
fn drag(terminal: &mut Terminal, chance: &mut Chance) {
    let mut cell = || (chance.between(1, 90), chance.between(1, 26));
    let (from, through, to) = (cell(), cell(), cell());
    terminal.press(&format!("\x1b[<0;{};{}M", from.0, from.1));
    for (column, row) in [through, to] {
        pause(60);
        terminal.press(&format!("\x1b[<32;{column};{row}M"));
    }
    terminal.press(&format!("\x1b[<0;{};{}m", to.0, to.1));
}

/// It comes back to the chat, is ready after a while, and a repaint changes nothing.
fn check(terminal: &mut Terminal) -> Result<(), String> {
    terminal.resize(100, 30);
    let until = Instant::now() + LONG;
    loop {
        let screen = terminal.screen().contents();
        if terminal.has_ended() {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(format!("it is not ready again:\n{screen}"));
        }
        let header = screen.lines().next().unwrap_or_default();
        if header.contains("● ready")
            && !screen.contains("Esc ─╯")
            && !screen.contains("Esc dismiss")
        {
            break;
        }
        // Back from overlays; a turn that rests is stopped, one that runs is left alone.
        if !header.contains("◐") {
            terminal.press("\x1b");
        }
        pause(100);
    }
    // Words to the user go after six seconds; what stays has settled.
    if !terminal.settles(QUIET, Duration::from_secs(20)) {
        return Err(format!(
            "it draws without end:\n{}",
            terminal.screen().contents()
        ));
    }
    let before = terminal.screen().contents();
    terminal.press("\x0c");
    terminal.settles(QUIET, Duration::from_secs(20));
    let after = terminal.screen().contents();
    // A word may go by itself just then; and blanks that were written are as good as none.
    let body = |screen: &str| {
        let rows = screen.lines().rev().skip(1);
        rows.map(|row| row.trim_end().to_owned())
            .collect::<Vec<_>>()
    };
    // Between two messages that wait it is ready for a moment only.
    let is_at_rest = |screen: &str| {
        screen
            .lines()
            .next()
            .is_some_and(|it| it.contains("● ready"))
    };
    let has_moved = terminal.has_ended() || !is_at_rest(&before) || !is_at_rest(&after);
    match has_moved || body(&before) == body(&after) {
        true => Ok(()),
        false => Err(format!(
            "stale cells; before a repaint:\n{before}\nafter it:\n{after}"
        )),
    }
}

/// Resident memory in bytes, where the system tells.
fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}

fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// Draws that a seed fixes (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn between(&mut self, low: u16, high: u16) -> u16 {
        low + (self.next() % u64::from(high - low + 1)) as u16
    }

    fn of<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}
