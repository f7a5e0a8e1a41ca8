//! The engine and what hears of it: every turn's events go to whoever began it, the model's state to all.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use unmask_core::concurrency::Concurrency;
use unmask_core::engine::{
    Engine, EngineEvent, Failure, FailureKind, LoadRequest, Loaded, Loader, MeasureEvent,
    MeasureHandle, MeasureId, MeasureRequest, Sharing, TurnEvent, TurnHandle, TurnId, TurnRequest,
};

/// A model whose process ends more often than this within [`LOSS_WINDOW`] is not loaded again.
const MOST_LOSSES: usize = 3;
const LOSS_WINDOW: Duration = Duration::from_secs(600);

/// What the model does.
#[derive(Debug, Clone, Default)]
pub(crate) struct ModelState {
    pub(crate) loaded: Option<Arc<Loaded>>,
    pub(crate) loading: Option<LoadStage>,
    /// The last load that failed, until another begins.
    pub(crate) failed: Option<(String, Failure)>,
    /// How many have.
    pub(crate) failures: u64,
    /// When processes of models have ended, not long ago.
    losses: Vec<Instant>,
}

/// How far a load is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LoadStage {
    pub(crate) key: String,
    pub(crate) stage: String,
    /// Bytes.
    pub(crate) done: u64,
    /// Bytes; 0 if unknown.
    pub(crate) total: u64,
}

impl ModelState {
    /// True if models have been lost too often for another try.
    pub(crate) fn is_given_up(&self, now: Instant) -> bool {
        let recent = |at: &&Instant| now.saturating_duration_since(**at) < LOSS_WINDOW;
        self.losses.iter().filter(recent).count() >= MOST_LOSSES
    }
}

/// The engine, for any number of callers.
pub(crate) struct EngineHost {
    engine: Mutex<Engine>,
    concurrency: Concurrency,
    listeners: Arc<Listeners>,
}

/// Hears of a turn's events on the engine's thread, whether or not their reader has come to them; gone after the last.
pub(crate) type TurnMeter = Box<dyn FnMut(&TurnEvent) + Send>;

struct Listeners {
    turns: Mutex<HashMap<TurnId, (UnboundedSender<TurnEvent>, TurnMeter)>>,
    measures: Mutex<HashMap<MeasureId, UnboundedSender<MeasureEvent>>>,
    model: watch::Sender<ModelState>,
    last: AtomicU64,
}

/// A turn that was begun; dropped, it is abandoned.
///
/// The engine never waits for a reader: its events are a list that grows to the turn's end.
pub(crate) struct RunningTurn {
    pub(crate) handle: Arc<TurnHandle>,
    pub(crate) events: UnboundedReceiver<TurnEvent>,
    turn: TurnId,
    listeners: Arc<Listeners>,
}

impl Drop for RunningTurn {
    fn drop(&mut self) {
        // What the meter holds is free now, not when the engine has come to the end of a pass.
        let listener = lock(&self.listeners.turns).remove(&self.turn);
        drop(listener);
    }
}

/// A measurement that was begun; dropped, it is stopped.
pub(crate) struct RunningMeasure {
    _handle: MeasureHandle,
    pub(crate) events: UnboundedReceiver<MeasureEvent>,
}

impl EngineHost {
    pub(crate) fn start(loader: Box<dyn Loader>, concurrency: Concurrency) -> io::Result<Self> {
        let listeners = Arc::new(Listeners {
            turns: Mutex::default(),
            measures: Mutex::default(),
            model: watch::Sender::new(ModelState::default()),
            last: AtomicU64::new(0),
        });
        let hear = Arc::clone(&listeners);
        let engine = Engine::start_concurrent(concurrency, loader, move |event| hear.hear(event))?;
        Ok(Self {
            engine: Mutex::new(engine),
            concurrency,
            listeners,
        })
    }

    /// The model's state now, and word of each change.
    pub(crate) fn model(&self) -> watch::Receiver<ModelState> {
        self.listeners.model.subscribe()
    }

    pub(crate) fn loaded(&self) -> Option<Arc<Loaded>> {
        self.listeners.model.borrow().loaded.clone()
    }

    /// Turns that run at once on this model, and those of them that one pass computes; on none, those that may wait for one.
    pub(crate) fn at_once(&self, loaded: Option<&Arc<Loaded>>) -> (usize, usize) {
        let turns = self.concurrency.turns.map_or(1, Into::into);
        loaded.map_or((turns, 1), |it| it.at_once(self.concurrency))
    }

