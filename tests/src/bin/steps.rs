//! Measures passes of one backend on one checkpoint: load time, seconds a pass by the clock and of processors, peak memory.
//!
//! `cargo run --release -p unmask-tests --bin steps -- BACKEND PRECISION CHECKPOINT [CACHE_FOLDER [OPTIONS]]`; the options as
//! JSON. Before or behind these: `--fed 192,192:128,32` positions of each pass and of how many, the last, the output is wanted
//! (of a block of 32 if nothing is said), `--threads N`, `--passes N` that count, `--json`.
//! Peaks are those of the process, so every measurement needs one of its own. Linux alone. `tests/peers/run.py` runs it.

use std::io::{self, Write as _};
use std::num::NonZeroU32;
use std::ops::{ControlFlow, Range};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use unmask_core::api::{
    CancelFlag, Cell, LoadSpec, Logits, Model, Pass, Position, Row, Session, SessionSpec, TokenId,
};
use unmask_core::checkpoint::{Checkpoint, Locations};
use unmask_core::model_id::ModelId;
use unmask_core::plugin::{BackendSearch, Registry, SearchPath};

/// Positions of the canvas, 64 of them a prompt; longer passes have a canvas of their own length.
const CANVAS: u32 = 192;
/// Where a pass begins that feeds a part of the canvas, as a dual cache does.
const PROMPT: u32 = 64;
/// Rows that are wanted if nothing is said: those of a block, for which alone an answer in blocks asks.
const BLOCK: u32 = 32;

/// What the command line asks for.
struct Arguments {
    backend: String,
    precision: String,
    checkpoint: PathBuf,
    cache_folder: Option<PathBuf>,
    options_json: String,
    fed: Vec<Fed>,
    threads: Option<NonZeroU32>,
    passes: usize,
    json: bool,
}

impl Arguments {
    fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, String> {
        const USAGE: &str = "steps BACKEND PRECISION CHECKPOINT [CACHE_FOLDER [OPTIONS]] [--fed 192,192:128,32] \
                             [--threads N] [--passes N] [--json]";
        let mut words = Vec::new();
        let mut fed = vec![Fed::of(CANVAS), Fed::of(BLOCK)];
        let (mut threads, mut passes, mut json) = (None, 7, false);
        while let Some(word) = given.next() {
            let mut value = || given.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--json" => json = true,
                "--fed" => {
                    fed = (value()?.split(',').map(Fed::parse)).collect::<Result<_, _>>()?;
                }
                "--threads" => threads = Some(number(&value()?)?),
                "--passes" => passes = number::<std::num::NonZeroUsize>(&value()?)?.get(),
                _ if word.starts_with("--") => return Err(format!("unknown {word}: {USAGE}")),
                _ => words.push(word),
            }
        }
        let mut words = words.into_iter();
        let mut word = || words.next().ok_or(USAGE);
        Ok(Self {
            backend: word()?,
            precision: word()?,
            checkpoint: word()?.into(),
            cache_folder: word().ok().map(PathBuf::from),
            options_json: word().unwrap_or_else(|_| "{}".to_owned()),
            fed,
            threads,
            passes,
            json,
        })
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not a number above 0"))
}

/// How many positions are fed, and of how many of them, the last, the output is wanted.
#[derive(Clone, Copy)]
struct Fed {
    count: u32,
    wanted: u32,
}

impl Fed {
    fn of(count: u32) -> Self {
        let wanted = count.min(BLOCK);
        Self { count, wanted }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (count, wanted) = text.split_once(':').unwrap_or((text, ""));
        let of = Self::of(number::<NonZeroU32>(count)?.get());
        if wanted.is_empty() {
            return Ok(of);
        }
        let wanted = number::<NonZeroU32>(wanted)?.get();
        if wanted > of.count {
            return Err(format!("{text:?} wants more than is fed"));
        }
        Ok(Self { wanted, ..of })
    }
}

/// What was measured of such passes.
struct Measured {
    of: Fed,
    fastest: Duration,
    median: Duration,
    /// Of processors, the mean.
    cpu: Duration,
}

