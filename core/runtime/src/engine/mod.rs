//! The engine: one thread that owns the loaded model; commands go in, [`EngineEvent`]s come out.

mod control;
mod layout;
mod load;
mod model;
mod news;
mod request;
mod thread;

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::Builder;

use control::{Control, Wish};
use thread::{Command, Listener, Worker};

#[cfg(test)]
mod tests;

pub use model::{Loader, ModelText, ReadyModel};
pub use news::{EngineEvent, Failure, FailureKind, Loaded, Outcome, Placed, TurnEvent};
pub use request::{
    LoadRequest, Message, OldModel, Overflow, Pin, Role, TurnId, TurnInput, TurnRequest,
};

/// The handle: never blocks. Commands are carried out in order; wishes about the turn begun last take effect at its next
/// step, or before its first. When the handle goes, what runs or waits is cancelled and the thread ends.
pub struct Engine {
    commands: Sender<Command>,
    turn: Arc<Control>,
    /// Of every turn and load that has not ended.
    turns: Vec<Weak<Control>>,
    loads: Vec<Weak<Control>>,
}

impl Engine {
    /// Starts the thread; `tell` is called from it with everything that happens.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn start(
        loader: Box<dyn Loader>,
        tell: impl Fn(EngineEvent) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let (commands, inbox) = channel();
        let worker = Worker {
            loader,
            listener: Listener(Box::new(tell)),
            current: None,
        };
        Builder::new()
            .name("unmask-engine".to_owned())
            .spawn(move || worker.run(&inbox))?;
        Ok(Self {
            commands,
            turn: Arc::default(),
            turns: Vec::new(),
            loads: Vec::new(),
        })
    }

    /// Loads a model once the loads before have ended. The model before stays until this one is ready, or is unloaded first
    /// and loaded again if this one fails.
    pub fn load(&mut self, request: LoadRequest) {
        let control = control(&mut self.loads);
        self.send(Command::Load(request, control));
    }

    /// Breaks off the running load and those that wait: each ends in [`EngineEvent::LoadFailed`]. Said again, it breaks off
    /// the return of the model that made room.
    pub fn cancel_load(&mut self) {
        abandon(&self.loads);
    }

    /// Begins a turn once the ones before have ended.
    pub fn begin(&mut self, request: TurnRequest) {
        self.turn = control(&mut self.turns);
        self.send(Command::Turn(Box::new(request), Arc::clone(&self.turn)));
    }

    /// Has the model's tokenizer read pins for an answer of `length` positions, once the commands before have ended: it
    /// tells [`EngineEvent::Placed`], or nothing while there is no model.
    pub fn place(&self, pins: Vec<Pin>, length: usize) {
        self.send(Command::Place(pins, length));
    }

    /// Rests after the running step.
    pub fn pause(&mut self) {
        self.turn.set(Wish::Pause);
    }

    /// Goes on.
    pub fn resume(&mut self) {
        self.turn.set(Wish::Run);
    }

    /// Ends the turn after the running step; what is committed is kept.
    pub fn stop(&mut self) {
        self.turn.set(Wish::Stop);
    }

    /// Ends the turn at once: the running forward is broken off between two layers.
    pub fn abandon(&mut self) {
        self.turn.abandon();
    }

    fn send(&self, command: Command) {
        // The thread catches panics and lives as long as this handle; should it be gone, no event will come, which is all
        // that a caller could be told here.
        if self.commands.send(command).is_err() {
            tracing::error!("the engine's thread is gone");
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        abandon(&self.turns);
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
