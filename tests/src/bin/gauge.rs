//! Measures the screen from outside: start to first frame, idle processor time, memory.
//!
//! `cargo run --release -p unmask-tests --bin gauge`, after `cargo build --release`. Linux alone.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use unmask_tests::chat::LONG;
use unmask_tests::program::Home;
use unmask_tests::terminal::Terminal;

const STARTS: usize = 15;
const IDLE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    match gauge() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn gauge() -> io::Result<()> {
    let mut out = io::stdout();
    let home = Home::default();
    for (kind, host) in [("answers", Host::Answers), ("is mute", Host::IsMute)] {
        let mut starts: Vec<Duration> = (0..STARTS).map(|_| first_frame(&home, host)).collect();
        starts.sort_unstable();
        let (median, slowest) = (starts[STARTS / 2], starts[STARTS - 1]);
        writeln!(
            out,
            "start to first frame, terminal {kind}: median {median:.1?}, slowest of {STARTS} {slowest:.1?}"
        )?;
    }
    let mut terminal = open(&home);
    terminal.wait(LONG, "ready model", |screen| screen.contains("● ready"));
    terminal.settles(Duration::from_secs(1), LONG);
    let before = processor_time(&terminal)?;
    std::thread::sleep(IDLE);
    let ticks = processor_time(&terminal)? - before;
    writeln!(
        out,
        "processor while idle   {ticks} ticks of 10 ms in {IDLE:?}"
    )?;
    writeln!(out, "memory, demo loaded    {}", memory(&terminal)?)?;
    terminal.press("What is the capital of France?");
    std::thread::sleep(Duration::from_millis(300));
    terminal.press("\r");
    terminal.wait(LONG, "answer", |screen| {
        screen.contains("tok/s") && screen.contains("● ready")
    });
    writeln!(out, "memory after an answer {}", memory(&terminal)?)
}

fn open(home: &Home) -> Terminal {
    home.start(&[], &[], (120, 40))
}

/// Whether the terminal answers what it is asked at the start.
#[derive(Clone, Copy)]
enum Host {
    Answers,
    IsMute,
}

fn first_frame(home: &Home, host: Host) -> Duration {
    /// What every terminal answers last: its device attributes.
    const ATTRIBUTES: &str = "\x1b[?62;22c";
    let began = Instant::now();
    let mut terminal = open(home);
    if let Host::Answers = host {
        while !terminal.raw().windows(3).any(|bytes| bytes == b"\x1b[c") {
            std::thread::sleep(Duration::from_micros(200));
        }
        terminal.press(ATTRIBUTES);
    }
    terminal.wait(LONG, "first frame", |screen| screen.contains("›"));
    began.elapsed()
}

fn of_process(terminal: &Terminal, file: &str) -> io::Result<String> {
    let folder = PathBuf::from(format!("/proc/{}", terminal.process_id()));
    std::fs::read_to_string(folder.join(file))
}

/// User and system time in ticks.
fn processor_time(terminal: &Terminal) -> io::Result<u64> {
    let stat = of_process(terminal, "stat")?;
    // The name, in brackets, may hold spaces.
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let field = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
    match (field(11), field(12)) {
        (Some(user), Some(system)) => Ok(user + system),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn memory(terminal: &Terminal) -> io::Result<String> {
    let status = of_process(terminal, "status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    Ok(line.unwrap_or("?").trim().to_owned())
}
