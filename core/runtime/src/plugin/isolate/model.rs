//! A host's model, shown as a [`Model`].

use std::sync::Arc;

use ipc_channel::ipc::channel;
use unmask_api::abi::{FactsRow, Room, size_u32};
use unmask_api::{BackendError, Model, ModelFacts, Session, SessionSpec};

use super::super::check;
use super::message::{Answer, Facts, Request};
use super::process::Process;
use super::session::IsolatedSession;

/// Loaded weights in a process of their own.
pub(super) struct IsolatedModel {
    process: Arc<Process>,
    facts: ModelFacts,
}

impl IsolatedModel {
    /// # Errors
    /// If the facts cannot be.
    pub(super) fn new(process: Arc<Process>, said: &Facts) -> Result<Self, BackendError> {
        let mut row = FactsRow {
            struct_size: size_u32::<FactsRow>(),
            vocab: said.vocab,
            max_positions: said.max_positions,
            reserved: 0,
            memory_bytes: said.memory_bytes,
            capabilities: said.capabilities,
            precision: Room::default(),
            notes: Room::default(),
        };
        row.precision.write(&said.precision);
        row.notes.write(&said.notes);
        let mut facts = check::facts(&process.name, &row)?;
        if !facts.notes.is_empty() && !facts.notes.ends_with('\n') {
            facts.notes.push('\n');
        }
        let note = format!("isolated: in a process of its own, {}", process.id);
        facts.notes.push_str(&note);
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
        let (send_pass, passes) = channel().map_err(closed)?;
        let (ends, receive_end) = channel().map_err(closed)?;
        let talk = process.talk();
        let request = Request::Session {
            capacity: spec.capacity,
            slots: spec.slots,
            passes,
            ends,
        };
        process.ask(&talk, request)?;
        match process.answer_promptly(&talk, "to open a session")? {
            Answer::Done => Ok(Box::new(IsolatedSession::new(
                Arc::clone(process),
                (self.facts.vocab, self.facts.capabilities),
                (send_pass, receive_end),
            ))),
            Answer::Failed(fault) => Err(fault.error()),
            _ => Err(process.nonsense()),
        }
    }
}
