//! Backends with a loaded model, ready for a case.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use unmask_api::{
    Attention, Backend, Capabilities, LoadSpec, Logits, Model, ModelFacts, Session, SessionSpec,
};
use unmask_core::plugin::{Registry, SearchPath, State, Surroundings};
use unmask_tests::{Run, compile_plugin, load_spec, plugin, root, run};

use super::compare::Tolerance;
use super::gaps::{self, KNOWN};
use super::{Body, Outcome};

/// Names the one backend to test.
const VARIABLE: &str = "UNMASK_CONFORMANCE_BACKEND";
/// Backends without networks: any checkpoint will do, so they get none.
const WITHOUT_NETWORKS: [&str; 2] = ["toy", "ctoy"];
/// The checkpoint of all others: random weights, 512 tokens, 2 layers.
const GOLDEN: &str = "tests/golden/models/tiny-llada-a";

/// One thing that the contract promises.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// A model without these is not asked.
    pub(super) needs: Capabilities,
    pub(super) body: Body,
}

/// One backend with one model.
pub(super) struct Rig {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) spec: LoadSpec,
    pub(super) model: Box<dyn Model>,
    pub(super) facts: ModelFacts,
    pub(super) tolerance: Tolerance,
}

/// Runs `case` on every backend that can do what it needs, in every precision of its first device.
///
/// # Panics
/// With one line for every backend that fails it.
#[track_caller]
pub(super) fn test(case: &Case) {
    let failures: Vec<String> = backends()
        .into_iter()
        .flat_map(|backend| precisions(&*backend).map(move |it| (Arc::clone(&backend), it)))
        .filter_map(|(backend, precision)| {
            let name = format!("{} {precision}", backend.name());
            let outcome = Rig::new(backend, &precision).and_then(|rig| {
                let able = rig.facts.capabilities.has(case.needs);
                able.then(|| (case.body)(&rig)).transpose()
            });
            match outcome {
                // It does not claim to pass.
                Ok(None) => None,
                Ok(Some(())) => gaps::judge(&name, case.name, Ok(()), KNOWN).err(),
                Err(what) => gaps::judge(&name, case.name, Err(what), KNOWN).err(),
            }
        })
        .collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// The precisions of the first device; one that cannot be loaded if there is none.
fn precisions(backend: &dyn Backend) -> std::vec::IntoIter<String> {
    let first = backend.devices().into_iter().next();
    let precisions = first.map_or_else(Vec::new, |device| device.precisions);
    if precisions.is_empty() {
        return vec!["any".to_owned()].into_iter();
    }
    precisions.into_iter()
}

/// What lies on the search path, looked for once: the examples, and what was built beside these tests.
static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    // Its file may go once it is loaded.
    let in_c = compile_plugin("plugins/examples/c/toy.c");
    Registry::discover(&SearchPath::new(&Surroundings {
        // What the user has installed is not under test.
        data_folder: None,
        plugins: vec![in_c.path.clone()],
        ..Surroundings::here(vec![plugin("example-toy")])
    }))
});

/// The backends under test.
///
/// # Panics
/// If the one that was asked for cannot be used.
pub(super) fn backends() -> Vec<Arc<dyn Backend>> {
    let find = |name: &str| match REGISTRY.find(name) {
        Ok(backend) => backend,
        Err(error) => panic!("{error}"),
    };
    match std::env::var(VARIABLE) {
        Ok(name) => vec![find(&name)],
        Err(_) => REGISTRY
            .rows()
            .iter()
            .filter(|row| matches!(row.state, State::Usable { .. }))
            .map(|row| find(&row.name))
            .collect(),
    }
}

/// Every row of the registry: a name, and why it is broken.
pub(super) fn found() -> Vec<(String, Outcome)> {
    let rows = REGISTRY.rows().iter();
    rows.map(|row| match &row.state {
        State::Broken(reason) => (row.name.clone(), Err(reason.clone())),
        State::Usable { .. } | State::Unusable { .. } => (row.name.clone(), Ok(())),
        State::Unapproved { since, .. } => (row.name.clone(), Err(since.reason().to_owned())),
    })
    .collect()
}

impl Rig {
    fn new(backend: Arc<dyn Backend>, precision: &str) -> Result<Self, String> {
        let mut spec = if WITHOUT_NETWORKS.contains(&backend.name()) {
            load_spec("llada", 32)
        } else {
            golden()?
        };
        let devices = backend.devices();
        let device = devices.first().ok_or("it lists no device")?;
        spec.device.clone_from(&device.id);
        if device.precisions.is_empty() {
            return Err("its device has no precision".to_owned());
        }
        precision.clone_into(&mut spec.precision);
        let model = backend.load(&spec, &|_| ControlFlow::Continue(()));
        let model = model.map_err(|error| format!("does not load: {error}"))?;
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
    pub(super) fn session(&self) -> Result<Box<dyn Session>, String> {
        let spec = SessionSpec {
            capacity: 48,
            slots: 2,
        };
        let session = self.model.session(spec);
        session.map_err(|error| format!("opens no session: {error}"))
    }

    /// The logits of a pass.
    pub(super) fn run(&self, session: &mut dyn Session, pass: &Run) -> Result<Logits, String> {
        run(session, self.facts.vocab, pass).map_err(|error| format!("does not compute: {error}"))
    }

    /// The logits of a pass in a session of its own.
    pub(super) fn alone(&self, pass: &Run) -> Result<Logits, String> {
        self.run(&mut *self.session()?, pass)
    }

    /// `length` tokens that look random; another `seed` gives others.
    pub(super) fn tokens(&self, length: usize, seed: u32) -> Vec<u32> {
        let vocab = self.facts.vocab as u32;
        let word = |at: u32| (at * 7 + seed * 13 + at * at * 3 + 1) % vocab;
        (0..length as u32).map(word).collect()
    }
}

fn golden() -> Result<LoadSpec, String> {
    let folder: PathBuf = root().join(GOLDEN);
    let config = folder.join("config.json");
    let config_json = std::fs::read_to_string(&config)
        .map_err(|error| format!("has no checkpoint: {}: {error}", config.display()))?;
    Ok(LoadSpec {
        family: "llada".to_owned(),
        weights: vec![folder.join("model.safetensors")],
        folder,
        config_json,
        attention: Attention::Bidirectional,
        ..load_spec("llada", 1)
    })
}

/// `Err(what)` unless `holds`.
pub(super) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(what()) }
}
