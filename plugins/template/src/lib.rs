//! The backend `{{crate_name}}` for unmask. It has no network yet: every position wants the token equal to its own index.
//!
//! What is to be replaced says "TODO". The three traits are documented in `unmask-sdk`; the guide is `plugins/README.md`.

use std::ops::ControlFlow;

use unmask_sdk::output::KeptLogits;
use unmask_sdk::{
    Attention, Backend, BackendError, Capabilities, Device, DeviceKind, Estimate, LoadProgress,
    LoadSpec, LogitsMut, Model, ModelFacts, Pass, Probe, Progress, Session, SessionSpec,
    export_backend, log,
};

/// What the library exports: cheap, stateless, shared by everything that it loads.
struct ThisBackend;

impl Backend for ThisBackend {
    fn name(&self) -> &str {
        "{{crate_name}}"
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    /// Asked before anything else.
    fn probe(&self) -> Probe {
        // TODO: look for the device and its libraries; without them answer `Probe::Unusable`, with what is missing and what
        // the user can do. The backend with the highest score is offered first; ours for the CPU has 10.
        Probe::Usable { score: 1 }
    }

    /// The default first.
    fn devices(&self) -> Vec<Device> {
        // TODO: yours, with the memory that each has, and its precisions.
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

    /// Asked before a load, for every entry of a list: reads no weights.
    fn check(&self, spec: &LoadSpec) -> Result<Estimate, BackendError> {
        supported(spec)?;
        vocabulary(spec)?;
        // TODO: the bytes that weights and K/V will take, from `config.json` and the sizes of the files.
        Ok(Estimate::default())
    }

    fn load(
        &self,
        spec: &LoadSpec,
        progress: &Progress<'_>,
    ) -> Result<Box<dyn Model>, BackendError> {
        supported(spec)?;
        let vocab = vocabulary(spec)?;
        // TODO: read `spec.weights`. Loading may take minutes: tell how far it is, and listen.
        let told = progress(LoadProgress {
            stage: "reading weights",
            done: 0,
            total: 1,
        });
        if let ControlFlow::Break(()) = told {
            return Err(BackendError::Cancelled);
        }
        log::info("load", format_args!("{vocab} tokens"));
        Ok(Box::new(ThisModel { vocab }))
    }
}

/// `Err` for what this backend does not have.
fn supported(spec: &LoadSpec) -> Result<(), BackendError> {
    // TODO: refuse every `spec.family` whose network you have not written.
    if spec.device != "cpu" || spec.precision != "f32" {
        return Err(BackendError::Unsupported(format!(
            "there is no {} on {}; use f32 on cpu",
            spec.precision, spec.device
        )));
    }
    match spec.attention {
        Attention::Bidirectional => Ok(()),
        // TODO: never compute another kind instead: take one out of here when your network masks by it.
        Attention::BlockCausal(_) | Attention::Causal => Err(BackendError::Unsupported(
            "attention is bidirectional only".to_owned(),
        )),
    }
}

/// What `config.json` says of the vocabulary.
fn vocabulary(spec: &LoadSpec) -> Result<usize, BackendError> {
    let damaged = |what: &str| BackendError::Checkpoint {
        path: spec.folder.join("config.json"),
        what: what.to_owned(),
    };
    let config: serde_json::Value =
        serde_json::from_str(&spec.config_json).map_err(|error| damaged(&error.to_string()))?;
    let size = config["vocab_size"].as_u64().unwrap_or(0);
    match usize::try_from(size) {
        Ok(0) | Err(_) => Err(damaged("`vocab_size` is missing or cannot be")),
        Ok(size) => Ok(size),
    }
}

/// Loaded weights: never changed, shared by the sessions.
struct ThisModel {
    vocab: usize,
}

impl Model for ThisModel {
    fn facts(&self) -> ModelFacts {
        ModelFacts {
            vocab: self.vocab,
            max_positions: 4096,
            // TODO: the bytes that the weights take.
            memory_bytes: 0,
            // TODO: the bytes of K/V that a cell takes, if you claim `KV_CACHE`.
            cell_bytes: 0,
            precision: "f32".to_owned(),
            // TODO: claim what you keep, and nothing else: the program asks for no more than this.
            capabilities: Capabilities::BATCH | Capabilities::CANCEL,
            notes: Vec::new(),
        }
    }

    fn session(&self, _: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        // TODO: room for the K/V of `slots` rows of `cells` cells, if you claim `KV_CACHE`; for none of 0 cells.
        Ok(Box::new(ThisSession {
            vocab: self.vocab,
            output: None,
        }))
    }
}

/// One conversation: its caches, and the output of its last pass.
struct ThisSession {
    vocab: usize,
    /// `[wanted, vocab]`, unless the last pass failed.
    output: Option<Vec<f32>>,
}

impl Session for ThisSession {
    /// Computes and keeps; the program has tested every index.
    fn forward(&mut self, pass: &Pass<'_>) -> Result<(), BackendError> {
        self.output = None;
        let mut output = vec![0.0; pass.wanted.len() * self.vocab];
        // TODO: the network. Ask `pass.cancel` between its layers.
        for (row, &wanted) in output.chunks_exact_mut(self.vocab).zip(pass.wanted) {
            if pass.cancel.is_raised() {
                return Err(BackendError::Cancelled);
            }
            let position = pass.positions[wanted as usize].index();
            row[position % self.vocab] = 1.0;
        }
        self.output = Some(output);
        Ok(())
    }

    fn read_logits(&mut self, rows: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
        KeptLogits::of(self.output.as_deref(), self.vocab)?.read_logits(rows, out)
    }
}

export_backend! { name: "{{crate_name}}", version: env!("CARGO_PKG_VERSION"), backend: ThisBackend }

#[cfg(test)]
mod tests {
    use unmask_sdk::{CancelFlag, Cell, Logits, Position, Row, TokenId};

    use super::*;

    #[test]
    fn a_position_wants_the_token_of_its_index() {
        let mut session = ThisSession {
            vocab: 8,
            output: None,
        };
        let computed = session.forward(&Pass {
            rows: &[Row {
                fed: 2,
                ..Row::default()
            }],
            tokens: &[TokenId(5), TokenId(7)],
            positions: &[Position(0), Position(1)],
            cells: &[Cell::NONE; 2],
            mask: None,
            wanted: &[1],
            cancel: &CancelFlag::new(),
        });
        assert!(computed.is_ok());
        let mut logits = Logits::default();
        logits.reset(1, 8);
        assert!(session.read_logits(&[0], logits.view()).is_ok());
        assert_eq!(logits.row(0), [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
