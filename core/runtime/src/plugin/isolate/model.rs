//! A worker's model, shown as a [`Model`].

use std::sync::Arc;

use ipc_channel::ipc::channel;
use unmask_api::{BackendError, Capabilities, Model, ModelFacts, Session, SessionSpec};

use super::super::check;
use super::message::{Facts, Request, Response};
use super::process::Process;
use super::receiver::PatientReceiver;
use super::session::IsolatedSession;

/// Loaded weights in a process of their own.
pub(super) struct IsolatedModel {
    process: Arc<Process>,
    facts: ModelFacts,
}

impl IsolatedModel {
    /// # Errors
    /// If the facts cannot be.
    pub(super) fn new(process: Arc<Process>, facts: Facts) -> Result<Self, BackendError> {
        let mut notes = facts.notes;
        notes.push(format!("isolated: in a process of its own, {}", process.id));
        let facts = ModelFacts {
            vocab: facts.vocab as usize,
            max_positions: facts.max_positions,
            memory_bytes: facts.memory_bytes,
            cell_bytes: facts.cell_bytes,
            precision: facts.precision,
            capabilities: Capabilities(facts.capabilities),
            notes,
        };
        let facts = check::facts(&process.name, facts)?;
        Ok(Self { process, facts })
    }
}

impl Model for IsolatedModel {
    fn facts(&self) -> ModelFacts {
        self.facts.clone()
    }

    fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        let process = &self.process;
        let closed = |error: std::io::Error| {
            BackendError::Device(format!(
                "cannot open a channel to the process of {}: {error}",
                process.name
            ))
        };
        let (send_request, requests) = channel().map_err(closed)?;
        let (responses, receive_response) = channel().map_err(closed)?;
        let receive_response = PatientReceiver::of(receive_response).map_err(closed)?;
        let control = process.control();
        let request = Request::Session {
            cells: spec.cells,
            slots: spec.slots,
            requests,
            responses,
        };
        process.ask(&control, request)?;
        match process.quick_response(&control, "to open a session")? {
            Response::Done => Ok(Box::new(IsolatedSession::new(
                Arc::clone(process),
                (self.facts.vocab, self.facts.capabilities),
                (send_request, receive_response),
            ))),
            _ => Err(process.protocol_error()),
        }
    }
}
