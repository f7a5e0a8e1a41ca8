//! What the engine's thread owns.

use super::event_sink::EventSink;
use super::inbox::Inbox;
use super::model::{Loader, Ready, ReadyModel};
use super::request::LoadRequest;
use super::sessions::ModelSessions;
use super::turns::{ModelInUse, Turns};

/// The engine's thread: owns the model, begins what is asked in order, and makes steps of what runs.
pub(super) struct EngineWorker {
    pub(super) loader: Box<dyn Loader>,
    pub(super) events: EventSink,
    pub(super) inbox: Inbox,
    pub(super) current: Option<Current>,
    /// Only of a model on this machine.
    pub(super) turns: Turns,
}

/// The model that answers, and how to get it again.
pub(super) struct Current {
    pub(super) ready: Ready,
    pub(super) again: LoadRequest,
    pub(super) sessions: ModelSessions,
}

impl Current {
    /// The model, if it is on this machine.
    pub(super) fn here(&self) -> Option<&ReadyModel> {
        match &self.ready {
            Ready::Here(ready) => Some(ready),
            Ready::Away(_) => None,
        }
    }

    /// What turns run on, likewise.
    pub(super) fn in_use<'m>(&'m mut self, events: &'m EventSink) -> Option<ModelInUse<'m>> {
        match &self.ready {
            Ready::Here(ready) => Some(ModelInUse {
                ready,
                sessions: &mut self.sessions,
                events,
            }),
            Ready::Away(_) => None,
        }
    }
}
