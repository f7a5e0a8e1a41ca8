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

mod top;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use unmask_sdk::{
    Backend, BackendError, Capabilities, Device, DeviceKind, LoadProgress, LoadSpec, LogitsMut,
    Model, ModelFacts, Pass, Position, Probe, Progress, Session, SessionSpec, TopMut,
    export_backend, log,
};

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
        }]
    }

    /// A real backend reads `spec.weights` here, for the network that `spec.family` names.
    fn load(
        &self,
        spec: &LoadSpec,
        progress: &Progress<'_>,
    ) -> Result<Box<dyn Model>, BackendError> {
        if spec.device != "cpu" {
            return Err(BackendError::Unsupported(format!(
                "there is no device `{}`; use cpu",
                spec.device
            )));
        }
        if spec.precision != "f32" {
            return Err(BackendError::Unsupported(format!(
                "there is no precision `{}`; use f32",
                spec.precision
            )));
        }
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
        Ok(Box::new(ToyModel { vocab }))
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
fn vocabulary(spec: &LoadSpec) -> Result<usize, BackendError> {
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
}

impl Model for ToyModel {
    fn facts(&self) -> ModelFacts {
        ModelFacts {
            vocab: self.vocab,
            max_positions: 4096,
            memory_bytes: 0,
            precision: "f32".to_owned(),
            // Claim what you keep. A position's answer depends on nothing but the position, so batches, cached K/V and
            // padding come for free here; a network has to earn each of them.
            capabilities: Capabilities::BATCH
                | Capabilities::KV_CACHE
                | Capabilities::TOPK_OUTPUT
                | Capabilities::CANCEL
                | Capabilities::CONCURRENT
                | Capabilities::LEFT_PADDING,
            notes: String::new(),
        }
    }

    /// A real backend makes room here for `spec.slots` K/V caches of `spec.capacity` positions.
    fn session(&self, _: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(ToySession {
            scores: vec![0.0; self.vocab],
        }))
    }
}

/// One conversation: its caches, and buffers kept between passes.
struct ToySession {
    /// One row of logits.
    scores: Vec<f32>,
}

impl Session for ToySession {
    /// Row `i` of `out` answers for the fed token `pass.wanted[i]`; the host has checked every index.
    fn forward(&mut self, pass: &Pass<'_>, out: LogitsMut<'_>) -> Result<(), BackendError> {
        for (row, &wanted) in out.scores.chunks_exact_mut(out.vocab).zip(pass.wanted) {
            // A network asks between layers: a pass can take seconds.
            if pass.cancel.is_raised() {
                return Err(BackendError::Cancelled);
            }
            score(pass.positions[wanted as usize], row);
        }
        Ok(())
    }

    /// Only for backends that claim `TOPK_OUTPUT`; without it, leave this function out.
    fn forward_top(&mut self, pass: &Pass<'_>, mut out: TopMut<'_>) -> Result<(), BackendError> {
        for (index, &wanted) in pass.wanted.iter().enumerate() {
            if pass.cancel.is_raised() {
                return Err(BackendError::Cancelled);
            }
            score(pass.positions[wanted as usize], &mut self.scores);
            top::fill(&self.scores, index, &mut out);
        }
        Ok(())
    }
}

/// The "network". Later positions are surer, so that the order in which they are unmasked can be seen.
fn score(at: Position, row: &mut [f32]) {
    let token = at.index() % row.len();
    row.fill(0.0);
    row[token] = 1.0 + at.0 as f32 / 16.0;
}

export_backend! { name: "toy", version: env!("CARGO_PKG_VERSION"), backend: Toy }
