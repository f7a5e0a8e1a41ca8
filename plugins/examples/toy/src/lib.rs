//! The smallest backend: every position wants the token equal to its own index. Copy it to start your own.
//!
//! It has no weights and no network, but it keeps every promise of the contract, so it takes part in the conformance suite.
//! Build it and let the program run it this once; `plugins/README.md` tells how to install it:
//!
//! ```text
//! cargo build --release -p example-toy
//! unmask backends --plugin target/release/libexample_toy.so
//! ```
//!
//! A model entry uses it with `framework = "toy"` and any checkpoint folder; the answer is then the vocabulary, in order.
//!
//! The three types below are the three traits: `Toy` is what the library exports, `ToyModel` what a load gives and
//! `ToySession` one conversation. The last line of the file makes a plugin of them.

mod divergence;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use unmask_sdk::keys::{CellPositions, RowKeys};
use unmask_sdk::output::KeptLogits;
use unmask_sdk::{
    Attention, Backend, BackendError, Capabilities, Cell, Device, DeviceKind, Estimate,
    LoadProgress, LoadSpec, LogitsMut, Model, ModelFacts, Pass, Position, Probe, Progress, Session,
    SessionSpec, TokenId, TopMut, TopRequest, export_backend, log,
};

use divergence::Remembered;

/// The backend: cheap, stateless, shared by everything that it loads.
pub struct Toy;

impl Backend for Toy {
    fn name(&self) -> &str {
        "toy"
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    /// A real backend looks here for its device and its vendor library, and says what is missing.
    fn probe(&self) -> Probe {
        // The lowest score: nobody should be offered this one first.
        Probe::Usable { score: 1 }
    }

    fn devices(&self) -> Vec<Device> {
        vec![Device {
            id: "cpu".to_owned(),
            name: "any processor".to_owned(),
            kind: DeviceKind::Cpu,
            total_bytes: 0,
            free_bytes: 0,
            precisions: vec!["f32".to_owned()],
            ranked: false,
        }]
    }

    /// A real backend computes here what its weights and K/V will hold, from `config.json` and the sizes of the files.
    fn check(&self, spec: &LoadSpec) -> Result<Estimate, BackendError> {
        vocabulary(spec)?;
        Ok(Estimate {
            weights_bytes: 0,
            cell_bytes: CELL_BYTES,
            threads: 1,
        })
    }

    /// A real backend reads `spec.weights` here, for the network that `spec.family` names.
    fn load(
        &self,
        spec: &LoadSpec,
        progress: &Progress<'_>,
    ) -> Result<Box<dyn Model>, BackendError> {
        let vocab = vocabulary(spec)?;
        // Loading may take minutes; say how far it has come, and listen.
        let stage = LoadProgress {
            stage: "counting tokens",
            done: 0,
            total: vocab as u64,
        };
        if let ControlFlow::Break(()) = progress(stage) {
            return Err(BackendError::Cancelled);
        }
        log::info("load", format_args!("{vocab} tokens, no weights"));
        Ok(Box::new(ToyModel {
            vocab,
            attention: spec.attention,
        }))
    }

    /// Only for backends whose models other programs can use; without it, leave this function out.
    fn export(
        &self,
        spec: &LoadSpec,
        folder: &Path,
        progress: &Progress<'_>,
    ) -> Result<(), BackendError> {
        let vocab = vocabulary(spec)?;
        let stage = LoadProgress {
            stage: "writing tokens",
            done: 0,
            total: vocab as u64,
        };
        if let ControlFlow::Break(()) = progress(stage) {
            return Err(BackendError::Cancelled);
        }
        let path = folder.join("toy.txt");
        let written = fs::write(&path, format!("{vocab} tokens, no weights\n"));
        written.map_err(|source| BackendError::Io { path, source })
    }
}

/// What the checkpoint's `config.json` says; free-form `spec.options_json` is read in the same way.
///
/// What is not offered is refused, before the load and by it. There is no attention kind that this network does not compute;
/// one that computes only some refuses the others here.
fn vocabulary(spec: &LoadSpec) -> Result<usize, BackendError> {
    for (what, asked, offered) in [
        ("device", &spec.device, "cpu"),
        ("precision", &spec.precision, "f32"),
    ] {
        if asked != offered {
            return Err(BackendError::Unsupported(format!(
                "there is no {what} `{asked}`; use {offered}"
            )));
        }
    }
    let damaged = |what: String| BackendError::Checkpoint {
        path: spec.folder.join("config.json"),
        what,
    };
    let config: serde_json::Value =
        serde_json::from_str(&spec.config_json).map_err(|error| damaged(error.to_string()))?;
    let size = config["vocab_size"].as_u64().filter(|&size| size > 0);
    size.and_then(|size| usize::try_from(size).ok())
        .ok_or_else(|| damaged("`vocab_size` is missing or 0".to_owned()))
}

/// Loaded weights: immutable, shared by the sessions. There are none here.
struct ToyModel {
    vocab: usize,
    attention: Attention,
}

/// What a network keeps of a token as K and V; here it is the token itself, and its position.
const CELL_BYTES: u64 = (size_of::<TokenId>() + size_of::<Position>()) as u64;

impl Model for ToyModel {
    fn facts(&self) -> ModelFacts {
        ModelFacts {
            vocab: self.vocab,
            max_positions: 4096,
            memory_bytes: 0,
            cell_bytes: CELL_BYTES,
            precision: "f32".to_owned(),
            // Claim what you keep; what is not claimed is never asked.
            capabilities: Capabilities::BATCH
                | Capabilities::KV_CACHE
                | Capabilities::TOPK_OUTPUT
                | Capabilities::CANCEL
                | Capabilities::CONCURRENT
                | Capabilities::LEFT_PADDING
                | Capabilities::ATTENTION_MASK
                | Capabilities::DIVERGENCE
                | Capabilities::DETERMINISTIC,
            notes: Vec::new(),
        }
    }

    fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        let slot = vec![TokenId(0); spec.cells as usize];
        Ok(Box::new(ToySession {
            vocab: self.vocab,
            attention: self.attention,
            tokens: vec![slot; spec.slots as usize],
            positions: CellPositions::new(spec),
            output: None,
            places: Vec::new(),
            remembered: Remembered::default(),
        }))
    }
}

/// One conversation: its slots of cells, and the output of its last pass.
struct ToySession {
    vocab: usize,
    attention: Attention,
    /// `[slots, cells]`: the "K/V".
    tokens: Vec<Vec<TokenId>>,
    positions: CellPositions,
    /// `[wanted, vocab]`, unless the last pass failed.
    output: Option<Vec<f32>>,
    /// `[wanted]`: the slot and the cell of each row.
    places: Vec<(u32, Cell)>,
    remembered: Remembered,
}

impl Session for ToySession {
    /// The host has checked every index and order. What the output is kept for are the calls below.
    fn forward(&mut self, pass: &Pass<'_>) -> Result<(), BackendError> {
        self.output = None;
        self.places.clear();
        self.write_cells(pass);
        let rows = self.positions.keys(pass, self.attention);
        let mut output = vec![0.0; pass.wanted.len() * self.vocab];
        for (scores, &wanted) in output.chunks_exact_mut(self.vocab).zip(pass.wanted) {
            // A network asks between layers: a pass can take seconds.
            if pass.cancel.is_raised() {
                return Err(BackendError::Cancelled);
            }
            let wanted = wanted as usize;
            let own = rows.iter().find(|row| row.fed.contains(&wanted));
            let row = own.ok_or_else(|| BackendError::Invalid("a row of nobody".to_owned()))?;
            score(
                pass.positions[wanted],
                &self.seen(pass, row, wanted),
                scores,
            );
            self.places.push((row.slot as u32, pass.cells[wanted]));
        }
        self.output = Some(output);
        Ok(())
    }

    fn read_logits(&mut self, rows: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
        KeptLogits::of(self.output.as_deref(), self.vocab)?.read_logits(rows, out)
    }

    /// Only for backends that claim `TOPK_OUTPUT`; without it, leave this function out. A real backend does this on its
    /// device.
    fn read_top(&mut self, request: &TopRequest<'_>, out: TopMut<'_>) -> Result<(), BackendError> {
        let kept = KeptLogits::of(self.output.as_deref(), self.vocab)?;
        kept.check_top(&TopRequest {
            divergence: false,
            ..*request
        })?;
        if let (Some(logits), true) = (&self.output, request.divergence) {
            for (told, &row) in out.divergence.iter_mut().zip(request.rows) {
                let logits = &logits[row as usize * self.vocab..][..self.vocab];
                let place = self.places[row as usize];
                *told = self.remembered.replace(place, logits, request.banned);
            }
        }
        let rows = request.rows.iter();
        let summaries: Vec<_> = rows.map(|&row| kept.summary(row, request, out.k)).collect();
        kept.put_top(&summaries, request, out);
        Ok(())
    }

    fn copy_slot(&mut self, from: u32, to: u32) -> Result<(), BackendError> {
        self.positions.copy(from, to)?;
        self.tokens[to as usize] = self.tokens[from as usize].clone();
        self.remembered.copy(from, to);
        Ok(())
    }

    fn clear_slot(&mut self, slot: u32) -> Result<(), BackendError> {
        self.positions.clear(slot)?;
        self.remembered.clear(slot);
        Ok(())
    }

    fn reserve(&mut self, cells: u32) -> Result<(), BackendError> {
        self.positions.reserve(cells);
        for slot in &mut self.tokens {
            slot.resize(self.positions.cells(), TokenId(0));
        }
        Ok(())
    }
}

impl ToySession {
    /// Where a network writes K and V of the fed tokens that are to be kept.
    fn write_cells(&mut self, pass: &Pass<'_>) {
        for (row, fed) in pass.spans() {
            let slot = &mut self.tokens[row.slot as usize];
            for (cell, token) in pass.cells[fed.clone()].iter().zip(&pass.tokens[fed]) {
                if let Some(cell) = cell.index() {
                    slot[cell] = *token;
                }
            }
        }
    }

    /// The keys that the fed token `query` attends to: cells of its row's context, and what is fed beside them.
    fn seen(&self, pass: &Pass<'_>, row: &RowKeys, query: usize) -> Vec<TokenId> {
        let cells = self.tokens[row.slot][row.context.clone()].iter();
        let loose = row.loose.iter().map(|&at| &pass.tokens[at]);
        let keys = cells.chain(loose).enumerate();
        let seen = keys.filter(|(key, _)| row.sees(query - row.fed.start, *key));
        seen.map(|(_, token)| *token).collect()
    }
}

/// How much all tokens that are seen add together: less than the position itself.
const ATTENTION: f32 = 1.0 / 16.0;

/// The "network": a position wants the token equal to its own index, and a little each token that it sees. Later positions
/// are surer, so that the order in which they are unmasked can be seen.
fn score(at: Position, seen: &[TokenId], row: &mut [f32]) {
    let token = at.index() % row.len();
    row.fill(0.0);
    row[token] = 1.0 + at.0 as f32 / 16.0;
    for token in seen {
        row[token.index()] += ATTENTION / seen.len() as f32;
    }
}

export_backend! { name: "toy", version: env!("CARGO_PKG_VERSION"), backend: Toy }
