//! A backend with a loaded model, ready for cases.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use unmask_api::{Backend, LoadSpec, Logits, Model, ModelFacts, Session, SessionSpec};

use crate::Outcome;
use crate::compare::Tolerance;
use crate::run::{Run, run};

/// One backend with one model in one precision.
pub struct Rig {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) spec: LoadSpec,
    pub(crate) model: Box<dyn Model>,
    pub(crate) facts: ModelFacts,
    pub(crate) tolerance: Tolerance,
}

impl fmt::Debug for Rig {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Rig")
            .field("backend", &self.backend.name())
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

impl Rig {
    /// Loads the model.
    ///
    /// # Errors
    /// What the backend says if it cannot.
    pub fn load(backend: Arc<dyn Backend>, spec: LoadSpec) -> Result<Self, String> {
        let model = backend.load(&spec, &|_| ControlFlow::Continue(()));
        let model = model.map_err(|error| format!("does not load: {}", error.full_text()))?;
        let facts = model.facts();
        Ok(Self {
            tolerance: Tolerance::of(&facts.precision),
            facts,
            backend,
            spec,
            model,
        })
    }

    /// A session for two rows of up to 48 positions.
    pub(crate) fn session(&self) -> Result<Box<dyn Session>, String> {
        let spec = SessionSpec {
            capacity: 48,
            slots: 2,
        };
        let session = self.model.session(spec);
        session.map_err(|error| format!("opens no session: {error}"))
    }

    /// The logits of a pass.
    pub(crate) fn run(&self, session: &mut dyn Session, pass: &Run) -> Result<Logits, String> {
        run(session, self.facts.vocab, pass).map_err(|error| format!("does not compute: {error}"))
    }

    /// The logits of a pass in a session of its own.
    pub(crate) fn alone(&self, pass: &Run) -> Result<Logits, String> {
        self.run(&mut *self.session()?, pass)
    }

    /// `length` tokens that look random; another `seed` gives others.
    pub(crate) fn tokens(&self, length: usize, seed: u32) -> Vec<u32> {
        let vocab = self.facts.vocab as u32;
        let word = |at: u32| (at * 7 + seed * 13 + at * at * 3 + 1) % vocab;
        (0..length as u32).map(word).collect()
    }
}

/// `Err(what)` unless `holds`.
pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(what()) }
}