    pub(crate) fn begin(
        &self,
        sharing: Sharing,
        request: TurnRequest,
        meter: TurnMeter,
    ) -> RunningTurn {
        let turn = TurnId(self.number());
        let (sender, events) = unbounded_channel();
        lock(&self.listeners.turns).insert(turn, (sender, meter));
        let handle = lock(&self.engine).begin_for(sharing, TurnRequest { turn, ..request });
        RunningTurn {
            handle: Arc::new(handle),
            events,
            turn,
            listeners: Arc::clone(&self.listeners),
        }
    }

    pub(crate) fn measure(&self, sharing: Sharing, request: MeasureRequest) -> RunningMeasure {
        let measure = MeasureId(self.number());
        let (sender, events) = unbounded_channel();
        lock(&self.listeners.measures).insert(measure, sender);
        let request = MeasureRequest { measure, ..request };
        let handle = lock(&self.engine).measure_for(sharing, request);
        RunningMeasure {
            _handle: handle,
            events,
        }
    }

    /// Says that a load is about to begin, so that nobody asks for another one.
    pub(crate) fn announce(&self, key: &str) {
        self.listeners.model.send_modify(|it| {
            it.failed = None;
            it.loading = Some(LoadStage {
                key: key.to_owned(),
                ..LoadStage::default()
            });
        });
    }

    pub(crate) fn load(&self, request: LoadRequest) {
        lock(&self.engine).load(request);
    }

    /// A load that was announced has met a bug before the engine heard of it.
    pub(crate) fn load_broke(&self, key: String, what: &str) {
        let failure = Failure {
            kind: FailureKind::Config,
            text: format!("what had to be found out before the load broke: {what}"),
            hint: "please report it with the log".to_owned(),
        };
        self.listeners.load_failed(key, failure);
    }

    /// Nobody finds the model any more, even before the engine has come to it.
    pub(crate) fn unload(&self) {
        self.listeners.model.send_modify(|it| it.loaded = None);
        lock(&self.engine).unload();
    }

    /// Breaks off what is being loaded.
    pub(crate) fn cancel_load(&self) {
        lock(&self.engine).cancel_load();
    }

    fn number(&self) -> u64 {
        self.listeners.last.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Listeners {
    /// On the engine's thread.
    fn hear(&self, event: EngineEvent) {
        match event {
            EngineEvent::Turn(turn, event) => {
                let is_last = match &event {
                    TurnEvent::Failed(failure) => {
                        self.heed(failure);
                        true
                    }
                    TurnEvent::Finished(_) => true,
                    TurnEvent::Started { .. }
                    | TurnEvent::Step(_)
                    | TurnEvent::Paused(_)
                    | TurnEvent::Resumed => false,
                };
                let mut turns = lock(&self.turns);
                if let Some((listener, meter)) = turns.get_mut(&turn) {
                    meter(&event);
                    // Whoever has gone has dropped the handle, which ends the work.
                    listener.send(event).ok();
                }
                let ended = is_last.then(|| turns.remove(&turn));
                drop(turns);
                drop(ended);
            }
            EngineEvent::Measure(measure, event) => {
                let is_last = match &event {
                    MeasureEvent::Failed(failure) => {
                        self.heed(failure);
                        true
                    }
                    MeasureEvent::Finished | MeasureEvent::Stopped => true,
                    MeasureEvent::Progress { .. } | MeasureEvent::Measured(_) => false,
                };
                let mut measures = lock(&self.measures);
                if let Some(listener) = measures.get(&measure) {
                    listener.send(event).ok();
                }
                if is_last {
                    measures.remove(&measure);
                }
            }
            EngineEvent::Loading {
                key,
                stage,
                done,
                total,
            } => self.model.send_modify(|it| {
                it.loading = Some(LoadStage {
                    key,
                    stage,
                    done,
                    total,
                });
            }),
            EngineEvent::Unloaded(_) => self.model.send_modify(|it| it.loaded = None),
            EngineEvent::Lost { failure, .. } => {
                tracing::warn!(%failure, "the model's process is gone");
                self.model.send_modify(|it| {
                    let now = Instant::now();
                    it.losses
                        .retain(|at| now.saturating_duration_since(*at) < LOSS_WINDOW);
                    it.losses.push(now);
                    it.loaded = None;
                });
            }
            EngineEvent::Loaded(loaded) => self.model.send_modify(|it| {
                it.loading = None;
                it.loaded = Some(loaded);
            }),
            EngineEvent::LoadFailed { key, failure } => self.load_failed(key, failure),
        }
    }

    /// What ended because there is no model tells so before the engine does: the next request has to load it.
    fn heed(&self, failure: &Failure) {
        if failure.kind == FailureKind::NoModel {
            self.model.send_modify(|it| it.loaded = None);
        }
    }

    fn load_failed(&self, key: String, failure: Failure) {
        tracing::warn!(key, %failure, "a model could not be loaded");
        self.model.send_modify(|it| {
            it.loading = None;
            it.failed = Some((key, failure));
            it.failures += 1;
        });
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
