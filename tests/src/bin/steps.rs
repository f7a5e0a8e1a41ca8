//! Measures passes of one backend on one checkpoint: load time, seconds a pass by the clock and of processors, peak memory.
//!
//! `cargo run --release -p unmask-tests --bin steps -- BACKEND PRECISION CHECKPOINT [CACHE_FOLDER [OPTIONS]]`; the options as
//! JSON. Peaks are those of the process, so every measurement needs one of its own. Linux alone.

use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use unmask_core::api::{
    CancelFlag, Cell, LoadSpec, Logits, Model, Pass, Position, Row, Session, SessionSpec, TokenId,
};
use unmask_core::checkpoint::{Checkpoint, Locations};
use unmask_core::model_id::ModelId;
use unmask_core::plugin::{BackendSearch, Registry, SearchPath};

/// 64 tokens of prompt and 128 of answer.
const CANVAS: u32 = 192;
const PROMPT: u32 = 64;
/// What a dual cache feeds.
const BLOCK: u32 = 32;
/// Passes that are measured, after one that is not.
const PASSES: usize = 7;

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, precision, folder, rest @ ..] = arguments.as_slice() else {
        return Err("steps BACKEND PRECISION CHECKPOINT [CACHE_FOLDER [OPTIONS]]".to_owned());
    };
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let registry = Registry::discover(&SearchPath::new(&BackendSearch::here(Vec::new())));
    let backend = registry.find(name).map_err(|error| text(&error))?;
    let folder = ModelId::Folder(PathBuf::from(folder));
    let checkpoint = Checkpoint::open(&folder, &Locations::default());
    let checkpoint = checkpoint.map_err(|error| text(&error))?;
    let spec = LoadSpec {
        family: checkpoint.family.name.to_owned(),
        folder: checkpoint.folder,
        weights: checkpoint.weights,
        config_json: checkpoint.config_json,
        device: "cpu".to_owned(),
        precision: precision.clone(),
        threads: None,
        attention: checkpoint.family.attention,
        cache_folder: rest.first().map(PathBuf::from),
        options_json: rest.get(1).cloned().unwrap_or_else(|| "{}".to_owned()),
    };
    let began = (Instant::now(), processor_time());
    let model = backend.load(&spec, &|_| ControlFlow::Continue(()));
    let model = model.map_err(|error| error.full_text())?;
    let loaded = (began.0.elapsed(), processor_time() - began.1, peak());
    let room = SessionSpec {
        cells: CANVAS,
        slots: 1,
    };
    let session = model.session(room);
    let mut session = session.map_err(|error| error.full_text())?;
    let whole = passes(&*model, &mut *session, 0..CANVAS, PROMPT..CANVAS)?;
    let block = PROMPT..PROMPT + BLOCK;
    let part = passes(&*model, &mut *session, block.clone(), block)?;
    tell(name, precision, loaded, &[(CANVAS, whole), (BLOCK, part)]).map_err(|error| text(&error))
}

fn tell(
    name: &str,
    precision: &str,
    (wall, cpu, loaded): (Duration, Duration, String),
    measured: &[(u32, [Duration; 3])],
) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(
        out,
        "{name} {precision}: load {wall:.2?} ({cpu:.2?} of processors), peak {loaded}"
    )?;
    for (fed, [fastest, median, cpu]) in measured {
        writeln!(
            out,
            "  {fed} fed: fastest {fastest:.3?}, median {median:.3?}, {cpu:.3?} of processors"
        )?;
    }
    writeln!(out, "  peak {}", peak())
}

/// The fastest and the median pass by the clock, and the mean time of processors.
fn passes(
    model: &dyn Model,
    session: &mut dyn Session,
    fed: std::ops::Range<u32>,
    wanted: std::ops::Range<u32>,
) -> Result<[Duration; 3], String> {
    let rows = [Row {
        fed: fed.len() as u32,
        slot: 0,
        context: 0..CANVAS,
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
    let mut walls: Vec<Duration> = (0..PASSES).map(|_| run()).collect::<Result<_, _>>()?;
    let cpu = (processor_time() - before) / PASSES as u32;
    walls.sort_unstable();
    Ok([walls[0], walls[PASSES / 2], cpu])
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

/// The most memory that was resident, mapped files included.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or("unknown").trim().to_owned()
}
