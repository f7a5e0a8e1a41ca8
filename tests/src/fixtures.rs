//! Small specs and passes, and short ways to open things that must open.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use unmask_api::{
    Attention, Backend, BackendError, CancelFlag, LoadSpec, Logits, Model, Pass, Position, Row,
    Session, SessionSpec, TokenId,
};
use unmask_core::plugin::load;

use crate::{Compiled, compile_plugin};

/// A small session.
pub const SPEC: SessionSpec = SessionSpec {
    capacity: 16,
    slots: 2,
};

/// The plugin of `plugins/{name}.c`, which breaks a promise.
///
/// # Panics
/// If it does not compile.
#[must_use]
#[track_caller]
pub fn spoiled(name: &str) -> Compiled {
    compile_plugin(&format!("tests/plugins/{name}.c"))
}

/// The backend in the file at `path`.
///
/// # Panics
/// If it does not load.
#[must_use]
#[track_caller]
pub fn open(path: &Path) -> Arc<dyn Backend> {
    load(path).expect("the plugin loads")
}

/// A model of 8 tokens.
///
/// # Panics
/// If it does not load.
#[must_use]
#[track_caller]
pub fn model(backend: &dyn Backend, family: &str) -> Box<dyn Model> {
    try_model(backend, family).expect("the model loads")
}

/// A model of 8 tokens.
///
/// # Errors
/// Those of the backend.
pub fn try_model(backend: &dyn Backend, family: &str) -> Result<Box<dyn Model>, BackendError> {
    backend.load(&load_spec(family, 8), &|_| ControlFlow::Continue(()))
}

/// A session of [`SPEC`].
///
/// # Panics
/// If it does not open.
#[must_use]
#[track_caller]
pub fn session(model: &dyn Model) -> Box<dyn Session> {
    model.session(SPEC).expect("a session opens")
}

/// A spec for backends without weights: a vocabulary of `vocab`, the device `cpu`, `f32`.
#[must_use]
pub fn load_spec(family: &str, vocab: usize) -> LoadSpec {
    LoadSpec {
        family: family.to_owned(),
        folder: std::env::temp_dir(),
        weights: Vec::new(),
        config_json: format!(r#"{{"vocab_size": {vocab}}}"#),
        device: "cpu".to_owned(),
        precision: "f32".to_owned(),
        threads: None,
        attention: Attention::Bidirectional,
        cache_folder: None,
        options_json: "{}".to_owned(),
    }
}

/// A pass that owns its arrays.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// `Pass::rows`
    pub rows: Vec<Row>,
    /// `Pass::tokens`
    pub tokens: Vec<TokenId>,
    /// `Pass::positions`
    pub positions: Vec<Position>,
    /// `Pass::wanted`
    pub wanted: Vec<u32>,
}

impl Run {
    /// One row in slot 0 that feeds `tokens` whole, from position 0, and wants all of them.
    #[must_use]
    pub fn whole(tokens: &[u32]) -> Self {
        let length = tokens.len() as u32;
        Self::default().and(0, tokens, 0..length, 0..length)
    }

    /// With another row: `tokens` at `positions` in `slot`, attending to `attend`, all wanted.
    #[must_use]
    pub fn and(
        mut self,
        slot: u32,
        tokens: &[u32],
        positions: std::ops::Range<u32>,
        attend: std::ops::Range<u32>,
    ) -> Self {
        let first = self.tokens.len() as u32;
        self.rows.push(Row {
            fed: tokens.len() as u32,
            slot,
            attend,
        });
        self.tokens.extend(tokens.iter().copied().map(TokenId));
        self.positions.extend(positions.map(Position));
        self.wanted.extend(first..self.tokens.len() as u32);
        self
    }

    /// Wanting only `wanted`.
    #[must_use]
    pub fn wanting(mut self, wanted: &[u32]) -> Self {
        self.wanted = wanted.to_vec();
        self
    }

    /// The pass.
    #[must_use]
    pub fn pass<'a>(&'a self, cancel: &'a CancelFlag) -> Pass<'a> {
        Pass {
            rows: &self.rows,
            tokens: &self.tokens,
            positions: &self.positions,
            wanted: &self.wanted,
            cancel,
        }
    }
}

/// The logits of one pass, for a model of `vocab` tokens.
///
/// # Errors
/// Those of the session.
pub fn run(session: &mut dyn Session, vocab: usize, run: &Run) -> Result<Logits, BackendError> {
    let mut logits = Logits::default();
    logits.reset(run.wanted.len(), vocab);
    // What is left unwritten must not look like an answer.
    logits.view().scores.fill(f32::NAN);
    session.forward(&run.pass(&CancelFlag::new()), logits.view())?;
    Ok(logits)
}
