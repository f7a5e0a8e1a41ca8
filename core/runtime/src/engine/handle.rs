use std::sync::Arc;

use super::Passes;
use super::control::{Control, Requested};

/// A turn that was begun. No call blocks; requests take effect at the turn's next step, or before its first. Dropping the
/// handle abandons the turn, if it has not ended.
#[derive(Debug)]
#[must_use = "dropping the handle abandons the turn"]
pub struct TurnHandle(pub(super) Arc<Control>);

impl TurnHandle {
    /// Rests after the running step.
    pub fn pause(&self) {
        self.0.request(Requested::Pause);
    }

    /// Goes on.
    pub fn resume(&self) {
        self.0.request(Requested::Run);
    }

    /// Its steps tell what the model would put in the place of the masks that they leave.
    pub fn tell_guesses(&self) {
        self.0.tell_guesses();
    }

    /// Whether any pass so far has computed other turns too; what a step's event tells of is counted.
    #[must_use]
    pub fn ran_in(&self) -> Passes {
        self.0.ran_in()
    }

    /// Ends the turn after the running step; what is committed is kept.
    pub fn stop(&self) {
        self.0.request(Requested::Stop);
    }

    /// Ends the turn at once: the running forward is broken off between two layers.
    pub fn abandon(&self) {
        self.0.abandon();
    }
}

impl Drop for TurnHandle {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// A measurement that was begun. Dropping the handle stops it, if it has not ended.
#[derive(Debug)]
#[must_use = "dropping the handle stops the measurement"]
pub struct MeasureHandle(pub(super) Arc<Control>);

impl MeasureHandle {
    /// Ends the measurement at once: the running forward is broken off between two layers.
    pub fn stop(&self) {
        self.0.abandon();
    }
}

impl Drop for MeasureHandle {
    fn drop(&mut self) {
        self.stop();
    }
}
