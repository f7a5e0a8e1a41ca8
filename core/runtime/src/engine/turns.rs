//! The turns that run at once: which of them is next, and what becomes of it.
//!
//! Between two passes the engine is free for another turn, so that nobody waits for a whole answer of somebody else. The next
//! pass is of the turn whose client has had the least of the engine's time; where the backend can, the same pass computes
//! others that sit in the same session.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use unmask_api::{BackendError, ErrorCode};

use super::active_turn::{ActiveTurn, TurnSession, WorkId};
use super::control::{Control, Requested};
use super::end::{failure, panicked};
use super::event_sink::EventSink;
use super::inbox::{EngineCommand, Inbox, Occupied};
use super::layout::lay_out;
use super::model::ReadyModel;
use super::sessions::ModelSessions;
use super::{EngineEvent, Failure, Sharing, TurnEvent, TurnRequest};
use crate::concurrency::Concurrency;
use crate::event::FinishReason;
use crate::fair_share::FairShare;
use crate::generate::DenoiseError;

/// Turns that run.
pub(super) struct Turns {
    concurrency: Concurrency,
    pub(super) running: Vec<ActiveTurn>,
    /// Of all work that runs and does not rest.
    pub(super) share: FairShare<WorkId>,
    last: WorkId,
    /// Likelihoods that are measured meanwhile.
    measuring: Option<Measuring>,
    /// There was no memory for one more; it waits until one has ended.
    is_full: bool,
}

struct Measuring {
    client: String,
    work: WorkId,
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
            share: FairShare::default(),
            last: WorkId::default(),
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
                if error.code() == ErrorCode::OutOfMemory && self.may_make_room(on.sessions) =>
            {
                let again = TurnRequest {
                    turn,
                    input: laid_out,
                    params,
                };
                let again = Box::new(again.into());
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
        let work = self.enter(&sharing.client);
        self.running.push(ActiveTurn {
            turn,
            work,
            sharing,
            control,
            session,
            holes: laid_out.holes,
            elapsed: Duration::ZERO,
            is_resting: false,
        });
        Ok(())
    }

    fn enter(&mut self, client: &str) -> WorkId {
        self.last.0 += 1;
        self.share.enter(client, self.last);
        self.last
    }

    /// After there was no memory for something: whether it is worth another try, at once if idle sessions could be freed, else
    /// when something that runs has ended.
    pub(super) fn may_make_room(&mut self, sessions: &mut ModelSessions) -> bool {
        let has_freed = sessions.free_idle();
        let runs = !self.running.is_empty() || self.measuring.is_some();
        self.is_full = !has_freed && runs;
        has_freed || runs
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

    /// Begins what waits beside the measurement, and makes steps while turns are before it and it is still wanted.
    pub(super) fn step_before_measuring(
        &mut self,
        control: &Control,
        inbox: &mut Inbox,
        on: &mut ModelInUse<'_>,
    ) -> Result<(), ModelGone> {
        while !control.cancel.is_raised() {
            inbox.take_in();
            while let Some(EngineCommand::Turn(request, sharing, control)) =
                inbox.next(self.occupied(Some(on.ready)))
            {
                self.begin(*request, sharing, control, inbox, on)?;
            }
            self.heed(on);
            let Some(Measuring { client, work }) = &self.measuring else {
                return Ok(());
            };
            let own = self.share.order(client, work);
            match self.ready().first() {
                Some(&first) if self.order(first) < own => self.step(on)?,
                Some(_) | None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Likelihoods are measured for a client, until [`measured`](Self::measured).
    pub(super) fn measure(&mut self, client: &str) {
        let work = self.enter(client);
        let client = client.to_owned();
        self.measuring = Some(Measuring { client, work });
    }

    /// Measuring took so long.
    pub(super) fn spent_measuring(&mut self, time: Duration, events: &EventSink) {
        if let Some(Measuring { client, work }) = &self.measuring {
            self.share.spend_on(client, work, time);
            events.served(client, time);
        }
    }

    pub(super) fn measured(&mut self) {
        if let Some(Measuring { client, work }) = self.measuring.take() {
            self.share.leave(&client, &work);
            self.is_full = false;
        }
    }

    /// Nothing else begins until a turn has ended.
    pub(super) fn wait_for_room(&mut self) {
        self.is_full = !self.running.is_empty();
    }

    /// Gives every turn up.
    pub(super) fn fail_all(&mut self, failure: &Failure, events: &EventSink) {
        while !self.running.is_empty() {
            let turn = self.take_out(0);
            turn.emit(events, TurnEvent::Failed(failure.clone()));
        }
    }

    /// Takes out what has ended.
    fn take_out(&mut self, index: usize) -> ActiveTurn {
        let turn = self.running.remove(index);
        self.share.leave(&turn.sharing.client, &turn.work);
        self.is_full = false;
        turn
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
                    self.share.leave(&turn.sharing.client, &turn.work);
                    let steps = turn.session.denoise().stats().steps;
                    turn.emit(on.events, TurnEvent::Paused(steps));
                }
                Requested::Run if turn.is_resting => {
                    turn.is_resting = false;
                    self.share.enter(&turn.sharing.client, turn.work);
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
        self.share.order(&turn.sharing.client, &turn.work)
    }

    pub(super) fn end(&mut self, index: usize, reason: FinishReason, on: &mut ModelInUse<'_>) {
        let turn = self.take_out(index);
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
    }

    pub(super) fn fail(&mut self, index: usize, failure: Failure, on: &mut ModelInUse<'_>) {
        let turn = self.take_out(index);
        turn.emit(on.events, TurnEvent::Failed(failure));
        match turn.session {
            TurnSession::Own(_) => (),
            TurnSession::Shared(_, seat) => on.sessions.leave(seat),
        }
    }
}

pub(super) fn is_gone(error: &DenoiseError) -> bool {
    matches!(error, DenoiseError::Backend(BackendError::Gone { .. }))
}

/// A panic is a bug of ours or of a backend, which fails what met it alone.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| panicked(&*panic))
}
