use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use unmask_api::{BackendError, SessionSpec};

use super::control::Control;
use super::end::{failure, no_model, panicked};
use super::inbox::EngineCommand;
use super::model::{Ready, ReadyModel};
use super::turns::ModelGone;
use super::worker::{Current, EngineWorker};
use super::{EngineEvent, Sharing, TurnEvent, TurnRequest};
use crate::generate::DenoiseError;
use crate::plugin::Running;

impl EngineWorker {
    /// Until nobody asks for anything any more and all has ended.
    pub(super) fn run(mut self) {
        loop {
            self.inbox.take_in();
            while let Some(command) = self.next_command() {
                self.carry_out(command);
            }
            if self.turns.have_work() {
                self.step();
            } else if self.inbox.is_over {
                return;
            } else {
                self.wait();
            }
        }
    }

    fn next_command(&mut self) -> Option<EngineCommand> {
        let ready = self.current.as_ref().and_then(Current::here);
        self.inbox.next(self.turns.occupied(ready))
    }

    fn carry_out(&mut self, command: EngineCommand) {
        match command {
            EngineCommand::Load(request, control) => self.load(request, &control),
            EngineCommand::Unload => drop(self.unload()),
            EngineCommand::Turn(request, sharing, control) => {
                self.turn(*request, sharing, control);
            }
            EngineCommand::Measure(request, sharing, control) => {
                self.measure(request, sharing, control);
            }
            EngineCommand::Look | EngineCommand::End => (),
        }
    }

    /// Waits for whatever comes next. While a model in a process of its own waits too, that is looked at.
    fn wait(&mut self) {
        const WATCH: Duration = Duration::from_millis(if cfg!(test) { 10 } else { 2_000 });
        let is_watched = self.turns.is_empty() && self.process().is_some();
        if !self.inbox.wait(is_watched.then_some(WATCH)) {
            self.look_after_process();
        }
    }

    /// The model, if it waits in a process of its own.
    fn process(&self) -> Option<&ReadyModel> {
        let ready = self.current.as_ref()?.here()?;
        (ready.loaded.running == Running::Alone).then_some(ready)
    }

    /// A process that has ended is told of before it is needed: a session without cells costs nothing to open.
    fn look_after_process(&mut self) {
        const NOTHING: SessionSpec = SessionSpec { cells: 0, slots: 1 };
        let Some(ready) = self.process() else {
            return;
        };
        let opened = catch_unwind(AssertUnwindSafe(|| ready.model.session(NOTHING)));
        if let Ok(Err(error @ BackendError::Gone { .. })) = opened {
            let failure = failure(ready, &DenoiseError::Backend(error));
            self.lose(failure);
        }
    }

    fn step(&mut self) {
        let Self {
            current,
            events,
            turns,
            ..
        } = self;
        let stepped = current.as_mut().and_then(|it| it.in_use(events));
        let stepped = stepped.map(|mut on| turns.step(&mut on));
        if let Some(Err(ModelGone(failure))) = stepped {
            self.lose(failure);
        }
    }

    fn turn(&mut self, request: TurnRequest, sharing: Sharing, control: Arc<Control>) {
        let Self {
            current,
            events,
            turns,
            inbox,
            ..
        } = self;
        let turn = request.turn;
        let emit = |event| events.emit(EngineEvent::Turn(turn, event));
        let Some(current) = current else {
            return emit(TurnEvent::Failed(no_model()));
        };
        if let Ready::Away(away) = &mut current.ready {
            let work = WorkTime::begin();
            let tell = |event: TurnEvent| {
                work.hear(&event);
                emit(event);
            };
            let end = catch_unwind(AssertUnwindSafe(|| away.turn(request, &*control, &tell)));
            events.served(&sharing.client, work.elapsed());
            return emit(match end.unwrap_or_else(|panic| Err(panicked(&*panic))) {
                Ok(outcome) => TurnEvent::Finished(outcome),
                Err(failure) => TurnEvent::Failed(failure),
            });
        }
        let begun = current.in_use(events);
        let begun = begun.map(|mut on| turns.begin(request, sharing, control, inbox, &mut on));
        if let Some(Err(ModelGone(failure))) = begun {
            self.lose(failure);
        }
    }
}

/// How long a turn has worked, without its rests.
struct WorkTime {
    began: Instant,
    rests_since: Cell<Option<Instant>>,
    rested: Cell<Duration>,
}

impl WorkTime {
    fn begin() -> Self {
        Self {
            began: Instant::now(),
            rests_since: Cell::default(),
            rested: Cell::default(),
        }
    }

    fn hear(&self, event: &TurnEvent) {
        match event {
            TurnEvent::Paused(_) => self.rests_since.set(Some(Instant::now())),
            TurnEvent::Resumed => self.go_on(),
            TurnEvent::Started { .. }
            | TurnEvent::Step(_)
            | TurnEvent::Finished(_)
            | TurnEvent::Failed(_) => (),
        }
    }

    fn go_on(&self) {
        if let Some(since) = self.rests_since.take() {
            self.rested.set(self.rested.get() + since.elapsed());
        }
    }

    fn elapsed(&self) -> Duration {
        self.go_on();
        self.began.elapsed().saturating_sub(self.rested.get())
    }
}
