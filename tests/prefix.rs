//! Two turns on real backends whose network attends by blocks: the second feeds what is new, and ends as it would in a
//! session of its own.

use std::io::{self, Write as _};
use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use unmask_core::api::{
    Attention, BackendError, CancelFlag, LoadSpec, LogitsMut, Model, ModelFacts, Pass, Session,
    SessionSpec, TokenId, TopMut, TopRequest,
};
use unmask_core::checkpoint::{Checkpoint, Locations};
use unmask_core::denoise::Denoise;
use unmask_core::family::{FamilyRules, SpecialIds};
use unmask_core::generate::Generation;
use unmask_core::model_id::ModelId;
use unmask_core::params::CacheMode;
use unmask_core::plugin::{BackendSearch, Registry, SearchPath};
use unmask_core::scorer::Scorer;
use unmask_core::{Canvas, Params};

/// Positions of an answer, and of a block that attends to itself.
const LENGTH: usize = 32;
const BLOCK: NonZeroU32 = NonZeroU32::new(16).expect("a block has positions");
const ATTENTION: Attention = Attention::BlockCausal(BLOCK);
/// Those of the demo model.
const SPECIAL: SpecialIds = SpecialIds {
    mask: TokenId(2),
    eos: TokenId(1),
    eot: None,
    bos: Some(TokenId(0)),
    other_ends: Vec::new(),
};

/// Counts the tokens that are fed to a model.
struct Counting {
    model: Box<dyn Model>,
    fed: Arc<AtomicUsize>,
}

struct CountingSession {
    session: Box<dyn Session>,
    fed: Arc<AtomicUsize>,
}

impl Model for Counting {
    fn facts(&self) -> ModelFacts {
        self.model.facts()
    }

    fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(CountingSession {
            session: self.model.session(spec)?,
            fed: Arc::clone(&self.fed),
        }))
    }
}

impl Session for CountingSession {
    fn forward(&mut self, pass: &Pass<'_>) -> Result<(), BackendError> {
        self.fed.fetch_add(pass.tokens.len(), Ordering::Relaxed);
        self.session.forward(pass)
    }

    fn read_logits(&mut self, rows: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
        self.session.read_logits(rows, out)
    }

    fn read_top(&mut self, request: &TopRequest<'_>, out: TopMut<'_>) -> Result<(), BackendError> {
        self.session.read_top(request, out)
    }

    fn reserve(&mut self, cells: u32) -> Result<(), BackendError> {
        self.session.reserve(cells)
    }
}

/// `None`, and said, if the backend cannot run here.
fn load(backend: &str) -> Option<Counting> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../core/runtime/demo-model");
    let checkpoint = Checkpoint::open(&ModelId::Folder(folder), &Locations::default());
    let checkpoint = checkpoint.expect("the demo model is whole");
    let spec = LoadSpec {
        family: checkpoint.family.name.to_owned(),
        folder: checkpoint.folder().to_owned(),
        weights: checkpoint.weights,
        config_json: checkpoint.config_json,
        device: "cpu".to_owned(),
        precision: "f32".to_owned(),
        threads: None,
        attention: ATTENTION,
        cache_folder: None,
        options_json: "{}".to_owned(),
    };
    let registry = Registry::discover(&SearchPath::new(&BackendSearch::here(Vec::new())));
    let backend = match registry.find(backend) {
        Ok(backend) => backend,
        Err(error) => {
            let line = format!("PREFIXES ARE NOT TESTED: {error}\n");
            io::stderr().write_all(line.as_bytes()).ok();
            return None;
        }
    };
    let model = backend.load(&spec, &|_| ControlFlow::Continue(()));
    Some(Counting {
        model: model.unwrap_or_else(|error| panic!("{}", error.full_text())),
        fed: Arc::default(),
    })
}

/// An answer to `prompt`; prompt and answer, what was fed for them, and the session.
fn turn(
    model: &Counting,
    prompt: &[TokenId],
    before: Option<Scorer>,
) -> (Vec<TokenId>, usize, Option<Scorer>) {
    let params = Params {
        steps: LENGTH,
        block_length: BLOCK.get() as usize,
        cache: CacheMode::Prefix,
        early_stop: false,
        ..Params::default()
    };
    let canvas = Canvas::new(prompt, LENGTH, SPECIAL.mask);
    let denoise = Denoise::new(SPECIAL, FamilyRules::default(), canvas, params);
    let denoise = denoise.expect("the settings fit the canvas");
    let fed = model.fed.load(Ordering::Relaxed);
    let generation = Generation::after(model, ATTENTION, denoise, before);
    let mut generation = generation.expect("the settings fit the model");
    let cancel = CancelFlag::new();
    while generation
        .step(&cancel)
        .expect("the backend answers")
        .is_some()
    {}
    let tokens = generation.denoise().canvas().tokens().to_vec();
    let fed = model.fed.load(Ordering::Relaxed) - fed;
    (tokens, fed, generation.into_kept())
}

#[track_caller]
fn check(model: &Counting) {
    let prompt: Vec<TokenId> = (100..140).map(TokenId).collect();
    let (mut conversation, _, kept) = turn(model, &prompt, None);
    assert!(kept.is_some(), "what attends by blocks is worth keeping");
    conversation.extend((200..220).map(TokenId));
    let (reused, spared, _) = turn(model, &conversation, kept);
    let (fresh, whole, _) = turn(model, &conversation, None);
    assert_eq!(reused, fresh);
    let shown =
        format!("the second turn feeds {spared} tokens, without the first one's cells {whole}\n");
    io::stderr().write_all(shown.as_bytes()).ok();
    // At least the prompt and the answer's first block, in whole blocks, when the second turn begins.
    assert!(spared + 48 <= whole, "{spared} fed of {whole}");
}

#[test]
fn candle_feeds_what_is_new() {
    check(&load("candle").expect("it lies beside the tests"));
}

#[test]
fn onnx_feeds_what_is_new() {
    let model = load("onnx");
    let is_required = std::env::var_os("UNMASK_REQUIRE_RUNTIME").is_some();
    assert!(model.is_some() || !is_required, "ONNX Runtime is required");
    model.iter().for_each(check);
}
