//! The turns that run at once: which of them is next, and what becomes of it.
//!
//! Between two passes the engine is free for another turn, so that nobody waits for a whole answer of somebody else. The next
//! pass is of the turn whose client has had the least of the engine's time; where the backend can, the same pass computes
//! others that sit in the same session.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use unmask_api::{BackendError, ErrorCode};

use super::active_turn::{ActiveTurn, TurnSession};
use super::control::{Control, Requested};
use super::end::{failure, panicked};
use super::event_sink::EventSink;
use super::inbox::{EngineCommand, Inbox, Occupied};
use super::layout::lay_out;
use super::model::ReadyModel;
use super::served::ServedTimes;
use super::sessions::ModelSessions;
use super::{EngineEvent, Failure, Sharing, TurnEvent, TurnInput, TurnRequest};
use crate::concurrency::Concurrency;
use crate::event::FinishReason;
use crate::generate::DenoiseError;

/// Turns that run.
pub(super) struct Turns {
    concurrency: Concurrency,
    pub(super) running: Vec<ActiveTurn>,
    pub(super) served: ServedTimes,
    /// Whose likelihoods are measured meanwhile.
    measuring: Option<String>,
    /// There was no memory for one more; it waits until one has ended.
    is_full: bool,
}

/// What turns run on.
pub(super) struct ModelInUse<'m> {
    pub(super) ready: &'m ReadyModel,
    pub(super) sessions: &'m mut ModelSessions,
    pub(super) events: &'m EventSink,
}

/// The process that the model ran in is no more.
pub(super) struct ModelGone(pub(super) Failure);