fn main() -> Result<(), String> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let registry = Registry::discover(&SearchPath::new(&BackendSearch::here(Vec::new())));
    let backend = registry
        .find(&arguments.backend)
        .map_err(|error| text(&error))?;
    let folder = ModelId::Folder(arguments.checkpoint.clone());
    let checkpoint = Checkpoint::open(&folder, &Locations::default());
    let checkpoint = checkpoint.map_err(|error| text(&error))?;
    let spec = LoadSpec {
        family: checkpoint.family.name.to_owned(),
        folder: checkpoint.folder().to_owned(),
        weights: checkpoint.weights,
        config_json: checkpoint.config_json,
        device: "cpu".to_owned(),
        precision: arguments.precision.clone(),
        threads: arguments.threads,
        attention: checkpoint.attention,
        cache_folder: arguments.cache_folder.clone(),
        options_json: arguments.options_json.clone(),
    };
    let began = (Instant::now(), processor_time());
    let model = backend.load(&spec, &|_| ControlFlow::Continue(()));
    let model = model.map_err(|error| error.full_text())?;
    let loaded = (began.0.elapsed(), processor_time() - began.1, peak_bytes());
    let longest = arguments.fed.iter().map(|of| of.count).max().unwrap_or(0);
    let session = model.session(SessionSpec {
        cells: longest.max(CANVAS),
        slots: 1,
    });
    let mut session = session.map_err(|error| error.full_text())?;
    let mut measured = Vec::new();
    for &of in &arguments.fed {
        measured.push(passes(&*model, &mut *session, of, arguments.passes)?);
    }
    let told = match arguments.json {
        true => writeln!(io::stdout(), "{}", object(&arguments, loaded, &measured)),
        false => tell(&arguments, loaded, &measured),
    };
    told.map_err(|error| text(&error))
}

/// Time by the clock, of processors, and the peak after it.
type Load = (Duration, Duration, u64);

fn tell(arguments: &Arguments, (wall, cpu, peak): Load, measured: &[Measured]) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(
        out,
        "{} {}: load {wall:.2?} ({cpu:.2?} of processors), peak {} MB",
        arguments.backend,
        arguments.precision,
        peak / 1_000_000
    )?;
    for it in measured {
        writeln!(
            out,
            "  {} fed, {} wanted: fastest {:.3?}, median {:.3?}, {:.3?} of processors",
            it.of.count, it.of.wanted, it.fastest, it.median, it.cpu
        )?;
    }
    writeln!(out, "  peak {} MB", peak_bytes() / 1_000_000)
}

/// Seconds and bytes.
fn object(arguments: &Arguments, (wall, cpu, peak): Load, measured: &[Measured]) -> Value {
    let passes = measured.iter().map(|it| {
        json!({
            "fed": it.of.count,
            "wanted": it.of.wanted,
            "fastest": it.fastest.as_secs_f64(),
            "median": it.median.as_secs_f64(),
            "cpu": it.cpu.as_secs_f64(),
        })
    });
    json!({
        "backend": arguments.backend,
        "precision": arguments.precision,
        "load": { "wall": wall.as_secs_f64(), "cpu": cpu.as_secs_f64(), "peak": peak },
        "passes": passes.collect::<Vec<_>>(),
        "peak": peak_bytes(),
    })
}

/// Such passes, after one that does not count.
fn passes(
    model: &dyn Model,
    session: &mut dyn Session,
    of: Fed,
    passes: usize,
) -> Result<Measured, String> {
    let count = of.count;
    let canvas = count.max(CANVAS);
    let start = PROMPT.min(canvas - count);
    let fed: Range<u32> = start..start + count;
    let wanted = fed.end - of.wanted..fed.end;
    let rows = [Row {
        fed: count,
        slot: 0,
        context: 0..canvas,
        padding: 0,
    }];
    let tokens: Vec<TokenId> = fed.clone().map(|at| TokenId(at * 7 % 1000)).collect();
    let positions: Vec<Position> = fed.clone().map(Position).collect();
    let cells: Vec<Cell> = fed.clone().map(Cell).collect();
    let wanted: Vec<u32> = wanted.map(|at| at - fed.start).collect();
    let pass = Pass {
        rows: &rows,
        tokens: &tokens,
        positions: &positions,
        cells: &cells,
        mask: None,
        wanted: &wanted,
        cancel: &CancelFlag::new(),
    };
    let mut logits = Logits::default();
    logits.reset(wanted.len(), model.facts().vocab);
    let all: Vec<u32> = (0..wanted.len() as u32).collect();
    let mut run = || {
        let began = Instant::now();
        let result = session.forward(&pass);
        result
            .and_then(|()| session.read_logits(&all, logits.view()))
            .map(|()| began.elapsed())
            .map_err(|error| error.full_text())
    };
    run()?;
    let before = processor_time();
    let mut walls: Vec<Duration> = (0..passes).map(|_| run()).collect::<Result<_, _>>()?;
    let cpu = (processor_time() - before) / passes as u32;
    walls.sort_unstable();
    Ok(Measured {
        of,
        fastest: walls[0],
        median: walls[passes / 2],
        cpu,
    })
}

/// User and system time of all threads.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name, in brackets, may hold spaces.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// The most memory that was resident, mapped files included; 0 if the system does not say.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB"));
    kilobytes
        .and_then(|it| it.trim().parse::<u64>().ok())
        .map_or(0, |it| it * 1024)
}
