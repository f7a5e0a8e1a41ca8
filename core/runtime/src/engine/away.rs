//! Models that answer elsewhere: another engine, which tells of its turns as this one does.

use std::ops::ControlFlow;
use std::sync::Arc;

use unmask_api::LoadProgress;

use super::control::{Control, Requested};
use super::{Failure, Loaded, MeasureEvent, MeasureRequest, Outcome, TurnEvent, TurnRequest};
use crate::config::ModelEntry;

/// A model that answers elsewhere.
pub trait Answering: Send {
    /// What the world may know of it.
    fn loaded(&self) -> Arc<Loaded>;

    /// Carries out a turn: tells `Started`, then what happens; the end is returned. `wish` is to be asked often.
    ///
    /// # Errors
    /// Why it was given up.
    fn turn(
        &mut self,
        request: TurnRequest,
        wish: &dyn Wish,
        tell: &dyn Fn(TurnEvent),
    ) -> Result<Outcome, Failure>;

    /// Measures likelihoods; returns the last event.
    ///
    /// # Errors
    /// Why it was given up, also that it cannot.
    fn measure(
        &mut self,
        request: &MeasureRequest,
        wish: &dyn Wish,
        tell: &dyn Fn(MeasureEvent),
    ) -> Result<MeasureEvent, Failure> {
        let _ = (request, wish, tell);
        let text = format!("the server of {} tells no likelihoods", self.loaded().name);
        Err(Failure::usage(text, "measure a model of this machine"))
    }
}

/// Reaches models that answer elsewhere.
pub trait Remote: Send {
    /// Reaches the model of `entry`.
    ///
    /// # Errors
    /// If its server cannot be reached, or has no such model.
    fn connect(
        &self,
        entry: &ModelEntry,
        progress: &(dyn Fn(LoadProgress<'_>) -> ControlFlow<()> + Sync),
    ) -> Result<Box<dyn Answering>, Failure>;
}

/// What the owner of a turn wants to become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// It goes on.
    GoOn,
    /// It rests after the running step.
    Rest,
    /// It ends after the running step.
    Stop,
    /// It ends at once.
    Abandon,
}

/// Tells what the owner of a turn wants, now.
pub trait Wish {
    /// That.
    fn wanted(&self) -> Wanted;
}

impl Wish for Control {
    fn wanted(&self) -> Wanted {
        match self.requested() {
            _ if self.cancel.is_raised() => Wanted::Abandon,
            Requested::Run => Wanted::GoOn,
            Requested::Pause => Wanted::Rest,
            Requested::Stop => Wanted::Stop,
        }
    }
}
