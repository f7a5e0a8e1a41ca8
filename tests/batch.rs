//! Turns that share passes beside the same ones alone, with the demo model on a real backend.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use unmask_core::api::{
    BackendError, LoadProgress, LogitsMut, Model, ModelFacts, Pass, Session, SessionSpec, TopMut,
    TopRequest,
};
use unmask_core::concurrency::{BatchLimit, Concurrency};
use unmask_core::engine::{
    Engine, EngineEvent, Failure, LoadRequest, Loader, Message, Overflow, Ready, Role, Sharing,
    TurnEvent, TurnId, TurnInput, TurnRequest,
};
use unmask_core::loader::ConfigLoader;
use unmask_core::params::{CacheMode, Transfer};
use unmask_core::{Params, TokenId};
use unmask_tests::demo::demo_loader;

/// Rows of each pass.
type Rows = Arc<Mutex<Vec<usize>>>;

/// Loads models whose passes are counted.
struct Counting(ConfigLoader, Rows);

struct CountingModel(Box<dyn Model>, Rows);

struct CountingSession(Box<dyn Session>, Rows);

impl Loader for Counting {
    fn load(
        &mut self,
        request: &LoadRequest,
        progress: &(dyn Fn(LoadProgress<'_>) -> ControlFlow<()> + Sync),
    ) -> Result<Ready, Failure> {
        let Ready::Here(mut ready) = self.0.load(request, progress)? else {
            panic!("the demo model is carried");
        };
        ready.model = Box::new(CountingModel(ready.model, Arc::clone(&self.1)));
        Ok(Ready::Here(ready))
    }
}

impl Model for CountingModel {
    fn facts(&self) -> ModelFacts {
        self.0.facts()
    }

    fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        let session = self.0.session(spec)?;
        Ok(Box::new(CountingSession(session, Arc::clone(&self.1))))
    }
}

impl Session for CountingSession {
    fn forward(&mut self, pass: &Pass<'_>) -> Result<(), BackendError> {
        (self.1.lock().expect("nobody panics")).push(pass.rows.len());
        self.0.forward(pass)
    }

    fn read_logits(&mut self, rows: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
        self.0.read_logits(rows, out)
    }

    fn read_top(&mut self, request: &TopRequest<'_>, out: TopMut<'_>) -> Result<(), BackendError> {
        self.0.read_top(request, out)
    }

    fn reserve(&mut self, cells: u32) -> Result<(), BackendError> {
        self.0.reserve(cells)
    }
}

struct Bench {
    engine: Engine,
    events: Receiver<EngineEvent>,
    rows: Rows,
    _folder: TempDir,
}

/// An engine with the demo model that runs so many turns in a pass.
fn bench(turns: usize) -> Bench {
    let folder = TempDir::new().expect("a folder can be made");
    let (sender, events) = channel();
    let on_event = move |event| drop(sender.send(event));
    let turns = NonZeroUsize::new(turns).expect("it is not 0");
    let concurrency = Concurrency {
        turns: Some(turns),
        batch: BatchLimit::Most(turns),
    };
    let rows = Rows::default();
    let loader = Box::new(Counting(demo_loader(&folder), Arc::clone(&rows)));
    let engine = Engine::start_concurrent(concurrency, loader, on_event, |_, _| ());
    let mut engine = engine.expect("a thread can be had");
    engine.load(LoadRequest {
        key: "demo".to_owned(),
        ..LoadRequest::default()
    });
    loop {
        match events.recv().expect("the engine says something") {
            EngineEvent::Loaded(_) => break,
            EngineEvent::LoadFailed { failure, .. } => panic!("{failure}"),
            _ => (),
        }
    }
    Bench {
        engine,
        events,
        rows,
        _folder: folder,
    }
}

/// What four questions are answered, by canvases of different lengths, and how long it took.
fn answers(bench: &mut Bench, params: &Params) -> (BTreeMap<u64, Vec<TokenId>>, Duration) {
    let began = Instant::now();
    let questions = [
        "What is the capital of France?",
        "Hello!",
        "Who are you?",
        "Name three colours, please.",
    ];
    let turns = (1..).zip(questions).map(|(turn, question)| TurnRequest {
        turn: TurnId(turn),
        input: TurnInput::Chat {
            messages: vec![Message {
                role: Role::User,
                content: question.to_owned(),
            }],
            pins: Vec::new(),
            length: 16 * turn as usize,
            overflow: Overflow::Refuse,
        },
        params: Params {
            seed: turn,
            ..params.clone()
        },
    });
    let handles: Vec<_> = turns
        .map(|turn| bench.engine.begin_for(Sharing::default(), turn))
        .collect();
    let mut answers = BTreeMap::new();
    while answers.len() < handles.len() {
        match bench.events.recv().expect("the engine says something") {
            EngineEvent::Turn(turn, TurnEvent::Finished(outcome)) => {
                answers.insert(turn.0, outcome.canvas.tokens().to_vec());
            }
            EngineEvent::Turn(_, TurnEvent::Failed(failure)) => panic!("{failure}"),
            _ => (),
        }
    }
    (answers, began.elapsed())
}

#[test]
fn four_turns_in_one_pass_are_given_the_tokens_that_each_is_given_alone() {
    let (mut alone, mut together) = (bench(1), bench(4));
    let plain = Params {
        steps: 12,
        block_length: 16,
        early_stop: false,
        ..Params::default()
    };
    let cases = [
        ("plain", plain.clone()),
        (
            "a threshold and both caches",
            Params {
                transfer: Transfer::Threshold(0.9),
                cache: CacheMode::Dual,
                ..plain.clone()
            },
        ),
        (
            "a cached prefix",
            Params {
                cache: CacheMode::Prefix,
                ..plain.clone()
            },
        ),
        (
            "guidance and chance",
            Params {
                cfg_scale: 0.5,
                temperature: 0.7,
                ..plain.clone()
            },
        ),
    ];
    for (name, params) in cases {
        let (expected, took) = answers(&mut alone, &params);
        together.rows.lock().expect("nobody panics").clear();
        let (found, took_together) = answers(&mut together, &params);
        assert_eq!(found, expected, "{name}");
        let rows = together.rows.lock().expect("nobody panics");
        let most = rows.iter().max().expect("there were passes");
        // Guidance takes two of four. With a threshold turns end after a few passes, so that not all four may meet in one.
        let least = if params.transfer == plain.transfer {
            4
        } else {
            2
        };
        assert!((least..=4).contains(most), "{name}: {rows:?}");
        let ratio = took_together.as_secs_f64() / took.as_secs_f64();
        writeln!(
            std::io::stderr(),
            "{name}: four together take {ratio:.2} of the time of four alone"
        )
        .ok();
    }
}
