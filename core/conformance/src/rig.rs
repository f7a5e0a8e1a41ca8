//! A backend with a loaded model, ready for cases.

use std::fmt;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use unmask_api::{
    Backend, BackendError, CancelFlag, Capabilities, LoadSpec, Logits, Model, ModelFacts, Session,
    SessionSpec,
};

use crate::cases::Case;
use crate::compare::{Tolerance, same_bits};
use crate::gaps::{Gap, KNOWN};
use crate::grid::PlannedTrial;
use crate::owned_pass::{OwnedPass, read, run};
use crate::report::{Figure, Trial};
use crate::{Finding, Outcome};

/// Called whenever something was done, so that a slow backend can be told from one that hangs.
pub(crate) type AliveSignal = dyn Fn() + Send + Sync;

/// One backend with one model in one precision.
pub struct Rig {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) spec: LoadSpec,
    pub(crate) facts: ModelFacts,
    pub(crate) tolerance: Tolerance,
    /// `None` after a case that loads by itself: two may not fit into memory.
    model: Option<Box<dyn Model>>,
    alive: Arc<AliveSignal>,
    load_time: Duration,
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
        Self::load_with_signs(backend, spec, Arc::new(|| ()))
    }

    /// As [`load`](Self::load); `alive` is called after every pass and whenever a load has come further.
    pub(crate) fn load_with_signs(
        backend: Arc<dyn Backend>,
        spec: LoadSpec,
        alive: Arc<AliveSignal>,
    ) -> Result<Self, String> {
        let began = Instant::now();
        let model = load(&*backend, &spec, &*alive).map_err(|error| does_not_load(&error))?;
        let load_time = began.elapsed();
        let facts = model.facts();
        Ok(Self {
            tolerance: Tolerance::of(&facts.precision),
            facts,
            backend,
            spec,
            model: Some(model),
            alive,
            load_time,
        })
    }

    /// What the first load is answered with.
    pub(crate) fn described(&self) -> Finding {
        Finding::Kept(vec![
            Figure::new("load_seconds", self.load_time.as_secs_f64()),
            Figure::new("memory_bytes", self.facts.memory_bytes as f64),
        ])
    }

    /// Holds the model against `case`.
    #[must_use]
    pub fn judge(&mut self, case: &'static Case) -> Trial {
        self.judge_knowing(case, KNOWN)
    }

    pub(crate) fn judge_knowing(&mut self, case: &'static Case, known: &[Gap]) -> Trial {
        let precision = self.spec.precision.clone();
        let question = PlannedTrial {
            precision: &precision,
            case: Some(case),
        };
        if !self.facts.capabilities.has(case.needs) {
            return Trial::unclaimed(question);
        }
        let explored = self.load_if_needed().and_then(|()| {
            let explored = catch_unwind(AssertUnwindSafe(|| case.run(self)));
            explored.unwrap_or_else(|_| Err("panics".to_owned()))
        });
        Trial::new(self.backend.name(), question, explored, known)
    }

    /// Loads the model, unless it is.
    pub(crate) fn load_if_needed(&mut self) -> Outcome {
        if self.model.is_none() {
            self.model = Some(self.load_again(&self.spec)?);
        }
        Ok(())
    }

    /// Frees the model, before a case that loads by itself.
    pub(crate) fn unload(&mut self) {
        self.model = None;
    }

    /// Loads something else beside it.
    pub(crate) fn try_load(&self, spec: &LoadSpec) -> Result<Box<dyn Model>, BackendError> {
        load(&*self.backend, spec, &*self.alive)
    }

    /// Loads what must load.
    pub(crate) fn load_again(&self, spec: &LoadSpec) -> Result<Box<dyn Model>, String> {
        self.try_load(spec).map_err(|error| does_not_load(&error))
    }

    /// The loaded model, until the case has unloaded it.
    pub(crate) fn model(&self) -> &dyn Model {
        self.model
            .as_deref()
            .expect("a case that unloads uses models of its own")
    }

    /// A session for two rows, of 48 cells each where K/V can be kept.
    pub(crate) fn session(&self) -> Result<Box<dyn Session>, String> {
        session(self.model())
    }

    /// A session of `cells` cells for two rows.
    pub(crate) fn session_of(&self, cells: u32) -> Result<Box<dyn Session>, String> {
        open(self.model(), cells)
    }

    /// True if the model claims `capabilities`.
    pub(crate) fn can(&self, capabilities: Capabilities) -> bool {
        self.facts.capabilities.has(capabilities)
    }

    /// The logits of a pass.
    pub(crate) fn run(
        &self,
        session: &mut dyn Session,
        pass: &OwnedPass,
    ) -> Result<Logits, String> {
        self.run_wide(session, self.facts.vocab, pass)
    }

    /// Computes a pass and reads nothing.
    pub(crate) fn forward(&self, session: &mut dyn Session, pass: &OwnedPass) -> Outcome {
        let done = session.forward(&pass.pass(&CancelFlag::new()));
        (self.alive)();
        done.map_err(|error| does_not_compute(&error))
    }

    /// Rows of the last pass.
    pub(crate) fn read(&self, session: &mut dyn Session, rows: &[u32]) -> Result<Logits, String> {
        read(session, self.facts.vocab, rows).map_err(|error| format!("gives no output: {error}"))
    }

    fn run_wide(
        &self,
        session: &mut dyn Session,
        vocab: usize,
        pass: &OwnedPass,
    ) -> Result<Logits, String> {
        let logits = run(session, vocab, pass);
        (self.alive)();
        logits.map_err(|error| does_not_compute(&error))
    }

    /// The logits of a pass in a session of its own.
    pub(crate) fn alone(&self, pass: &OwnedPass) -> Result<Logits, String> {
        self.run(&mut *self.session()?, pass)
    }

    /// The logits that another model gives for a pass, in a session of its own.
    pub(crate) fn alone_on(&self, model: &dyn Model, pass: &OwnedPass) -> Result<Logits, String> {
        self.run_wide(&mut *session(model)?, model.facts().vocab, pass)
    }

    /// `Err` unless the same pass gave both: bit by bit where that is promised, else within the tolerance.
    pub(crate) fn same(&self, what: &str, got: &Logits, expected: &Logits) -> Outcome {
        if self.can(Capabilities::DETERMINISTIC) {
            return same_bits(what, got, expected);
        }
        self.alike(what, got, expected)
    }

    /// `Err` unless both are the same within the tolerance, row by row.
    pub(crate) fn alike(&self, what: &str, got: &Logits, expected: &Logits) -> Outcome {
        ensure(got.rows() == expected.rows(), || {
            format!("{what}: {} rows for {}", got.rows(), expected.rows())
        })?;
        let rows = (0..got.rows()).map(|row| (row, row));
        self.tolerance.all(what, (got, expected), rows)
    }

    /// `length` tokens that look random; another `seed` gives others.
    pub(crate) fn tokens(&self, length: usize, seed: u32) -> Vec<u32> {
        let vocab = self.facts.vocab as u32;
        let word = |at: u32| (at * 7 + seed * 13 + at * at * 3 + 1) % vocab;
        (0..length as u32).map(word).collect()
    }
}

fn load(
    backend: &dyn Backend,
    spec: &LoadSpec,
    alive: &AliveSignal,
) -> Result<Box<dyn Model>, BackendError> {
    backend.load(spec, &|_| {
        alive();
        ControlFlow::Continue(())
    })
}

fn does_not_load(error: &BackendError) -> String {
    format!("does not load: {}", error.full_text())
}

fn does_not_compute(error: &BackendError) -> String {
    format!("does not compute: {error}")
}

/// Cells of a session, where there are any.
const CELLS: u32 = 48;

/// A session for two rows, of [`CELLS`] cells each where K/V can be kept.
pub(crate) fn session(model: &dyn Model) -> Result<Box<dyn Session>, String> {
    let keeps = model.facts().capabilities.has(Capabilities::KV_CACHE);
    open(model, if keeps { CELLS } else { 0 })
}

fn open(model: &dyn Model, cells: u32) -> Result<Box<dyn Session>, String> {
    let session = model.session(SessionSpec { cells, slots: 2 });
    session.map_err(|error| format!("opens no session: {error}"))
}

/// `Err(what)` unless `holds`.
pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(what()) }
}
