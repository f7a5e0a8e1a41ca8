//! The engine and what hears of it: every turn's events go to whoever began it, the model's state to all.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
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

/// Hears of events on the engine's thread, whether or not their reader has come to them; gone before that reads the last.
pub(crate) type EventWatch<E> = Box<dyn FnMut(&E) + Send>;

struct Listeners {
    turns: ListenerMap<TurnId, TurnEvent>,
    measures: ListenerMap<MeasureId, MeasureEvent>,
    /// What clients have had of the engine's time since it was asked last.
    engine_times: Mutex<BTreeMap<String, Duration>>,
    model: watch::Sender<ModelState>,
    last: AtomicU64,
}

/// Of what was begun and has not ended.
struct ListenerMap<Id, E>(Mutex<HashMap<Id, Listener<E>>>);

struct Listener<E> {
    events: UnboundedSender<E>,
    watch: EventWatch<E>,
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
        // First: nobody finds the place free while what it was for goes on.
        self.handle.abandon();
        // What its watch holds is free now, not when the engine has come to the end of a layer.
        drop(self.listeners.turns.remove(self.turn));
    }
}

/// A measurement that was begun; dropped, it is stopped.
pub(crate) struct RunningMeasure {
    handle: MeasureHandle,
    pub(crate) events: UnboundedReceiver<MeasureEvent>,
    measure: MeasureId,
    listeners: Arc<Listeners>,
}

impl Drop for RunningMeasure {
    fn drop(&mut self) {
        self.handle.stop();
        drop(self.listeners.measures.remove(self.measure));
    }
}

impl EngineHost {
    pub(crate) fn start(loader: Box<dyn Loader>, concurrency: Concurrency) -> io::Result<Self> {
        let listeners = Arc::new(Listeners {
            turns: ListenerMap(Mutex::default()),
            measures: ListenerMap(Mutex::default()),
            engine_times: Mutex::default(),
            model: watch::Sender::new(ModelState::default()),
            last: AtomicU64::new(0),
        });
        let (hear, count) = (Arc::clone(&listeners), Arc::clone(&listeners));
        let engine = Engine::start_concurrent(
            concurrency,
            loader,
            move |event| hear.hear(event),
            move |client, time| count.count_time(client, time),
        )?;
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
        watch: EventWatch<TurnEvent>,
    ) -> RunningTurn {
        let turn = TurnId(self.number());
        let events = self.listeners.turns.insert(turn, watch);
        let handle = lock(&self.engine).begin_for(sharing, TurnRequest { turn, ..request });
        RunningTurn {
            handle: Arc::new(handle),
            events,
            turn,
            listeners: Arc::clone(&self.listeners),
        }
    }

    pub(crate) fn measure(
        &self,
        sharing: Sharing,
        request: MeasureRequest,
        watch: EventWatch<MeasureEvent>,
    ) -> RunningMeasure {
        let measure = MeasureId(self.number());
        let events = self.listeners.measures.insert(measure, watch);
        let request = MeasureRequest { measure, ..request };
        let handle = lock(&self.engine).measure_for(sharing, request);
        RunningMeasure {
            handle,
            events,
            measure,
            listeners: Arc::clone(&self.listeners),
        }
    }

    /// What clients have had of the engine's time since this was asked last.
    pub(crate) fn take_engine_times(&self) -> BTreeMap<String, Duration> {
        std::mem::take(&mut lock(&self.listeners.engine_times))
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

// Whoever has gone has dropped the handle, which ends the work: what it does not read is nobody's.
impl<Id: Eq + Hash, E> ListenerMap<Id, E> {
    fn insert(&self, id: Id, watch: EventWatch<E>) -> UnboundedReceiver<E> {
        let (events, receiver) = unbounded_channel();
        lock(&self.0).insert(id, Listener { events, watch });
        receiver
    }

    fn tell(&self, id: Id, event: E) {
        if let Some(Listener { events, watch }) = lock(&self.0).get_mut(&id) {
            watch(&event);
            events.send(event).ok();
        }
    }

    /// What watched is gone before the reader hears of it.
    fn tell_last(&self, id: Id, event: E) {
        if let Some(Listener { events, mut watch }) = self.remove(id) {
            watch(&event);
            drop(watch);
            events.send(event).ok();
        }
    }

    /// Not dropped under the lock, since others are taken as its watch goes.
    fn remove(&self, id: Id) -> Option<Listener<E>> {
        lock(&self.0).remove(&id)
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
                match is_last {
                    true => self.turns.tell_last(turn, event),
                    false => self.turns.tell(turn, event),
                }
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
                match is_last {
                    true => self.measures.tell_last(measure, event),
                    false => self.measures.tell(measure, event),
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

    /// On the engine's thread.
    fn count_time(&self, client: &str, time: Duration) {
        let mut times = lock(&self.engine_times);
        match times.get_mut(client) {
            Some(before) => *before += time,
            None => drop(times.insert(client.to_owned(), time)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_was_lost_three_times_in_ten_minutes_is_given_up() {
        let now = Instant::now();
        let given_up = |seconds: &[u64]| {
            let later = |it: &u64| now + Duration::from_secs(*it);
            let state = ModelState {
                losses: seconds.iter().map(later).collect(),
                ..ModelState::default()
            };
            state.is_given_up(now + Duration::from_secs(600))
        };
        assert!(given_up(&[1, 2, 300]));
        assert!(!given_up(&[1, 2]));
        assert!(!given_up(&[0, 2, 300]), "the first was too long ago");
    }
}
