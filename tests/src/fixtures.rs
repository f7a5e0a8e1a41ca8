//! Small specs and passes, and short ways to open things that must open.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use unmask_api::{
    Attention, Backend, BackendError, Capabilities, LoadSpec, Model, Session, SessionSpec,
};
use unmask_core::plugin::load;

use crate::{Compiled, compile_plugin};

/// A session for two rows that keeps nothing.
pub const SPEC: SessionSpec = SessionSpec { cells: 0, slots: 2 };

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

/// A session of [`SPEC`], with 16 cells where K/V can be kept.
///
/// # Panics
/// If it does not open.
#[must_use]
#[track_caller]
pub fn session(model: &dyn Model) -> Box<dyn Session> {
    let keeps = model.facts().capabilities.has(Capabilities::KV_CACHE);
    let cells = if keeps { 16 } else { 0 };
    let spec = SessionSpec { cells, ..SPEC };
    model.session(spec).expect("a session opens")
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