impl Turns {
    pub(super) fn new(concurrency: Concurrency) -> Self {
        Self {
            concurrency,
            running: Vec::new(),
            served: ServedTimes::default(),
            measuring: None,
            is_full: false,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// How much of this model is taken.
    pub(super) fn occupied(&self, ready: Option<&ReadyModel>) -> Occupied {
        let most = ready.map_or(1, |it| it.loaded.at_once(self.concurrency).0);
        let is_measuring = self.measuring.is_some();
        let taken = self.running.len() + usize::from(is_measuring);
        Occupied {
            free: match self.is_full {
                true => 0,
                false => most.saturating_sub(taken),
            },
            is_idle: taken == 0,
            is_measuring,
        }
    }

    /// True if there is a step to be made, or news from an owner.
    pub(super) fn have_work(&self) -> bool {
        let has_work =
            |it: &ActiveTurn| !it.is_resting || it.control.requested() != Requested::Pause;
        self.running.iter().any(has_work)
    }

    /// Begins a turn, which fails or runs from now on, or waits in the inbox again until there is memory for it.
    pub(super) fn begin(
        &mut self,
        request: TurnRequest,
        sharing: Sharing,
        control: Arc<Control>,
        inbox: &mut Inbox,
        on: &mut ModelInUse<'_>,
    ) -> Result<(), ModelGone> {
        let turn = request.turn;
        let emit = |event| on.events.emit(EngineEvent::Turn(turn, event));
        let at_once = on.ready.loaded.at_once(self.concurrency);
        let (ready, sessions) = (on.ready, &mut *on.sessions);
        let mut params = request.params;
        let opened = guarded(|| {
            let laid_out = lay_out(&ready.loaded, request.input, &mut params)?;
            let opened = TurnSession::open(
                ready,
                sessions,
                &laid_out,
                params.clone(),
                sharing.passes,
                at_once,
            );
            Ok((laid_out, opened))
        });
        let (laid_out, opened) = match opened.and_then(|it| it) {
            Ok(opened) => opened,
            Err(failure) => {
                emit(TurnEvent::Failed(failure));
                return Ok(());
            }
        };
        let session = match opened {
            Ok(session) => session,
            Err(DenoiseError::Backend(error))
                if error.code() == ErrorCode::OutOfMemory
                    && (on.sessions.free_idle() || !self.running.is_empty()) =>
            {
                self.is_full = !self.running.is_empty();
                let again = Box::new(TurnRequest {
                    turn,
                    input: TurnInput::LaidOut(laid_out),
                    params,
                });
                inbox.put_back(EngineCommand::Turn(again, sharing, control));
                return Ok(());
            }
            Err(error) => {
                let failure = failure(ready, &error);
                emit(TurnEvent::Failed(failure.clone()));
                return match is_gone(&error) {
                    true => Err(ModelGone(failure)),
                    false => Ok(()),
                };
            }
        };
        emit(TurnEvent::Started {
            canvas: laid_out.canvas,
            params: Box::new(params),
            left_out: laid_out.left_out,
        });
        self.served.enter(&sharing.client);
        let served = self.least_served(&sharing.client);
        self.running.push(ActiveTurn {
            turn,
            sharing,
            control,
            session,
            holes: laid_out.holes,
            elapsed: Duration::ZERO,
            served,
            is_resting: false,
        });
        Ok(())
    }

    /// What the turn of a client that has had least has had: where its next work begins, so that an older turn goes on however
    /// many come.
    pub(super) fn least_served(&self, client: &str) -> Duration {
        let own = self.running.iter();
        let own = own.filter(|it| it.sharing.client == client);
        own.map(|it| it.served).min().unwrap_or_default()
    }

    /// Does what the owners of turns want, then makes a step of the turn that is next, and of others with it.
    pub(super) fn step(&mut self, on: &mut ModelInUse<'_>) -> Result<(), ModelGone> {
        self.heed(on);
        let ready = self.ready();
        let Some(&first) = ready.first() else {
            return Ok(());
        };
        match &self.running[first].session {
            TurnSession::Own(_) => self.step_alone(first, on),
            TurnSession::Shared(..) => self.step_shared(&ready, on),
        }
    }

    /// Begins what waits beside a measurement, and makes steps while turns are before its client, which has had so much of the
    /// engine's time for it.
    pub(super) fn step_before(
        &mut self,
        client: &str,
        served: Duration,
        inbox: &mut Inbox,
        on: &mut ModelInUse<'_>,
    ) -> Result<(), ModelGone> {
        loop {
            inbox.take_in();
            while let Some(EngineCommand::Turn(request, sharing, control)) =
                inbox.next(self.occupied(Some(on.ready)))
            {
                self.begin(*request, sharing, control, inbox, on)?;
            }
            self.heed(on);
            let other = self.served.order(client, served);
            match self.ready().first() {
                Some(&first) if self.order(first) < other => self.step(on)?,
                Some(_) | None => return Ok(()),
            }
        }
    }

    /// Likelihoods are measured for a client, until [`measured`](Self::measured).
    pub(super) fn measure(&mut self, client: &str) {
        self.served.enter(client);
        self.measuring = Some(client.to_owned());
    }

    /// Measuring took so long.
    pub(super) fn spent(&mut self, client: &str, time: Duration) {
        self.served.add(client, time);
    }

    pub(super) fn measured(&mut self) {
        self.measuring = None;
        self.forget_idle();
    }

    fn forget_idle(&mut self) {
        let (running, measuring) = (&self.running, self.measuring.as_deref());
        self.served.keep(|client| {
            measuring == Some(client) || running.iter().any(|it| it.sharing.client == client)
        });
    }

    /// Gives every turn up.
    pub(super) fn fail_all(&mut self, failure: &Failure, events: &EventSink) {
        for turn in self.running.drain(..) {
            turn.emit(events, TurnEvent::Failed(failure.clone()));
        }
        self.is_full = false;
        self.forget_idle();
    }

    fn heed(&mut self, on: &mut ModelInUse<'_>) {
        let mut index = 0;
        while let Some(turn) = self.running.get_mut(index) {
            match turn.control.requested() {
                Requested::Stop => {
                    self.end(index, FinishReason::Stopped, on);
                    continue;
                }
                Requested::Pause if !turn.is_resting => {
                    turn.is_resting = true;
                    let steps = turn.session.denoise().stats().steps;
                    turn.emit(on.events, TurnEvent::Paused(steps));
                }
                Requested::Run if turn.is_resting => {
                    turn.is_resting = false;
                    turn.emit(on.events, TurnEvent::Resumed);
                }
                Requested::Pause | Requested::Run => (),
            }
            index += 1;
        }
    }

    /// The turns that do not rest, the next one first: of the client who has had the least time the one that has.
    fn ready(&self) -> Vec<usize> {
        let running = self.running.iter().enumerate();
        let ready = running.filter(|(_, it)| !it.is_resting);
        let mut ready: Vec<usize> = ready.map(|(index, _)| index).collect();
        ready.sort_by_key(|&index| self.order(index));
        ready
    }

    fn order(&self, index: usize) -> (Duration, Duration) {
        let turn = &self.running[index];
        self.served.order(&turn.sharing.client, turn.served)
    }

    pub(super) fn end(&mut self, index: usize, reason: FinishReason, on: &mut ModelInUse<'_>) {
        let turn = self.running.remove(index);
        let outcome = guarded(|| turn.outcome(on.ready, reason)).and_then(|it| it);
        turn.emit(
            on.events,
            match outcome {
                Ok(outcome) => TurnEvent::Finished(outcome),
                Err(failure) => TurnEvent::Failed(failure),
            },
        );
        match turn.session {
            TurnSession::Own(generation) => on.sessions.keep(*generation),
            TurnSession::Shared(_, seat) => on.sessions.leave(seat),
        }
        self.is_full = false;
        self.forget_idle();
    }

    pub(super) fn fail(&mut self, index: usize, failure: Failure, on: &mut ModelInUse<'_>) {
        let turn = self.running.remove(index);
        turn.emit(on.events, TurnEvent::Failed(failure));
        match turn.session {
            TurnSession::Own(_) => (),
            TurnSession::Shared(_, seat) => on.sessions.leave(seat),
        }
        self.is_full = false;
        self.forget_idle();
    }
}

pub(super) fn is_gone(error: &DenoiseError) -> bool {
    matches!(error, DenoiseError::Backend(BackendError::Gone { .. }))
}

/// A panic is a bug of ours or of a backend, which fails what met it alone.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| panicked(&*panic))
}
