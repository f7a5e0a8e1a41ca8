//! Turns and states for tests.

mod measured;
mod model;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use unmask_core::api::{Device, DeviceKind};
use unmask_core::catalogue::{Catalogue, ModelChoice, Readiness, memory};
use unmask_core::checkpoint::{SearchOutcome, Searched};
use unmask_core::config::ConfigSource;
use unmask_core::engine::{Loaded, TurnId};
use unmask_core::event::{Commit, CommitKind, FinishReason, Stats, StepEvent};
use unmask_core::plugin::{BackendRow, BackendState};
use unmask_core::text::Vocabulary;
use unmask_core::{Canvas, Params, Position, TokenId};

use crate::action::TimeOfDay;
use crate::state::{Answer, Entry, LogKept, MessageKind, Turn};
pub(crate) use measured::measurement;
pub(crate) use model::MASK;
use model::{END, RESERVED, model};

/// One position of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FixtureCell {
    /// A token of text.
    Text(&'static [u8]),
    /// Another special token.
    Special(&'static str),
    /// The mask.
    Mask,
    /// The end token.
    End,
}

/// A model whose tokens are the cells, in order after the reserved ones.
pub(crate) fn loaded(cells: &[FixtureCell]) -> Arc<Loaded> {
    let pieces = cells.iter().map(|cell| match cell {
        FixtureCell::Text(bytes) => (*bytes, false),
        FixtureCell::Special(name) => (name.as_bytes(), true),
        FixtureCell::Mask | FixtureCell::End => (&b""[..], false),
    });
    let vocabulary = Vocabulary::new(RESERVED.into_iter().chain(pieces));
    Arc::new(model(Arc::new(vocabulary)))
}

/// The token of the cell at `index`.
pub(crate) fn token(cells: &[FixtureCell], index: usize) -> TokenId {
    match cells[index] {
        FixtureCell::Text(_) | FixtureCell::Special(_) => TokenId((RESERVED.len() + index) as u32),
        FixtureCell::Mask => MASK,
        FixtureCell::End => END,
    }
}

/// A message of the user.
pub(crate) fn you(text: &str) -> Entry {
    Entry::You {
        text: text.to_owned(),
        kind: MessageKind::Plain,
        at: TimeOfDay::default(),
    }
}

/// A whole answer.
pub(crate) fn answer(text: &str) -> Entry {
    Entry::Answer(Answer {
        name: "toy".to_owned(),
        text: text.to_owned(),
        reason: FinishReason::Complete,
        stats: Stats::default(),
        params: Box::default(),
        trace: None,
        log_kept: LogKept::No,
    })
}

/// A turn of one block whose first step has committed every cell but the masks, with confidence 0.9.
pub(crate) fn turn_of(cells: &[FixtureCell]) -> Turn {
    let mut turn = Turn::new(TurnId(1), loaded(cells), "?".to_owned());
    let params = Params {
        steps: 4,
        block_length: cells.len(),
        ..Params::default()
    };
    turn.lay_out(Canvas::new(&[], cells.len(), MASK), &params);
    let commits = (0..cells.len())
        .filter(|&index| token(cells, index) != MASK)
        .map(|index| new(index, token(cells, index), 0.9))
        .collect();
    turn.apply(&step(1, 4, commits));
    turn
}

/// As [`turn_of`], with the cell at `pin` given by the user.
pub(crate) fn turn_with_pin(cells: &[FixtureCell], pin: usize) -> Turn {
    let mut turn = Turn::new(TurnId(1), loaded(cells), "?".to_owned());
    let params = Params {
        steps: 4,
        block_length: cells.len(),
        ..Params::default()
    };
    let mut canvas = Canvas::new(&[], cells.len(), MASK);
    canvas.pin(Position(pin as u32), token(cells, pin));
    turn.lay_out(canvas, &params);
    let commits = (0..cells.len())
        .filter(|&index| index != pin && token(cells, index) != MASK)
        .map(|index| new(index, token(cells, index), 0.9))
        .collect();
    turn.apply(&step(1, 4, commits));
    turn
}

/// Commits one more token in a step.
pub(crate) fn commit(turn: &mut Turn, at_step: usize, at: u32, confidence: f32, kind: CommitKind) {
    // Any text token does: the first cell of the tests that use this is one.
    let token = TokenId(RESERVED.len() as u32);
    let commit = Commit {
        at: Position(at),
        token,
        was: None,
        confidence,
        entropy: 0.1,
        kind,
        top: Vec::new(),
    };
    turn.apply(&step(at_step, 4, vec![commit]));
}

/// A commit of a masked position.
pub(crate) fn new(at: usize, token: TokenId, confidence: f32) -> Commit {
    Commit {
        at: Position(at as u32),
        token,
        was: None,
        confidence,
        entropy: 0.1,
        kind: CommitKind::New,
        top: vec![(token, confidence)],
    }
}

/// A step of 140 ms in the first of one block.
pub(crate) fn step(step: usize, steps: usize, commits: Vec<Commit>) -> StepEvent {
    StepEvent {
        guesses: Vec::new(),
        step,
        steps,
        call: step - 1,
        block: 0,
        blocks: 1,
        fed: 0..0,
        length: 0,
        masked: 0,
        commits,
        elapsed: Duration::from_millis(140),
        forward: Duration::from_millis(131),
        nfe: step,
        nfe_saved: 0.0,
    }
}

/// The machine of the mock-ups: nine rows, three backends that do not work, and free memory.
pub(crate) fn machine() -> Catalogue {
    const GB: u64 = 1_000_000_000;
    let row = |it: (&str, &str, &str, &str, &str, &str, u64)| ModelChoice {
        key: it.0.to_owned(),
        name: it.1.to_owned(),
        description: String::new(),
        framework: it.2.to_owned(),
        device: it.3.to_owned(),
        device_name: it.4.to_owned(),
        precision: it.5.to_owned(),
        precision_reason: unmask_core::precision::PrecisionReason::Named,
        needs_bytes: Some(it.6 * GB),
        readiness: match it.0 {
            "base" => Readiness::NotOnDisk("run `unmask pull GSAI-ML/LLaDA-8B-Base`".to_owned()),
            _ => Readiness::Ready,
        },
    };
    let (gpu, h100) = ("cuda:0", "H100 80GB");
    let (cpu, cores) = ("cpu", "16 cores");
    let llada = "LLaDA-8B-Instruct";
    let choices = [
        ("llada", llada, "ort-cuda", gpu, h100, "fp16", 17),
        ("llada", llada, "ort-cpu", cpu, cores, "int8", 9),
        ("llada", llada, "candle", cpu, cores, "q4_0", 6),
        ("base", "LLaDA-8B-Base", "ort-cuda", gpu, h100, "fp16", 17),
        ("dream", "Dream-7B", "ort-cuda", gpu, h100, "fp16", 16),
        ("dream", "Dream-7B", "ort-cpu", cpu, cores, "int8", 8),
        ("dream", "Dream-7B", "candle", cpu, cores, "q4_0", 5),
        ("huge", "huge", "candle", cpu, cores, "q4_0", 120),
        ("mini", "mini", "candle", cpu, cores, "q4_0", 1),
    ];
    let device = |id: &str, name: &str, kind, gigabytes: u64| Device {
        id: id.to_owned(),
        name: name.to_owned(),
        kind,
        total_bytes: 128 * GB,
        free_bytes: gigabytes * GB,
        precisions: vec!["fp16".to_owned()],
        ranked: false,
    };
    let usable = |name: &str, device: Device| BackendRow {
        path: PathBuf::new(),
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        state: BackendState::Usable { score: 10 },
        devices: vec![device],
        runtimes: String::new(),
    };
    let unusable = |name: &str, reason: &str, remedy: &str| BackendRow {
        path: PathBuf::new(),
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        state: BackendState::Unusable {
            reason: reason.to_owned(),
            remedy: remedy.to_owned(),
        },
        devices: Vec::new(),
        runtimes: String::new(),
    };
    let backends = vec![
        usable("ort-cuda", device(gpu, h100, DeviceKind::Gpu, 61)),
        usable(
            "ort-cpu",
            device(cpu, "16 cores, AVX-512", DeviceKind::Cpu, 102),
        ),
        usable("candle", device(cpu, cores, DeviceKind::Cpu, 102)),
        unusable("mlx", "needs Apple silicon", ""),
        unusable("ort-dml", "needs Windows (DirectX 12)", ""),
        unusable(
            "myplugin",
            "ABI 3, this program speaks 4",
            "rebuild the plugin",
        ),
    ];
    let searched = |place: &str, found| Searched {
        place: place.to_owned(),
        found,
    };
    Catalogue {
        source: ConfigSource::Embedded,
        active: "llada".to_owned(),
        choices: choices.into_iter().map(row).collect(),
        surveyed: Vec::new(),
        memory: memory(&backends),
        backends,
        searched: vec![
            searched("~/.local/share/unmask/models", SearchOutcome::Models(0)),
            searched("$UNMASK_MODELS", SearchOutcome::NotSet),
            searched("~/.cache/huggingface/hub", SearchOutcome::NoFolder),
        ],
    }
}
