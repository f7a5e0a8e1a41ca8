//! Joins the queue with the engine: requests get a place once their model is loaded and it is their turn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use tokio::sync::{oneshot, watch};
use unmask_core::catalogue::{Catalogue, MemoryFit};
use unmask_core::config::ConfigReader;
use unmask_core::engine::{Failure, LoadRequest, Loaded, OldModel};

use super::error::ApiError;
use super::host::{EngineHost, lock};
use super::queue::{Admit, Queue, QueueFull, Ticket, WorkKind};

/// Seconds that a client is told to wait at most.
const LONGEST_WAIT: u64 = 60;

pub(crate) struct Admission {
    host: Arc<EngineHost>,
    reader: ConfigReader,
    /// Places are left wherever a request is dropped.
    runtime: tokio::runtime::Handle,
    places: Mutex<Places>,
    /// Changes whenever places do.
    version: watch::Sender<u64>,
}

struct Places {
    queue: Queue,
    waiters: HashMap<Ticket, oneshot::Sender<Result<Arc<Loaded>, Failure>>>,
    /// How long a request ran, on average of the last few.
    mean: Duration,
    /// When the last request ended.
    idle_since: Instant,
    /// Loads whose failure the waiting were told of.
    failures: u64,
    is_closed: bool,
}

/// A place in the queue or on the engine; dropped, it is free.
pub(crate) struct EnginePlace {
    admission: Arc<Admission>,
    ticket: Ticket,
    began: OnceLock<Instant>,
}

/// A place that is waited for.
pub(crate) struct WaitingPlace {
    pub(crate) place: Arc<EnginePlace>,
    pub(crate) admitted: oneshot::Receiver<Result<Arc<Loaded>, Failure>>,
    pub(crate) changed: watch::Receiver<u64>,
}

/// How many run and wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueueState {
    pub(crate) running: usize,
    pub(crate) waiting: usize,
    pub(crate) parallel: usize,
}

impl Admission {
    /// Within the runtime that it is used from.
    pub(crate) fn new(host: Arc<EngineHost>, reader: ConfigReader, queue: Queue) -> Arc<Self> {
        Arc::new(Self {
            host,
            reader,
            runtime: tokio::runtime::Handle::current(),
            places: Mutex::new(Places {
                queue,
                waiters: HashMap::new(),
                mean: Duration::from_secs(1),
                idle_since: Instant::now(),
                failures: 0,
                is_closed: false,
            }),
            version: watch::Sender::new(0),
        })
    }

    /// The places, for whose order is counted what the engine has done since.
    fn places(&self) -> MutexGuard<'_, Places> {
        let mut places = lock(&self.places);
        for (client, time) in self.host.take_engine_times() {
            places.queue.spent(&client, time);
        }
        places
    }

    /// Waits for a place of a client.
    pub(crate) fn enter(
        self: &Arc<Self>,
        client: &str,
        kind: WorkKind,
        model: &str,
    ) -> Result<WaitingPlace, ApiError> {
        let (sender, admitted) = oneshot::channel();
        let changed = self.version.subscribe();
        let ticket = {
            let mut places = self.places();
            if places.is_closed {
                return Err(ApiError::shutdown());
            }
            let ticket = places.queue.enter(client, kind, model, Instant::now());
            let ticket = ticket.map_err(|full| places.full(full))?;
            places.waiters.insert(ticket, sender);
            ticket
        };
        let place = Arc::new(EnginePlace {
            admission: Arc::clone(self),
            ticket,
            began: OnceLock::new(),
        });
        self.advance();
        Ok(WaitingPlace {
            place,
            admitted,
            changed,
        })
    }

    /// Gives out the places that are free, and has the model loaded that the next request wants.
    pub(crate) fn advance(self: &Arc<Self>) {
        // First: a state that was read before may have changed by then, and a model would be loaded twice or be gone.
        let mut places = self.places();
        let state = self.host.model().borrow().clone();
        if state.loading.is_some() {
            drop(places);
            return self.tell();
        }
        if let Some((key, failure)) = &state.failed
            && places.failures != state.failures
        {
            places.failures = state.failures;
            places.refuse(key, failure);
        }
        let loaded = state.loaded.as_ref();
        places.queue.set_parallel(self.host.at_once(loaded).0);
        loop {
            let now = Instant::now();
            let key = loaded.map(|it| it.key.as_str());
            match places.queue.next(key, now) {
                Admit::Start(ticket) => {
                    if let (Some(waiter), Some(loaded)) = (places.waiters.remove(&ticket), loaded) {
                        // Whoever has gone gives the place back.
                        waiter.send(Ok(Arc::clone(loaded))).ok();
                    }
                }
                Admit::Load(key) if state.is_given_up(now) => {
                    places.refuse(&key, &lost_too_often());
                }
                Admit::Load(key) => {
                    self.host.announce(&key);
                    self.begin_load(key);
                    break;
                }
                Admit::Wait => break,
            }
        }
        drop(places);
        self.tell();
    }

    /// Loads a model beside the one before, or after that has made room.
    fn load(&self, key: String) {
        let old = match self.host.loaded() {
            None => OldModel::KeptBeside,
            Some(loaded) => match Catalogue::scan(&self.reader) {
                Ok(catalogue) => {
                    let choice = catalogue.own(&key);
                    let fit = choice.map(|it| catalogue.fit(it, Some(&loaded)));
                    match fit {
                        Some(MemoryFit::Beside) => OldModel::KeptBeside,
                        _ => OldModel::UnloadedFirst,
                    }
                }
                // The load itself tells what is wrong.
                Err(_) => OldModel::KeptBeside,
            },
        };
        self.host.load(LoadRequest {
            key,
            old,
            ..LoadRequest::default()
        });
    }

    /// Loads a model before anybody asks for it.
    pub(crate) fn preload(self: &Arc<Self>, key: &str) {
        self.host.announce(key);
        self.begin_load(key.to_owned());
    }

    fn begin_load(self: &Arc<Self>, key: String) {
        let (this, wanted) = (Arc::clone(self), key.clone());
        self.or_failed(key, move || this.load(wanted));
    }

    /// Does `work` for the load of a model on a thread of its own; if that breaks, the load has failed.
    fn or_failed(&self, key: String, work: impl FnOnce() + Send + 'static) {
        let (host, work) = (Arc::clone(&self.host), self.runtime.spawn_blocking(work));
        self.runtime.spawn(async move {
            if let Err(error) = work.await {
                host.load_broke(key, &error.to_string());
            }
        });
    }

    /// Requests before this one and the seconds that they will take, about; `None` once it runs.
    pub(crate) fn ahead(&self, place: &EnginePlace) -> Option<(usize, f64)> {
        let places = self.places();
        let ahead = places.queue.ahead(place.ticket)?;
        Some((ahead, places.seconds(ahead)))
    }

    pub(crate) fn state(&self) -> QueueState {
        let places = self.places();
        QueueState {
            running: places.queue.running(),
            waiting: places.queue.waiting(),
            parallel: places.queue.parallel(),
        }
    }

    /// Frees a model for which nothing has run or waited so long.
    pub(crate) fn unload_idle(&self, keep_alive: Duration) {
        // Whoever enters meanwhile waits for the lock, and then finds no model.
        let places = self.places();
        let is_idle = places.queue.running() + places.queue.waiting() == 0;
        if is_idle && places.idle_since.elapsed() >= keep_alive && self.host.loaded().is_some() {
            self.host.unload();
        }
    }

    /// Refuses everybody who waits or comes from now on.
    pub(crate) fn close(&self) {
        let mut places = self.places();
        places.is_closed = true;
        // They hear that nobody will admit them.
        places.waiters.clear();
    }

    fn tell(&self) {
        self.version.send_modify(|it| *it += 1);
    }
}

