//! The way of a request from the queue to its last turn, as news in order. Dropped, it gives its place back and breaks off
//! the forward that runs for it: that is what a client does that hangs up.

mod wait;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::{Instant as TokioInstant, timeout_at};
use ulid::Ulid;
use unmask_core::engine::{FailureKind, Loaded, Sharing, TurnEvent, TurnHandle};

use super::admission::EnginePlace;
use super::app::{App, OwnedTurn};
use super::error::{ApiError, bug};
use super::host::{EventWatch, LoadStage, RunningTurn, lock};
use super::prepare::{AnswerKind, AskedAnswers, PreparedTurn};
use super::queue::WorkKind;
use wait::Wait;

/// What happens to a request.
pub(crate) enum RunNews {
    /// It waits behind so many for so many seconds, about.
    Queued { ahead: usize, seconds: f64 },
    /// Its model is being loaded.
    Loading(LoadStage),
    /// It runs on this model from now on.
    Admitted(Arc<Loaded>),
    /// A turn begins.
    Begun(Arc<PreparedTurn>, Arc<TurnHandle>),
    /// What happens in that turn.
    Turn(Box<TurnEvent>),
}

pub(crate) struct AnswerRun {
    app: Arc<App>,
    asked: Arc<AskedAnswers>,
    /// Of the answer, and so of its turns.
    pub(crate) id: String,
    client: String,
    phase: RunPhase,
    /// Laid out before a place was free, on this model.
    prepared: Option<(Weak<Loaded>, Vec<PreparedTurn>)>,
    /// Until its last turn, which has it then.
    place: Option<Arc<EnginePlace>>,
    /// What comes before anything else.
    pending: Option<RunNews>,
    /// Nobody was told of a turn yet, and it has not been in the queue twice.
    may_go_back: bool,
    /// Whoever asked wants no other attempt at the present answer.
    is_stopped: Arc<AtomicBool>,
    entered: Instant,
    pub(crate) times: RunTimes,
}

/// How long what has taken.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RunTimes {
    pub(crate) queued: Duration,
    pub(crate) loading: Duration,
}

enum RunPhase {
    Waiting(Box<Wait>),
    Preparing(Arc<Loaded>, JoinHandle<Result<Vec<PreparedTurn>, ApiError>>),
    /// The next of these is to begin.
    Between(Arc<Loaded>, std::vec::IntoIter<PreparedTurn>),
    Turning {
        loaded: Arc<Loaded>,
        rest: std::vec::IntoIter<PreparedTurn>,
        turn: RunningTurn,
        /// Until its first event.
        begun: Option<Arc<PreparedTurn>>,
        /// When a pause has been too long.
        wakes: Option<TokioInstant>,
    },
    Over,
}

/// The model was gone before it could tell anything of a turn.
struct ModelGone;

impl AnswerRun {
    /// Tests the request as far as that goes without its model, and takes a place in the queue.
    pub(crate) async fn enter(
        app: &Arc<App>,
        asked: AskedAnswers,
        client: &str,
    ) -> Result<Self, ApiError> {
        let model = app.model(asked.generation.model.as_deref())?.to_owned();
        let asked = Arc::new(asked);
        let entered = Instant::now();
        // First: whoever finds no place costs no more than that.
        let waiting = app.admission.enter(client, WorkKind::Turns, &model)?;
        let loaded = app.host.loaded().filter(|it| it.key == model);
        let prepared = match loaded {
            None => None,
            Some(loaded) => {
                let turns = prepare(app, &asked, &loaded).await;
                Some((Arc::downgrade(&loaded), finished(turns)?))
            }
        };
        let prefix = match asked.kind {
            AnswerKind::Chat => "chatcmpl",
            AnswerKind::Completion | AnswerKind::FillIn => "cmpl",
        };
        Ok(Self {
            id: format!("{prefix}-{}", Ulid::new()),
            phase: RunPhase::Waiting(Box::new(Wait::new(app, waiting))),
            app: Arc::clone(app),
            asked,
            client: client.to_owned(),
            prepared,
            place: None,
            is_stopped: Arc::default(),
            pending: None,
            may_go_back: true,
            entered,
            times: RunTimes::default(),
        })
    }

    pub(crate) fn asked(&self) -> &Arc<AskedAnswers> {
        &self.asked
    }

