//! The engine: one thread that owns the loaded model; commands go in, [`EngineEvent`]s come out.

mod active_turn;
mod away;
mod control;
mod end;
mod event_sink;
mod events;
mod fill;
mod handle;
mod inbox;
mod layout;
mod load;
mod loaded;
mod measure;
mod model;
mod model_text;
mod pass_budget;
mod request;
mod sessions;
mod thread;
mod turn_steps;
mod turns;
mod worker;

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::Builder;
use std::time::Duration;

use crate::concurrency::Concurrency;
use control::Control;
use event_sink::EventSink;
use inbox::{EngineCommand, Inbox};
use turns::Turns;
use worker::EngineWorker;

#[cfg(test)]
pub(crate) mod tests;

pub use crate::failure::{Failure, FailureKind};
pub use crate::message::{Message, Role};
pub use crate::pin::Pin;
pub use away::{Answering, Remote, Wanted, Wish};
pub use events::{EngineEvent, MeasureEvent, Measured, Outcome, TurnEvent};
pub use handle::{MeasureHandle, TurnHandle};
pub use loaded::Loaded;
pub use model::{Loader, Ready, ReadyModel};
pub use model_text::{LONGEST_TEXT, ModelText, SpecialTokens};
pub use request::{
    Fill, FillBefore, FillBlocks, FillEnds, FillPart, LaidOut, LoadRequest, MeasureId,
    MeasureRequest, OldModel, Overflow, Passes, Planned, Sharing, TurnId, TurnInput, TurnRequest,
};

/// The owner of the thread: never blocks. Loads wait for all before them; turns may run beside others and measurements. When it
/// goes, what runs or waits is cancelled and the thread ends.
pub struct Engine {
    commands: Sender<EngineCommand>,
    /// Of every turn and measurement that has not ended.
    work: Vec<Weak<Control>>,
    loads: Vec<Weak<Control>>,
}

impl Engine {
    /// Starts the thread, which runs one turn after the other; `on_event` is called from it with everything that happens.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn start(
        loader: Box<dyn Loader>,
        on_event: impl Fn(EngineEvent) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::start_concurrent(Concurrency::ONE, loader, on_event, |_, _| ())
    }

    /// The same with several turns at once. `on_served` is called from the thread with the time that each client has had,
    /// as soon as it has: of a pass of several turns in equal parts, of a measurement that of its own forwards.
    ///
    /// # Errors
    /// Likewise.
    pub fn start_concurrent(
        concurrency: Concurrency,
        loader: Box<dyn Loader>,
        on_event: impl Fn(EngineEvent) + Send + Sync + 'static,
        on_served: impl Fn(&str, Duration) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let (commands, inbox) = channel();
        let worker = EngineWorker {
            loader,
            events: EventSink {
                event: Box::new(on_event),
                served: Box::new(on_served),
            },
            inbox: Inbox::new(inbox),
            current: None,
            turns: Turns::new(concurrency),
        };
        Builder::new()
            .name("unmask-engine".to_owned())
            .spawn(move || worker.run())?;
        Ok(Self {
            commands,
            work: Vec::new(),
            loads: Vec::new(),
        })
    }

    /// Loads a model once the commands before have ended. The model before stays until this one is ready, or is unloaded
    /// first and loaded again if this one fails.
    pub fn load(&mut self, request: LoadRequest) {
        let control = control(&mut self.loads, &self.commands);
        self.send(EngineCommand::Load(request, control));
    }

    /// Frees what the model holds once the commands before have ended; [`EngineEvent::Unloaded`] tells of it.
    pub fn unload(&mut self) {
        self.send(EngineCommand::Unload);
    }

    /// Breaks off the running load and those that wait: each ends in [`EngineEvent::LoadFailed`]. Said again, it breaks off
    /// the return of the model that made room.
    pub fn cancel_load(&mut self) {
        abandon(&self.loads);
    }

    /// Begins a turn as soon as there is a place, behind every load that was asked for before; several may wait, each with its
    /// own handle.
    ///
    /// What a [`laid out`](TurnRequest::laid_out) request is refused for is known before; any other is laid out on the
    /// engine's thread, and fails there.
    pub fn begin(&mut self, request: TurnRequest) -> TurnHandle {
        self.begin_for(Sharing::default(), request)
    }

    /// The same for one of several clients, beside whose turns this one runs.
    pub fn begin_for(&mut self, sharing: Sharing, request: TurnRequest) -> TurnHandle {
        let control = control(&mut self.work, &self.commands);
        let turn = EngineCommand::Turn(Box::new(request), sharing, Arc::clone(&control));
        self.send(turn);
        TurnHandle(control)
    }

    /// Measures likelihoods once the measurements and loads before have ended.
    pub fn measure(&mut self, request: MeasureRequest) -> MeasureHandle {
        self.measure_for(Sharing::default(), request)
    }

    /// The same for one of several clients, whose turns go on between the forwards.
    pub fn measure_for(&mut self, sharing: Sharing, request: MeasureRequest) -> MeasureHandle {
        let control = control(&mut self.work, &self.commands);
        self.send(EngineCommand::Measure(
            request,
            sharing,
            Arc::clone(&control),
        ));
        MeasureHandle(control)
    }

    fn send(&self, command: EngineCommand) {
        // The thread catches panics and lives as long as this handle; should it be gone, no event will come, which is all
        // that a caller could be told here.
        if self.commands.send(command).is_err() {
            tracing::error!("the engine's thread is gone");
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        abandon(&self.work);
        // Neither the load nor the return of the model before.
        abandon(&self.loads);
        abandon(&self.loads);
        self.send(EngineCommand::End);
    }
}

/// A control for one more command; those of ended ones are forgotten.
fn control(unfinished: &mut Vec<Weak<Control>>, commands: &Sender<EngineCommand>) -> Arc<Control> {
    let commands = commands.clone();
    // Once the thread is gone there is nothing left to look at.
    let wake = move || drop(commands.send(EngineCommand::Look));
    let control = Arc::new(Control::new(wake));
    unfinished.retain(|control| control.strong_count() > 0);
    unfinished.push(Arc::downgrade(&control));
    control
}

fn abandon(unfinished: &[Weak<Control>]) {
    let running = unfinished.iter().filter_map(Weak::upgrade);
    running.for_each(|control| control.abandon());
}