impl Places {
    fn refuse(&mut self, model: &str, failure: &Failure) {
        for ticket in self.queue.waiting_for(model) {
            if let Some(waiter) = self.waiters.remove(&ticket) {
                waiter.send(Err(failure.clone())).ok();
            }
            self.queue.leave(ticket);
        }
    }

    fn seconds(&self, ahead: usize) -> f64 {
        self.mean.as_secs_f64() * ahead as f64 / self.queue.parallel() as f64
    }

    fn full(&self, full: QueueFull) -> ApiError {
        let seconds = self.seconds(full.waiting.max(1)).ceil() as u64;
        let message = format!(
            "{} requests wait already; ask again in about {} s",
            full.waiting,
            seconds.clamp(1, LONGEST_WAIT)
        );
        ApiError {
            retry_after: Some(seconds.clamp(1, LONGEST_WAIT)),
            ..ApiError::new(StatusCode::TOO_MANY_REQUESTS, "queue_full", message)
        }
    }
}

impl EnginePlace {
    /// The engine works for it from now on.
    pub(crate) fn begin(&self) {
        self.began.get_or_init(Instant::now);
    }

    /// It wants nothing of the engine, until [`resume`](Self::resume).
    pub(crate) fn rest(&self) {
        self.admission.places().queue.rest(self.ticket);
    }

    pub(crate) fn resume(&self) {
        self.admission.places().queue.resume(self.ticket);
    }
}

impl Drop for EnginePlace {
    fn drop(&mut self) {
        {
            let mut places = self.admission.places();
            places.queue.leave(self.ticket);
            places.waiters.remove(&self.ticket);
            places.idle_since = Instant::now();
            if let Some(began) = self.began.get() {
                places.mean = (places.mean * 3 + began.elapsed()) / 4;
            }
        }
        self.admission.advance();
    }
}

fn lost_too_often() -> Failure {
    Failure {
        kind: unmask_core::engine::FailureKind::Backend,
        text: "the model's process has ended three times within ten minutes".to_owned(),
        hint: "the server's log tells what it wrote; ask again later".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use unmask_core::concurrency::Concurrency;

    use super::*;
    use crate::fixture::FixtureLoader;

    #[tokio::test]
    async fn a_load_whose_thread_breaks_has_failed() {
        let host = EngineHost::start(Box::new(FixtureLoader::default()), Concurrency::ONE)
            .expect("it starts");
        let host = Arc::new(host);
        let reader = ConfigReader::default();
        let admission = Admission::new(Arc::clone(&host), reader, Queue::new(1, 1));
        host.announce("words");
        admission.or_failed("words".to_owned(), || panic!("on purpose"));
        let mut model = host.model();
        let state = model.wait_for(|it| it.loading.is_none()).await;
        let state = state.expect("the engine is there").clone();
        let (key, failure) = state.failed.expect("it is told");
        assert_eq!((&*key, state.failures), ("words", 1));
        assert!(failure.text.contains("on purpose"), "{failure}");
    }
}