    pub(crate) fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Who asks.
    pub(crate) fn client(&self) -> &str {
        &self.client
    }

    /// The next news; `None` after the last turn, and after an error. May be dropped while it waits, and asked again.
    pub(crate) async fn next(&mut self) -> Option<Result<RunNews, ApiError>> {
        if let Some(news) = self.pending.take() {
            return Some(Ok(news));
        }
        loop {
            match std::mem::replace(&mut self.phase, RunPhase::Over) {
                RunPhase::Waiting(wait) => {
                    self.phase = RunPhase::Waiting(wait);
                    return Some(self.wait().await);
                }
                RunPhase::Preparing(loaded, handle) => {
                    self.phase = RunPhase::Preparing(loaded, handle);
                    if let Err(error) = self.prepared().await {
                        return self.fail(error);
                    }
                }
                RunPhase::Between(loaded, mut rest) => {
                    let prepared = rest.next()?;
                    let sharing = Sharing {
                        client: self.client.clone(),
                        passes: self.asked.generation.unmask.passes,
                    };
                    let watch = self.watch(rest.len());
                    let request = prepared.request.clone().into();
                    let turn = self.app.host.begin(sharing, request, watch);
                    let owned = OwnedTurn {
                        client: self.client.clone(),
                        handle: Arc::downgrade(&turn.handle),
                        is_stopped: Arc::clone(&self.is_stopped),
                    };
                    lock(&self.app.turns).insert(self.id.clone(), owned);
                    self.phase = RunPhase::Turning {
                        loaded,
                        rest,
                        turn,
                        begun: Some(Arc::new(prepared)),
                        wakes: None,
                    };
                }
                turning @ RunPhase::Turning { .. } => {
                    self.phase = turning;
                    match self.turn().await {
                        Some(Ok(news)) => return Some(Ok(news)),
                        Some(Err(ModelGone)) => {
                            if let Err(error) = self.go_back() {
                                return self.fail(error);
                            }
                        }
                        None => return self.fail(ApiError::shutdown()),
                    }
                }
                RunPhase::Over => return None,
            }
        }
    }

    /// Tells the queue when a turn rests, after which so many come, and gives the place back with the last: it is another's
    /// then, though the answer is still to be read.
    fn watch(&mut self, rest: usize) -> EventWatch<TurnEvent> {
        let place = match rest {
            0 => self.place.take(),
            _ => self.place.clone(),
        };
        Box::new(move |event: &TurnEvent| match (event, &place) {
            (TurnEvent::Paused(_), Some(place)) => place.rest(),
            // The turn before may have ended at rest.
            (TurnEvent::Started { .. } | TurnEvent::Resumed, Some(place)) => place.resume(),
            _ => (),
        })
    }

    /// Waits for its place again: the model was gone before it could tell anything.
    fn go_back(&mut self) -> Result<(), ApiError> {
        (self.place, self.prepared) = (None, None);
        let model = self.app.model(self.asked.generation.model.as_deref())?;
        let admission = &self.app.admission;
        let waiting = admission.enter(&self.client, WorkKind::Turns, model)?;
        self.phase = RunPhase::Waiting(Box::new(Wait::new(&self.app, waiting)));
        Ok(())
    }

    fn fail(&mut self, error: ApiError) -> Option<Result<RunNews, ApiError>> {
        self.phase = RunPhase::Over;
        self.place = None;
        Some(Err(error))
    }

    async fn wait(&mut self) -> Result<RunNews, ApiError> {
        let admitted = loop {
            let RunPhase::Waiting(wait) = &mut self.phase else {
                return Err(ApiError::shutdown());
            };
            if let Some(news) = wait.look(&self.app) {
                return Ok(news);
            }
            tokio::select! {
                biased;
                admitted = &mut wait.waiting.admitted => break admitted,
                Ok(()) = wait.waiting.changed.changed() => (),
                Ok(()) = wait.model.changed() => (),
            }
        };
        let RunPhase::Waiting(wait) = std::mem::replace(&mut self.phase, RunPhase::Over) else {
            return Err(ApiError::shutdown());
        };
        let loaded = match admitted {
            Ok(Ok(loaded)) => loaded,
            Ok(Err(failure)) => return Err(ApiError::of(&failure, self.app.limits.shows_all)),
            // The server ends.
            Err(_) => return Err(ApiError::shutdown()),
        };
        self.times.loading = wait.loading_since.map_or(Duration::ZERO, |it| it.elapsed());
        self.times.queued = self.entered.elapsed().saturating_sub(self.times.loading);
        let place = wait.waiting.place;
        place.begin();
        self.place = Some(place);
        let on_it = |of: &Weak<Loaded>| Weak::ptr_eq(of, &Arc::downgrade(&loaded));
        self.phase = match self.prepared.take().filter(|(of, _)| on_it(of)) {
            Some((_, turns)) => RunPhase::Between(Arc::clone(&loaded), turns.into_iter()),
            None => {
                let turns = prepare(&self.app, &self.asked, &loaded);
                RunPhase::Preparing(Arc::clone(&loaded), turns)
            }
        };
        Ok(RunNews::Admitted(loaded))
    }

