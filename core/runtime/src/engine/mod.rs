//! The engine: one thread that owns the loaded model; commands go in, [`EngineEvent`]s come out.

mod away;
mod control;
mod events;
mod fill;
mod handle;
mod layout;
mod load;
mod loaded;
mod measure;
mod model;
mod model_text;
mod request;
mod thread;
mod worker;

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::Builder;

use control::Control;
use thread::EngineCommand;
use worker::{EngineWorker, EventSink};

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
    MeasureRequest, OldModel, Overflow, Planned, TurnId, TurnInput, TurnRequest,
};

/// The owner of the thread: never blocks. Commands are carried out in order. When it goes, what runs or waits is cancelled
/// and the thread ends.
pub struct Engine {
    commands: Sender<EngineCommand>,
    /// Of every turn and measurement that has not ended.
    work: Vec<Weak<Control>>,
    loads: Vec<Weak<Control>>,
}

impl Engine {
    /// Starts the thread; `on_event` is called from it with everything that happens.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn start(
        loader: Box<dyn Loader>,
        on_event: impl Fn(EngineEvent) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let (commands, inbox) = channel();
        let worker = EngineWorker {
            loader,
            events: EventSink(Box::new(on_event)),
            current: None,
        };
        Builder::new()
            .name("unmask-engine".to_owned())
            .spawn(move || worker.run(&inbox))?;
        Ok(Self {
            commands,
            work: Vec::new(),
            loads: Vec::new(),
        })
    }

    /// Loads a model once the commands before have ended. The model before stays until this one is ready, or is unloaded
    /// first and loaded again if this one fails.
    pub fn load(&mut self, request: LoadRequest) {
        let control = control(&mut self.loads);
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

    /// Begins a turn once the commands before have ended; several may wait, each with its own handle.
    ///
    /// What a [`laid out`](TurnRequest::laid_out) request is refused for is known before; any other is laid out on the
    /// engine's thread, and fails there.
    pub fn begin(&mut self, request: TurnRequest) -> TurnHandle {
        let control = control(&mut self.work);
        self.send(EngineCommand::Turn(Box::new(request), Arc::clone(&control)));
        TurnHandle(control)
    }

    /// Measures likelihoods once the commands before have ended.
    pub fn measure(&mut self, request: MeasureRequest) -> MeasureHandle {
        let control = control(&mut self.work);
        self.send(EngineCommand::Measure(request, Arc::clone(&control)));
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
    }
}

/// A control for one more command; those of ended ones are forgotten.
fn control(unfinished: &mut Vec<Weak<Control>>) -> Arc<Control> {
    let control = Arc::default();
    unfinished.retain(|control| control.strong_count() > 0);
    unfinished.push(Arc::downgrade(&control));
    control
}

fn abandon(unfinished: &[Weak<Control>]) {
    let running = unfinished.iter().filter_map(Weak::upgrade);
    running.for_each(|control| control.abandon());
}
