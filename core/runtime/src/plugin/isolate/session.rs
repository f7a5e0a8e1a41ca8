//! A worker's session, shown as a [`Session`].

use std::sync::Arc;
use std::time::Instant;

use ipc_channel::ipc::IpcSender;
use unmask_api::{
    BackendError, CancelFlag, Capabilities, LogitsMut, Pass, Row, Session, TokenId, TopMut,
    TopRequest,
};

use super::super::check;
use super::super::session::{fits, top_fits};
use super::message::{
    ErrorMessage, PassMessage, SessionAction, SessionRequest, SessionResponse, TopMessage,
};
use super::process::Process;
use super::receiver::PatientReceiver;
use super::shared_memory::{SharedFile, SharedMemory, TopLayout};
use super::{PATIENCE_WITHOUT_CANCEL, POLL_INTERVAL};

/// A session in another process.
pub(super) struct IsolatedSession {
    process: Arc<Process>,
    vocab: usize,
    capabilities: Capabilities,
    requests: IpcSender<SessionRequest>,
    responses: PatientReceiver<SessionResponse>,
    /// Where output crosses; made at the first pass, and again for a reading of more.
    memory: Option<SharedMemory>,
}

impl IsolatedSession {
    pub(super) fn new(
        process: Arc<Process>,
        (vocab, capabilities): (usize, Capabilities),
        (requests, responses): (IpcSender<SessionRequest>, PatientReceiver<SessionResponse>),
    ) -> Self {
        Self {
            process,
            vocab,
            capabilities,
            requests,
            responses,
            memory: None,
        }
    }

    /// Has `action` done; so many `bytes` of output then lie in the memory that is returned. `cancel` is of a pass: all else
    /// is quick, and the process is ended if it is not.
    fn perform(
        &mut self,
        action: SessionAction,
        bytes: usize,
        cancel: Option<&CancelFlag>,
    ) -> Result<&SharedMemory, BackendError> {
        let (memory, file) = self.make_room(bytes)?;
        match cancel.is_some_and(CancelFlag::is_raised) {
            true => memory.cancel().raise(),
            false => memory.cancel().lower(),
        }
        let request = SessionRequest {
            action,
            memory: file.as_ref().map(SharedFile::path),
        };
        self.process.send(&self.requests, request)?;
        let response = match cancel {
            Some(cancel) => self.wait(memory.cancel(), cancel)?,
            None => {
                let what = "to hand over its output or to change its slots";
                self.process.quick(&self.responses, what)?
            }
        };
        // Both have it open: the file goes, the memory stays, whether or not the action failed.
        drop(file);
        let memory = self.memory.insert(memory);
        response.map_err(ErrorMessage::error)?;
        Ok(memory)
    }

    /// Memory for so many bytes, with its file if the worker has yet to open it.
    fn make_room(
        &mut self,
        bytes: usize,
    ) -> Result<(SharedMemory, Option<SharedFile>), BackendError> {
        if let Some(memory) = self.memory.take().filter(|it| it.bytes() >= bytes) {
            return Ok((memory, None));
        }
        let (memory, file) = SharedMemory::create(bytes).map_err(|error| {
            BackendError::OutOfMemory(format!(
                "no memory to share {bytes} bytes with the process of {}: {error}",
                self.process.name
            ))
        })?;
        Ok((memory, Some(file)))
    }

    /// Waits for the response. Once `cancel` is raised `theirs` is too, and soon after the process is ended.
    fn wait(
        &self,
        theirs: &CancelFlag,
        cancel: &CancelFlag,
    ) -> Result<SessionResponse, BackendError> {
        let patience = match self.capabilities.has(Capabilities::CANCEL) {
            true => self.process.patience,
            false => self.process.patience * PATIENCE_WITHOUT_CANCEL,
        };
        let mut asked: Option<Instant> = None;
        loop {
            if let Some(response) = self.process.receive(&self.responses, POLL_INTERVAL)? {
                return Ok(response);
            }
            match asked {
                None if cancel.is_raised() => {
                    theirs.raise();
                    asked = Some(Instant::now());
                }
                Some(asked) if asked.elapsed() >= patience => {
                    let waited = patience.as_secs_f32();
                    let why =
                        format!("did not stop within {waited} s of being asked and was ended");
                    return Err(self.process.end(why));
                }
                None | Some(_) => {}
            }
        }
    }
}

fn row(row: &Row) -> [u32; 5] {
    let Row {
        fed,
        slot,
        context,
        padding,
    } = row;
    [*fed, *slot, context.start, context.end, *padding]
}

fn ids(tokens: &[TokenId]) -> Vec<u32> {
    tokens.iter().map(|token| token.0).collect()
}

impl Session for IsolatedSession {
    fn forward(&mut self, pass: &Pass<'_>) -> Result<(), BackendError> {
        let message = PassMessage {
            rows: pass.rows.iter().map(row).collect(),
            tokens: ids(pass.tokens),
            positions: pass.positions.iter().map(|position| position.0).collect(),
            cells: pass.cells.iter().map(|cell| cell.0).collect(),
            mask: pass.mask.map(<[u32]>::to_vec),
            wanted: pass.wanted.to_vec(),
        };
        self.perform(SessionAction::Forward(message), 0, Some(pass.cancel))?;
        Ok(())
    }

    fn read_logits(&mut self, rows: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
        let vocab = self.vocab;
        fits("a row of logits", out.vocab, vocab)?;
        fits("logits", out.scores.len(), rows.len() * vocab)?;
        let rows = rows.to_vec();
        let bytes = size_of_val(out.scores);
        let memory = self.perform(SessionAction::ReadLogits { rows, vocab }, bytes, None)?;
        memory.copy(0, out.scores);
        check::logits(&self.process.name, vocab, out.scores)
    }

    fn read_top(
        &mut self,
        request: &TopRequest<'_>,
        mut out: TopMut<'_>,
    ) -> Result<(), BackendError> {
        top_fits(request, &out)?;
        let (rows, asked) = (request.rows.len(), request.asked.len());
        let layout = TopLayout::of(rows, out.k, asked, request.divergence);
        let layout = layout.ok_or_else(|| {
            BackendError::Invalid(format!("{rows} rows of the best {} fit no memory", out.k))
        })?;
        let message = TopMessage {
            k: out.k,
            rows: request.rows.to_vec(),
            banned: ids(request.banned),
            asked: ids(request.asked),
            divergence: request.divergence,
        };
        let memory = self.perform(SessionAction::ReadTop(message), layout.bytes(), None)?;
        let mut best = vec![0_u32; layout.entries];
        memory.copy(0, out.tail);
        memory.copy(layout.entropies(), out.entropy);
        memory.copy(layout.divergences(), out.divergence);
        memory.copy(layout.ids(), &mut best);
        memory.copy(layout.logits(), out.logits);
        memory.copy(layout.asked(), out.asked);
        for (id, best) in out.ids.iter_mut().zip(best) {
            *id = TokenId(best);
        }
        check::top(&self.process.name, self.vocab, request, &mut out)
    }

    fn copy_slot(&mut self, from: u32, to: u32) -> Result<(), BackendError> {
        self.perform(SessionAction::CopySlot { from, to }, 0, None)?;
        Ok(())
    }

    fn clear_slot(&mut self, slot: u32) -> Result<(), BackendError> {
        self.perform(SessionAction::ClearSlot(slot), 0, None)?;
        Ok(())
    }

    fn reserve(&mut self, cells: u32) -> Result<(), BackendError> {
        self.perform(SessionAction::Reserve(cells), 0, None)?;
        Ok(())
    }
}