    async fn prepared(&mut self) -> Result<(), ApiError> {
        let RunPhase::Preparing(loaded, handle) = &mut self.phase else {
            return Ok(());
        };
        let turns = finished(handle.await)?;
        self.phase = RunPhase::Between(Arc::clone(loaded), turns.into_iter());
        Ok(())
    }

    /// What happens next to the running turn; `None` if the engine is gone.
    async fn turn(&mut self) -> Option<Result<RunNews, ModelGone>> {
        let longest = self.app.patience.pause;
        let RunPhase::Turning {
            turn, wakes, begun, ..
        } = &mut self.phase
        else {
            return None;
        };
        let event = match *wakes {
            None => turn.events.recv().await?,
            Some(at) => match timeout_at(at, turn.events.recv()).await {
                Ok(event) => event?,
                Err(_) => {
                    turn.handle.stop();
                    self.is_stopped.store(true, Ordering::Relaxed);
                    *wakes = None;
                    turn.events.recv().await?
                }
            },
        };
        let first = begun.take();
        let first = first.map(|it| RunNews::Begun(it, Arc::clone(&turn.handle)));
        match &event {
            TurnEvent::Paused(_) => *wakes = Some(TokioInstant::now() + longest),
            TurnEvent::Resumed => *wakes = None,
            TurnEvent::Started { .. } | TurnEvent::Step(_) => (),
            TurnEvent::Finished(_) => {
                if let RunPhase::Turning {
                    loaded, mut rest, ..
                } = std::mem::replace(&mut self.phase, RunPhase::Over)
                {
                    let is_stopped = self.is_stopped.swap(false, Ordering::Relaxed);
                    let is_another_try =
                        |it: &PreparedTurn| it.attempt.is_some_and(|it| it.place > 0);
                    while is_stopped && rest.as_slice().first().is_some_and(is_another_try) {
                        rest.next();
                    }
                    match rest.len() {
                        0 => self.place = None,
                        _ => self.phase = RunPhase::Between(loaded, rest),
                    }
                }
            }
            TurnEvent::Failed(failure) => {
                self.phase = RunPhase::Over;
                self.place = None;
                let may_go_back = std::mem::take(&mut self.may_go_back);
                if may_go_back && failure.kind == FailureKind::NoModel {
                    return Some(Err(ModelGone));
                }
            }
        }
        self.may_go_back = false;
        let news = RunNews::Turn(Box::new(event));
        Some(Ok(match first {
            None => news,
            Some(first) => {
                self.pending = Some(news);
                first
            }
        }))
    }
}

impl Drop for AnswerRun {
    fn drop(&mut self) {
        lock(&self.app.turns).remove(&self.id);
    }
}

fn prepare(
    app: &App,
    asked: &Arc<AskedAnswers>,
    loaded: &Arc<Loaded>,
) -> JoinHandle<Result<Vec<PreparedTurn>, ApiError>> {
    let (asked, loaded, limits) = (Arc::clone(asked), Arc::clone(loaded), app.limits);
    tokio::task::spawn_blocking(move || asked.prepare(&loaded, limits))
}

/// What a thread of its own has come to.
pub(crate) fn finished<T>(
    joined: Result<Result<T, ApiError>, tokio::task::JoinError>,
) -> Result<T, ApiError> {
    joined.unwrap_or_else(|error| Err(bug(&format!("a request's thread ended: {error}"))))
}

#[cfg(test)]
mod tests;
